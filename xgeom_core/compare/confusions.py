"""Ways in which one beam center becomes another by a confusion: what each predicts, in numbers and words.

Given what one source says (``right``), each cause predicts what a confused source would say. Nothing here
weighs the causes; ``detective.py`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import GeometryError
from xgeom_core.estimate import Estimate
from xgeom_core.geometry import SYMMETRIES, Geometry, Symmetry

Point = tuple[float, float]
Size = tuple[int, int]

# Above this a detector is swung on purpose; below it is merely not quite straight.
SWUNG_DEG = 5.0


@dataclass(frozen=True)
class Claim:
    """What one source says of one frame, as far as the detective needs it.

    Parameters
    ----------
    source : str
        Who says so, as shown to the user.
    center_px : tuple of float
        ``(x, y)`` in px, corner origin.
    sigma_px : tuple of float or None
        Standard deviation along x and y; None where the source states none.
    tilt_deg, tilt_sigma_deg : tuple of float or None
        ``(pitch, yaw)`` and its standard deviation; None where unknown.
    distance_mm : float or None
        Along the beam.
    pixel_mm : tuple of float or None
        Pixel size ``(fast, slow)``.
    """

    source: str
    center_px: Point
    sigma_px: Point | None = None
    tilt_deg: Point | None = None
    tilt_sigma_deg: Point | None = None
    distance_mm: float | None = None
    pixel_mm: Point | None = None

    @classmethod
    def of(
        cls,
        estimate: Estimate,
        distance_mm: float | None = None,
        pixel_mm: Point | None = None,
        source: str | None = None,
    ) -> Claim:
        """The claim of an Estimate, under its own name or another."""
        return cls(
            source or estimate.source,
            estimate.center_px,
            estimate.center_sigma_px,
            estimate.tilt_deg,
            estimate.tilt_sigma_deg,
            distance_mm,
            pixel_mm,
        )

    @property
    def total_tilt_deg(self) -> float | None:
        """Angle between beam and detector normal in degrees; None where the tilt is unknown."""
        if self.tilt_deg is None:
            return None
        pitch, yaw = np.radians(self.tilt_deg)
        return float(np.degrees(np.arccos(np.clip(np.cos(pitch) * np.cos(yaw), -1.0, 1.0))))

    def foot_px(self) -> Point | None:
        """Foot of the normal in px; None while tilt, distance or pixel size is unknown or impossible."""
        if self.tilt_deg is None or self.distance_mm is None or self.pixel_mm is None:
            return None
        try:
            return Geometry(self.center_px, self.distance_mm, self.pixel_mm, None, *self.tilt_deg).foot_px()
        except GeometryError:
            return None


@dataclass(frozen=True)
class Cause:
    """A confusion, and what the confused source would say.

    Parameters
    ----------
    key : str
        Short name: ``"half pixel"``, ``"swapped axes"``, ``"foot of the normal"``.
    predict : callable
        What the confused source would say, given what the other says; None where that needs
        something unknown.
    words : str
        A sentence with ``{wrong}`` and ``{right}`` for the two names.
    shift : bool
        A difference of half a pixel or one: only an exact match counts.
    extra : float
        Pixels by which this variant differs from the plain cause; 0 for the plain one.
    scale : float
        How much an error in px grows on the way: the pixel size for mm taken for px.
    mutual : bool
        Works both ways, so that it need not be tried the other way round.
    fits : callable
        ``fits(wrong, right)``: whether what else the two say allows the cause.
    """

    key: str
    predict: Callable[[Claim], Point | None]
    words: str
    shift: bool = False
    extra: float = 0.0
    scale: float = 1.0
    mutual: bool = False
    fits: Callable[[Claim, Claim], bool] = lambda wrong, right: True


def causes(image_size: Size | None, pixel_mm: Point | None) -> Iterator[Cause]:
    """Every cause that can be tried with what is known, the plain ones first.

    Parameters
    ----------
    image_size : tuple of int or None
        Pixels ``(fast, slow)``; flips need it.
    pixel_mm : tuple of float or None
        Pixel size ``(fast, slow)``; confusions of mm and px need it.
    """
    yield from _shifts()
    yield from _symmetries(image_size)
    if pixel_mm is not None:
        yield from _units(pixel_mm, image_size)
    yield from _feet()


_SHIFT_WORDS = {
    ("half pixel", 2): "one counts from the center of the first pixel, the other from its outer corner",
    ("half pixel", 1): "a correction from pixel centers to pixel corners was applied to one axis only",
    ("one pixel", 2): (
        "one numbers the pixels from 1 and the other from 0, or a half pixel was corrected the wrong way"
    ),
    ("one pixel", 1): "an axis was flipped as N - x where N - 1 - x was meant, or the other way round",
}


def _shifts() -> Iterator[Cause]:
    for key, step, words in (("half pixel", 0.5, "half a pixel"), ("one pixel", 1.0, "one pixel")):
        for sx in (1, 0, -1):
            for sy in (1, 0, -1):
                axes = abs(sx) + abs(sy)
                if axes == 0:
                    continue
                which = "both axes" if axes == 2 else ("x" if sx else "y")
                yield Cause(
                    key,
                    _shifted((sx * step, sy * step)),
                    f"{{wrong}} lies exactly {words} from {{right}} on {which} "
                    f"({sx * step:+.1f}, {sy * step:+.1f} px): {_SHIFT_WORDS[key, axes]}.",
                    shift=True,
                    mutual=True,
                )


def _shifted(shift: Point) -> Callable[[Claim], Point]:
    return lambda right: (right.center_px[0] + shift[0], right.center_px[1] + shift[1])


_SYMMETRY_NAMES = {
    (False, True, False): ("flip x", "is counted from the right edge (x flipped)"),
    (False, False, True): ("flip y", "is counted from the lower edge (y flipped)"),
    (False, True, True): ("flip x and y", "belongs to the image turned by 180 degrees"),
    (True, False, False): ("swapped axes", "has x and y swapped"),
    (True, True, False): ("swapped axes, flip x", "belongs to the image turned by 90 degrees"),
    (True, False, True): ("swapped axes, flip y", "belongs to the image turned by 90 degrees the other way"),
    (True, True, True): (
        "swapped axes, flip x and y",
        "has x and y swapped and counts both from the far edge",
    ),
}


def _symmetries(image_size: Size | None) -> Iterator[Cause]:
    for symmetry in SYMMETRIES[1:]:
        flips = symmetry.flip_x or symmetry.flip_y
        if flips and image_size is None:
            continue
        key, words = _SYMMETRY_NAMES[symmetry.transpose, symmetry.flip_x, symmetry.flip_y]
        # Counting pixel indices instead of edges costs a flip one more pixel, a swap at most half of one.
        for extra in (0.0, -1.0, 1.0, -0.5, 0.5) if flips else (0.0, 0.5, -0.5):
            more = (
                f" and is {abs(extra):g} px off besides, as when pixel numbers are counted" if extra else ""
            )
            yield Cause(
                key,
                _laid(symmetry, image_size or (0, 0), extra),
                f"{{wrong}} {words} with respect to {{right}}{more}.",
                extra=extra,
                mutual=True,
            )


def _laid(symmetry: Symmetry, size: Size, extra: float) -> Callable[[Claim], Point]:
    def predict(right: Claim) -> Point:
        x, y = symmetry.center(right.center_px, (size[1], size[0]))
        every = not (symmetry.flip_x or symmetry.flip_y)
        return (x + extra * (symmetry.flip_x or every), y + extra * (symmetry.flip_y or every))

    return predict


def _units(pixel: Point, image_size: Size | None) -> Iterator[Cause]:
    # Either source could be the one in px: the one nearer to the middle of the image is.
    fits = _right_nearer_middle(image_size)
    size = f"{pixel[0]:.6g}" if pixel[0] == pixel[1] else f"{pixel[0]:.6g} x {pixel[1]:.6g}"
    millimeters = (
        "{wrong} gives mm where px are meant: its numbers are those of {right} times the pixel size "
        f"({size} mm)"
    )
    pixels = (
        f"{{wrong}} takes px for mm: its numbers are those of {{right}} divided by the pixel size ({size} mm)"
    )
    for key, words, power in (("mm taken for px", millimeters, 1), ("px taken for mm", pixels, -1)):
        factor = (pixel[0] ** power, pixel[1] ** power)
        yield Cause(key, _scaled(factor, swap=False), words + ".", scale=max(factor), fits=fits)
        yield Cause(
            f"{key}, swapped axes",
            _scaled(factor, swap=True),
            words + ", and x and y are swapped (as MOSFLM and DENZO write them).",
            scale=max(factor),
            fits=fits,
        )


def _scaled(factor: Point, swap: bool) -> Callable[[Claim], Point]:
    def predict(right: Claim) -> Point:
        x, y = right.center_px[0] * factor[0], right.center_px[1] * factor[1]
        return (y, x) if swap else (x, y)

    return predict


def _right_nearer_middle(image_size: Size | None) -> Callable[[Claim, Claim], bool]:
    def fits(wrong: Claim, right: Claim) -> bool:
        if image_size is None:
            return True
        off = [np.hypot(*(np.divide(c.center_px, image_size) - 0.5)) for c in (wrong, right)]
        return bool(off[1] < off[0])

    return fits


FOOT, SWUNG = "foot of the normal", "swung detector ignored"


def _feet() -> Iterator[Cause]:
    foot = (
        "{wrong} is the foot of the normal from the sample (PONI of pyFAI, ORGX and ORGY of XDS), "
        "not the point where the beam of {right} meets the tilted detector"
    )
    for extra in (0.0, 0.5, -0.5):
        more = f", and is {abs(extra):g} px off besides, as ORGX and ORGY are" if extra else ""
        yield Cause(FOOT, _foot(extra), f"{foot}{more}.", extra=extra, fits=_foot_fits)
    yield Cause(
        SWUNG,
        _foot(0.0),
        "{wrong} ignores that the detector is swung: it gives where the beam meets the detector before "
        "the swing, while {right} knows the tilt.",
        fits=_swing_fits,
    )


def _foot(extra: float) -> Callable[[Claim], Point | None]:
    def predict(right: Claim) -> Point | None:
        foot = right.foot_px()
        return None if foot is None else (foot[0] + extra, foot[1] + extra)

    return predict


def _foot_fits(wrong: Claim, right: Claim) -> bool:
    """A source that says the detector is straight does not name a foot that is another point."""
    tilt, other = right.total_tilt_deg, wrong.total_tilt_deg
    return tilt is not None and (other is None or tilt < SWUNG_DEG or other >= 0.2 * tilt)


def _swing_fits(wrong: Claim, right: Claim) -> bool:
    tilt, other = right.total_tilt_deg, wrong.total_tilt_deg
    return tilt is not None and tilt >= SWUNG_DEG and (other is None or other < 0.2 * tilt)

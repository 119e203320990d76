"""Everything behind one answer, as plain arrays and words: for the picture and for the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import FloatArray, Geometry, Pooling
from xgeom_core.predict.lattice.solution import LatticeSolution, spots_in_words
from xgeom_core.predict.posterior.verdict import Verdict
from xgeom_core.predict.report.reflections import Reflections, reflections
from xgeom_core.predict.report.sector_profiles import SectorProfiles, sector_profiles

# The longer side of the picture in pixels.
_SIDE_PX = 820
KINDS = ("used", "masked", "inner part", "spot", "shadow", "bright patch")


@dataclass(frozen=True, eq=False)
class Mark:
    """What one source says.

    Parameters
    ----------
    name : str
        ``"header"``, ``"network"`` or ``"start"`` (a rough center given), ``"background"``,
        ``"lattice"`` or ``"answer"``.
    center_px : tuple of float
        Native ``(x, y)``.
    tilt_deg : tuple of float or None
    covariance : ndarray or None
        As in an Estimate.
    """

    name: str
    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    covariance: FloatArray | None


@dataclass(frozen=True, eq=False)
class SpotsShown:
    """Spots and what the lattice makes of them.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Native px.
    indexed : ndarray of bool, shape (n,)
    predicted : ndarray, shape (n, 2)
        Where the lattice puts the indexed ones; NaN elsewhere.
    reflections : Reflections or None
        Everything that the lattices predict on the detector, seen or not.
    """

    x: FloatArray
    y: FloatArray
    indexed: NDArray[np.bool_]
    predicted: FloatArray
    reflections: Reflections | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """The data of `explain_figure`.

    Parameters
    ----------
    title : str
        File and number of the frame.
    shape : tuple of int
        ``(slow, fast)`` of the native frame.
    image : ndarray, shape (rows, columns)
        Mean counts of a native pixel; NaN where none was measured.
    kinds : ndarray of int8, shape (rows, columns)
        What became of each pixel of the image, as an index into `KINDS`.
    pooling : Pooling
        From the image's pixels to native ones.
    geometry : Geometry or None
        The answer, if distance and pixel size are known.
    answer : Estimate
    marks : tuple of Mark
        All sources, the answer last.
    before, after : SectorProfiles or None
        Radial profiles by azimuth about the network's center and about the answer.
    fitted_shifts : ndarray, shape (n, 3), or None
        The background fit's own residual by sector: azimuth in degrees, shift and sigma in px.
    spots : SpotsShown or None
    origins : tuple
        The lattice's possible origins ``(x, y, probability)``, likeliest first.
    lines : tuple of (str, str)
        Names and values in words: evidence, cell, share, comparisons.
    """

    title: str
    shape: tuple[int, int]
    image: FloatArray
    kinds: NDArray[np.int8]
    pooling: Pooling
    geometry: Geometry | None
    answer: Estimate
    marks: tuple[Mark, ...]
    before: SectorProfiles | None
    after: SectorProfiles | None
    fitted_shifts: FloatArray | None
    spots: SpotsShown | None
    origins: tuple[tuple[float, float, float], ...]
    lines: tuple[tuple[str, str], ...]

    @classmethod
    def from_parts(
        cls,
        frame: Frame,
        network: Estimate | None,
        background: Any,
        lattice: Any,
        verdict: Verdict | Estimate,
        spots: Any = None,
    ) -> Explanation:
        """Gather what the parts of the estimator left behind.

        Parameters
        ----------
        frame : Frame
        network : Estimate or None
        background : RadialFit or None
            Fields it lacks are left out of the picture.
        lattice : LatticeSolution or None
        verdict : Verdict or Estimate
            The answer.
        spots : Spots or None
            Those given to the indexing.
        """
        answer = verdict.estimate if isinstance(verdict, Verdict) else verdict
        factor = max(1, round(max(frame.shape) / _SIDE_PX))
        kinds, pooling = _kinds(frame, background, factor)
        pooled = pool(frame, pooling.factor)
        seen = pooled.weight > 0
        image = np.full(pooled.counts.shape, np.nan)
        image[seen] = pooled.counts[seen] / pooled.weight[seen] - frame.dark
        start = network or answer
        before = sector_profiles(image, kinds == 0, pooling, frame.metadata, start.center_px, start.tilt_deg)
        after = sector_profiles(image, kinds == 0, pooling, frame.metadata, answer.center_px, answer.tilt_deg)
        shifts = np.asarray(getattr(background, "sectors", np.zeros((0, 3))), dtype=np.float64)
        return cls(
            title=_title(frame),
            shape=frame.shape,
            image=image,
            kinds=kinds,
            pooling=pooling,
            geometry=frame.metadata.geometry(answer.center_px, answer.tilt_deg),
            answer=answer,
            marks=_marks(frame.metadata.estimate(), network, background, lattice, answer),
            before=before,
            after=after,
            fitted_shifts=shifts if len(shifts) else None,
            spots=_spots(spots, lattice, frame),
            origins=_origins(verdict),
            lines=tuple(_lines(background, lattice, verdict, spots)),
        )

    def shares(self) -> dict[str, float]:
        """Share of the image's pixels of each kind that occurs."""
        number = np.bincount(self.kinds.ravel(), minlength=len(KINDS))
        return {name: float(n) / self.kinds.size for name, n in zip(KINDS, number, strict=True) if n}


def _title(frame: Frame) -> str:
    name = frame.path.rsplit("/", 1)[-1] or "frame"
    return f"{name}  [{frame.index}]"


def _kinds(frame: Frame, background: Any, factor: int) -> tuple[NDArray[np.int8], Pooling]:
    """The fit's own picture of what it used, or masked pixels alone."""
    kinds = getattr(background, "kinds", None)
    if kinds is not None and np.size(kinds):
        pooling: Pooling = background.pooling
        if pooling.offset == (0, 0):
            return np.asarray(kinds, dtype=np.int8), pooling
    pooled = pool(frame, factor)
    return np.where(pooled.weight > 0, 0, 1).astype(np.int8), pooled.pooling


def _marks(
    header: Estimate | None, network: Estimate | None, background: Any, lattice: Any, answer: Estimate
) -> tuple[Mark, ...]:
    rough = "start" if network is not None and network.source == "start" else "network"
    said = (("header", header), (rough, network), ("background", background), ("lattice", lattice))
    marks = [
        Mark(name, item.center_px, item.tilt_deg, item.covariance) for name, item in said if item is not None
    ]
    marks.append(Mark("answer", answer.center_px, answer.tilt_deg, answer.covariance))
    return tuple(marks)


def _spots(spots: Any, lattice: Any, frame: Frame) -> SpotsShown | None:
    if spots is None or not len(spots.x):
        return None
    count = len(spots.x)
    indexed = np.asarray(getattr(lattice, "indexed", np.zeros(count, dtype=bool)), dtype=bool)
    predicted = np.asarray(getattr(lattice, "predicted", np.full((count, 2), np.nan)), dtype=np.float64)
    if len(indexed) != count or predicted.shape != (count, 2):
        indexed, predicted = np.zeros(count, dtype=bool), np.full((count, 2), np.nan)
    expected = reflections(lattice, frame) if isinstance(lattice, LatticeSolution) else None
    return SpotsShown(np.asarray(spots.x), np.asarray(spots.y), indexed, predicted, expected)


def _origins(verdict: Verdict | Estimate) -> tuple[tuple[float, float, float], ...]:
    return verdict.origins if isinstance(verdict, Verdict) else ()


def _lines(background: Any, lattice: Any, verdict: Verdict | Estimate, spots: Any) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    if isinstance(verdict, Verdict):
        lines.append(("evidence", verdict.evidence.replace("+", " + ")))
    if background is not None:
        lines.append(("background", _background_words(background)))
    if lattice is not None:
        lines += _lattice_words(lattice)
    elif spots is not None:
        lines.append(("spots", f"{len(spots.x)} found, no lattice in them"))
    if isinstance(verdict, Verdict):
        lines += _agreement(verdict)
    return lines


def _background_words(fit: Any) -> str:
    words = [f"misfit {fit.misfit:.2f}"]
    if getattr(fit, "dropped", 0.0):
        words.append(f"{100 * fit.dropped:.0f}% shadow")
    words += [name for name in ("lopsided", "sharp") if getattr(fit, name, False)]
    return ", ".join(words).replace("sharp", "sharp rings")


def _lattice_words(lattice: Any) -> list[tuple[str, str]]:
    cell = lattice.cell
    lengths = ", ".join(f"{value:.1f}" for value in cell[:3])
    angles = ", ".join(f"{value:.1f}" for value in cell[3:])
    number = len(getattr(lattice, "lattices", ())) or 1
    many = f", {number} lattices" if number > 1 else ""
    lines = [
        ("cell", f"{lengths} Å   {angles}°   {lattice.bravais}{many}"),
        (
            "indexed",
            f"{spots_in_words(int(np.sum(lattice.indexed)), lattice.tried, len(lattice.indexed))} "
            f"({100 * lattice.share:.0f}%), residual {lattice.rms_px:.2f} px",
        ),
    ]
    return lines


def _agreement(verdict: Verdict) -> list[tuple[str, str]]:
    lines = list(verdict.agreement)
    if verdict.origins:
        (x, y, chosen), *others = verdict.origins
        text = f"{100 * chosen:.1f}% the one chosen"
        likely = [item for item in others if item[2] > 1e-3]
        if likely:
            far = np.hypot(likely[0][0] - x, likely[0][1] - y)
            text += f"; {len(likely)} more, the next {far:.1f} px away"
        lines.append(("origin", text))
    return lines

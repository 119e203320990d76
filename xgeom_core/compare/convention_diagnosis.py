"""The convention detective: why two sources may differ, if a known confusion explains it.

Notes
-----
An explanation counts in one of two ways.

- *Exactly*: what remains once the confusion is undone is within rounding (0.012 px) and three standard
  deviations, and the difference itself is far beyond the noise. Half a pixel and one pixel count only so.
- *Grossly*: the sources differ by more than 10 px, and undoing the confusion leaves 2 px or 1% of that,
  whichever is more, but never more than a twentieth. Two sources that measure the same thing, one of them
  confused, also differ honestly.

Over several frames the median difference counts and the scatter gives its standard deviation, so that a
convention is seen through noise that hides it on every single frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.compare.confusions import FOOT, SWUNG, Cause, Claim, Size, causes

__all__ = ["Claim", "Finding", "explain", "explain_frames"]

# Files print centers with two decimals: two roundings, and a little for the arithmetic.
_ROUNDING_PX = 0.012
_SIGMAS, _BEYOND_NOISE = 3.0, 6.0
_GROSS_PX = 10.0
# Fewer frames than this do not tell their own scatter.
_SCATTER_FRAMES = 5
_MOST_FRAMES = 500
_STANDARD_ERROR = 1.4826 * 1.2533


@dataclass(frozen=True)
class Finding:
    """A likely cause of a difference.

    Parameters
    ----------
    cause : str
        Short name: ``"half pixel"``, ``"one pixel"``, ``"swapped axes"``, ``"flip x"``,
        ``"mm taken for px"``, ``"foot of the normal"``, ``"swung detector ignored"``, ...
    sentence : str
        For the user.
    wrong, right : str
        The source that the cause would have gone wrong, and the other. For causes that work both ways
        (half a pixel, flips) the order is that of the question.
    residual_px : float
        Difference that remains once the cause is undone, in px.
    exact : bool
        The residual is within rounding and noise; otherwise the two also differ honestly.
    """

    cause: str
    sentence: str
    wrong: str
    right: str
    residual_px: float
    exact: bool


def explain(a: Claim, b: Claim, image_size: Size | None = None) -> tuple[Finding, ...]:
    """Likely causes of the difference between two sources on one frame; see :func:`explain_frames`."""
    return explain_frames([(a, b)], image_size)


def explain_frames(
    pairs: Sequence[tuple[Claim, Claim]], image_size: Size | None = None
) -> tuple[Finding, ...]:
    """Likely causes of the difference between two sources over frames.

    Parameters
    ----------
    pairs : sequence of (Claim, Claim)
        The same two sources on each frame.
    image_size : tuple of int, optional
        Pixels ``(fast, slow)``; flips cannot be told without.

    Returns
    -------
    tuple of Finding
        Empty when no confusion explains the difference, which is then honest. Several when several
        explain it equally well, simplest first. The same input gives the same answer.
    """
    pairs = [pair for pair in pairs if np.isfinite([c.center_px for c in pair]).all()]
    if not pairs:
        return ()
    # Evenly spread frames tell as much as all of them, in a tenth of the time.
    pairs = pairs[:: -(-len(pairs) // _MOST_FRAMES)]
    pixel = next((c.pixel_mm for pair in pairs for c in pair if c.pixel_mm is not None), None)
    pairs = [(_with_pixel(a, pixel), _with_pixel(b, pixel)) for a, b in pairs]
    if not _beyond_noise(pairs):
        return ()
    found: list[tuple[Cause, Finding]] = []
    for cause in causes(image_size, pixel):
        for wrong, right in ((0, 1), (1, 0)) if not cause.mutual else ((0, 1),):
            tried = _try(cause, [(pair[wrong], pair[right]) for pair in pairs])
            if tried is not None:
                found.append((cause, tried))
    return tuple(finding for _, finding in _likely(found))


def _with_pixel(claim: Claim, pixel: tuple[float, float] | None) -> Claim:
    """The claim with the frame's pixel size where it states none of its own."""
    if claim.pixel_mm is not None or pixel is None:
        return claim
    return replace(claim, pixel_mm=pixel)


def _sigma(pairs: Sequence[tuple[Claim, Claim]], differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of the median difference along x and y; 0 where nothing tells it."""
    stated = np.array([[c.sigma_px or (0.0, 0.0) for c in pair] for pair in pairs])
    if len(pairs) >= _SCATTER_FRAMES:
        spread = np.median(np.abs(differences - np.median(differences, axis=0)), axis=0)
        return np.asarray(_STANDARD_ERROR * spread / np.sqrt(len(pairs)))
    # Few frames share their systematic errors: no division by the root of their number.
    return np.asarray(np.sqrt((stated**2).sum(axis=1)).max(axis=0))


def _differences(pairs: Sequence[tuple[Claim, Claim]]) -> NDArray[np.float64]:
    return np.array([np.subtract(a.center_px, b.center_px) for a, b in pairs])


def _beyond_noise(pairs: Sequence[tuple[Claim, Claim]]) -> bool:
    """Whether there is a difference to explain at all."""
    differences = _differences(pairs)
    sigma = _sigma(pairs, differences)
    return bool((np.abs(np.median(differences, axis=0)) > np.maximum(_BEYOND_NOISE * sigma, 0.1)).any())


def _try(cause: Cause, pairs: Sequence[tuple[Claim, Claim]]) -> Finding | None:
    """The finding, if the cause makes the first of each pair out of the second."""
    wrong, right = pairs[0]
    if not cause.fits(wrong, right):
        return None
    predicted = [cause.predict(b) for _, b in pairs]
    if any(point is None for point in predicted):
        return None
    residuals = np.array([a.center_px for a, _ in pairs]) - np.array(predicted, dtype=np.float64)
    residual = np.median(residuals, axis=0)
    differences = _differences(pairs)
    apart = float(np.hypot(*np.median(differences, axis=0)))
    sigma = cause.scale * _sigma(pairs, residuals) + _tilt_noise(cause, right)
    exact = bool((np.abs(residual) <= _ROUNDING_PX + _SIGMAS * sigma).all())
    left = float(np.hypot(*residual))
    if cause.shift:
        # Half a pixel must be beyond the noise.
        if not exact or _BEYOND_NOISE * sigma.max() > 0.5 or _rounded_apart(cause, pairs):
            return None
    elif exact:
        # Noise as large as the cause itself explains everything.
        if left > apart / 5 or _BEYOND_NOISE * float(np.hypot(*sigma)) > apart:
            return None
    elif cause.extra or not _grossly(left / cause.scale, apart):
        return None
    words = cause.words.format(wrong=wrong.source, right=right.source)
    if not exact:
        words = f"{words[:-1]}; {left:.2g} px remain, as between sources that differ honestly too."
    return Finding(cause.key, words, wrong.source, right.source, left, exact)


def _grossly(left: float, apart: float) -> bool:
    return apart > _GROSS_PX and left <= min(max(2.0, 0.01 * apart), apart / 20)


def _rounded_apart(cause: Cause, pairs: Sequence[tuple[Claim, Claim]]) -> bool:
    """Whether rounding to whole (or half) pixels can make a difference of half a pixel or one.

    A rounded header and a measured center differ by anything; two rounded ones by one pixel for no
    reason, but by half a pixel only through a convention.
    """
    rounded = [all(float(2 * v).is_integer() for pair in pairs for v in pair[i].center_px) for i in (0, 1)]
    return rounded[0] != rounded[1] or (all(rounded) and cause.key == "one pixel")


def _tilt_noise(cause: Cause, right: Claim) -> NDArray[np.float64]:
    """How far the foot of the normal is uncertain along x and y because the tilt is, in px."""
    if cause.key not in {FOOT, SWUNG} or right.tilt_sigma_deg is None:
        return np.zeros(2)
    assert right.distance_mm is not None and right.pixel_mm is not None
    pitch, yaw = np.radians(right.tilt_sigma_deg)
    return right.distance_mm * np.array([yaw, pitch]) / np.array(right.pixel_mm)


def _likely(found: list[tuple[Cause, Finding]]) -> list[tuple[Cause, Finding]]:
    """Those that explain about equally well; a variant gives way to the plain cause."""
    if any(finding.exact for _, finding in found):
        found = [item for item in found if item[1].exact]
    elif found:
        least = min(finding.residual_px for _, finding in found)
        found = [item for item in found if item[1].residual_px <= max(2 * least, least + 0.5)]
    kept: dict[str, tuple[Cause, Finding]] = {}
    for cause, finding in sorted(found, key=lambda item: (abs(item[0].extra), item[1].residual_px)):
        kept.setdefault(finding.cause, (cause, finding))
    # A large tilt is a swing more often than a foot of the normal: name that first.
    return sorted(kept.values(), key=lambda item: (abs(item[0].extra), item[0].key == FOOT))

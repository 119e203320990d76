"""Quadrant symmetry: a fiber's frame is its own mirror image about the meridian and about the equator."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.symmetry.features import Features
from xgeom_core.predict.symmetry.inversion import features_of, find_inversion
from xgeom_core.predict.symmetry.match import match, mirror, tilt_shift
from xgeom_core.predict.symmetry.witness import Witness

SOURCE = "quadrant symmetry"
_AZIMUTHS, _STEP_PX, _REACH_SHARE = 360, 1.5, 0.5
# Rings mirror themselves about every line: what is left of a picture without its rings has to, by so much.
_LEAST_MIRRORED, _LEAST_UNEVEN = 0.3, 0.1
_LEAST_AGREEMENT, _LEAST_EVEN = 0.55, 0.5


def find_quadrants(
    frame: Frame, features: Features | None = None, inversion: Witness | None = None
) -> Witness | None:
    """The crossing of two mirror axes at right angles, at any angle to the detector.

    Parameters
    ----------
    frame : Frame
        Native pixels.
    features : Features, optional
        Those of the same frame, where they are at hand.
    inversion : Witness, optional
        What `find_inversion` says of it, where it is at hand: the axes are looked for about its center.

    Returns
    -------
    Witness or None
        Diagnostics: ``mirrored``, correlation of the uneven part of the rings with its mirror images;
        ``uneven``, its share of the contrast; ``agreement`` and ``even``, as of `find_inversion`, for the
        pairs that mirror each other; ``apart``, distance to the center of inversion over the joint error
        bar.
    """
    features = features_of(frame) if features is None else features
    if features is None:
        return None
    inversion = find_inversion(frame, features) if inversion is None else inversion
    if inversion is None:
        return None
    start = np.array(features.pooling.to_pooled(inversion.center_px))
    axis, mirrored, uneven = _axis(features, start)
    if mirrored < _LEAST_MIRRORED or uneven < _LEAST_UNEVEN:
        return None
    mirrors = [mirror(axis), mirror(axis + np.pi / 2.0)]
    found = match(features, start, mirrors, tilt_shift(frame.metadata, features))
    if found is None or found.agreement < _LEAST_AGREEMENT or found.even < _LEAST_EVEN:
        return None
    covariance = found.covariance * features.pooling.factor**2
    center = features.pooling.to_native((float(found.center[0]), float(found.center[1])))
    off = np.subtract(center, inversion.center_px)
    apart = float(np.sqrt(off @ np.linalg.solve(covariance + inversion.covariance, off)))
    diagnostics = {"mirrored": mirrored, "uneven": uneven, "agreement": found.agreement}
    diagnostics |= {"even": found.even, "apart": apart}
    return Witness(SOURCE, center, covariance, diagnostics, float(np.degrees(axis) % 90.0))


def _axis(features: Features, center: FloatArray) -> tuple[float, float, float]:
    """Mirror axis in radians, correlation of what is uneven with its mirror images, and its share."""
    radius = np.arange(2.0 * _STEP_PX, _REACH_SHARE * max(features.known.shape), _STEP_PX)[:, None]
    angle = np.arange(_AZIMUTHS) * (2.0 * np.pi / _AZIMUTHS)
    at = np.stack([center[1] + radius * np.sin(angle), center[0] + radius * np.cos(angle)]) - 0.5
    known, value = (
        ndimage.map_coordinates(layer, at, order=1, mode="constant", prefilter=False)
        for layer in (features.known.astype(np.float64), features.contrast)
    )
    known = np.where(known > 0.99, 1.0, 0.0)
    number = np.maximum(known.sum(axis=1, keepdims=True), 1.0)
    rest = known * (value - (value * known).sum(axis=1, keepdims=True) / number)
    # Rings weigh as their areas do.
    total, left = (float((radius * known * item**2).sum()) for item in (value, rest))
    if not left > 0:
        return 0.0, 0.0, 0.0
    spectrum, squares, masks = (np.fft.rfft(item, axis=1) for item in (rest, rest**2, known))
    # Index t is the mirror about half the angle t; both axes together, a quarter of a turn apart.
    cross, power = (
        (np.fft.irfft(item, _AZIMUTHS, axis=1) * radius).sum(axis=0)
        for item in (spectrum**2, squares * masks)
    )
    half = _AZIMUTHS // 2
    score = (cross[:half] + cross[half:]) / np.maximum(power[:half] + power[half:], 1e-9 * left)
    top = int(np.argmax(score))
    before, after = score[top - 1], score[(top + 1) % half]
    shift = 0.5 * (before - after) / min(before - 2.0 * score[top] + after, -1e-9)
    axis = (top + float(np.clip(shift, -0.5, 0.5))) * np.pi / _AZIMUTHS
    return axis, float(score[top]), left / total

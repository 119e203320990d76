"""What a header states, as a `Finding`: all ways to read it, its swing, and what the frame has against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.metadata import Choice, Metadata
from xgeom_core.predict.background.radial_fit import RadialFit
from xgeom_core.predict.posterior.finding import Finding, Point
from xgeom_core.predict.posterior.sources import MOST_SCORE, SCORE_WORTH

FloatArray = NDArray[np.float64]

# Of a tilt that a header does not state nothing is known; what detectors are misaligned by comes on top of a
# swing that it states.
_STRAIGHT_DEG, _MISALIGNED_DEG = 1.0, 1.5
# How far off headers are that are nearly right: pixels, and shares of the longer side, with their weights
# (`benchmarks/reliability.py` prints the counts).
_HEADER_PX, _HEADER_SHARES = 0.5, (0.002, 0.012)
_HEADER_WEIGHTS, _DOUBTFUL_WEIGHTS = (0.5, 0.35, 0.15), (0.2, 0.3, 0.5)
# By how much the swing is off that moved the center of each: center and tilt go together.
_SWING_DEG = (0.1, 0.3, 1.0)
# Weight of every other reading of a header against the one that it states.
_OTHER_READING = 0.1
# What a header states is compared with the best fit where that is so sure to see rings; it is as good as what
# lies within this share of the side, and as a fit that ends within so much of it.
_CLEAR_GAIN, _AS_STATED_SHARE, _NEAR_STATED_SHARE, _NEAR_STATED_DEG = 3.0, 0.015, 0.05, 6.0
# Scores that differ by less than this do not contradict.
_SAME_SCORE = 6.0


def header_finding(metadata: Metadata, side_px: int) -> Finding | None:
    """The center, and the tilt if any, that a header states, in every way that it can be read."""
    if metadata.center_px is None:
        return None
    doubtful = center_is_doubtful(metadata)
    weights = _DOUBTFUL_WEIGHTS if doubtful else _HEADER_WEIGHTS
    as_stated = Choice("", metadata.center_px, tilt_deg=metadata.tilt_deg)
    other = [one for one in metadata.choices if one.center_px is not None or one.tilt_deg is not None]
    places, moved = [], []
    for reading in (as_stated, *other):
        center, tilt = reading.center_or(metadata.center_px), reading.tilt_deg or metadata.tilt_deg
        swing = Swing.stated(metadata, tilt or (0.0, 0.0))
        odds = 0.0 if reading is as_stated else float(np.log(_OTHER_READING))
        for share, off, part in zip((0.0, *_HEADER_SHARES), _SWING_DEG, weights, strict=True):
            sigma = max(_HEADER_PX, share * side_px)
            covariance = swing.covariance(sigma, off)
            places.append((center, tilt or (0.0, 0.0), covariance, odds + float(np.log(part)), reading.name))
            moved.append(swing.moved_px)
    found = Finding.of_places("header", places, {"doubtful": float(doubtful)})
    return None if found is None else replace(found, moved=np.array(moved))


def checked_header(header: Finding, fits: Sequence[RadialFit], side_px: int) -> Finding:
    """A header's finding with what the background has against it: rings elsewhere that explain far more."""
    best = max(fits, key=lambda fit: fit.score, default=None)
    if best is None or best.basins is None or best.gain_sigma < _CLEAR_GAIN:
        return header
    stated = header.mean[header.best]
    near = [fit.score for fit in fits if _is_near(fit, stated, side_px)]
    least = best.score - _SAME_SCORE
    theta = np.array([*stated[:2], *np.radians(stated[2:])])
    if max(near, default=-np.inf) > least or best.basins.of(theta).score > least:
        return header
    lead = least - max([*near, best.basins.near(theta, _AS_STATED_SHARE * side_px)])
    return replace(header, against=min(max(SCORE_WORTH * lead, 0.0), MOST_SCORE))


def _is_near(fit: RadialFit, stated: FloatArray, side_px: int) -> bool:
    """Whether a fit ended near what is stated."""
    turned = np.abs(np.subtract(fit.tilt_deg or (0.0, 0.0), stated[2:])).max()
    away = np.hypot(*np.subtract(fit.center_px, stated[:2]))
    return bool(away < _NEAR_STATED_SHARE * side_px and turned < _NEAR_STATED_DEG)


@dataclass(frozen=True)
class Swing:
    """A swing of the detector about the sample.

    Parameters
    ----------
    tilt_deg : tuple of float
        Pitch and yaw.
    normal_px : tuple of float
        Distance along the detector's normal in px of either axis; 0 where it is unknown.
    """

    tilt_deg: Point
    normal_px: Point

    @classmethod
    def stated(cls, metadata: Metadata, tilt_deg: Point) -> Swing:
        """The swing of one reading of a header."""
        if metadata.distance_mm is None or metadata.pixel_mm is None:
            return cls(tilt_deg, (0.0, 0.0))
        # Whichever way it turns, it turns by the same angle.
        cosine = np.prod(np.cos(np.radians(metadata.tilt_deg or (0.0, 0.0))))
        fast, slow = (float(metadata.distance_mm * cosine / size) for size in metadata.pixel_mm)
        return cls(tilt_deg, (fast, slow))

    @property
    def moved_px(self) -> Point:
        """By how much it moved the center."""
        pitch, yaw = np.tan(np.radians(self.tilt_deg))
        return float(-self.normal_px[0] * yaw), float(self.normal_px[1] * pitch)

    def covariance(self, sigma_px: float, off_deg: float) -> FloatArray:
        """Of center and tilt, shape (4, 4), with a swing that may be off by some degrees."""
        size = float(np.hypot(*self.tilt_deg))
        alone = _MISALIGNED_DEG if size else _STRAIGHT_DEG
        plain = np.diag(np.square([sigma_px, sigma_px, alone, alone]))
        if not size:
            return plain
        pitch, yaw = np.divide(self.tilt_deg, size)
        by_deg = np.radians(1.0) / np.cos(np.radians(size)) ** 2
        move = np.array([-self.normal_px[0] * by_deg * yaw, self.normal_px[1] * by_deg * pitch, pitch, yaw])
        return np.asarray(plain + off_deg**2 * np.outer(move, move))


def center_is_doubtful(metadata: Metadata) -> bool:
    """Whether a stated center is no sensible one, such as the exact middle of the image."""
    return any(one.quantity == "center" and one.sense != "plausible" for one in metadata.verdicts)

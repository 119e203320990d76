"""Fit the cones of the sharp rings: center, and with a distance the tilt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xgeom_core.errors import GeometryError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.classical.answers import answer, nothing
from xgeom_core.predict.classical.canvas import Canvas, make_canvas
from xgeom_core.predict.classical.circle import LEAST_AGREEING, SIGMA_PX, agreeing, circle, strongest
from xgeom_core.predict.classical.gradients import find_gradients
from xgeom_core.predict.classical.polar import SECTORS, Polar, Ring, cut, find_rings, mean_profile
from xgeom_core.predict.classical.radial_symmetry import radial_symmetry
from xgeom_core.predict.classical.registry import Start

NAME = "ring-fit"
WHEN = (
    "works on powder, ice and strong water rings, off the panel and steeply tilted too; tilt from two rings"
)
_SIDE_PX = 820
# Half widths of rings in canvas px, coarse to fine: the first rounds must catch a start some px off.
_WIDTHS = (1.5, 3.0, 6.0, 12.0, 20.0)
_ROUNDS = (_WIDTHS[3:], _WIDTHS[2:], _WIDTHS[1:], _WIDTHS, _WIDTHS)
_TILT_FROM = 2
# What is believed of a tilt before any ring is seen. Steep tilts of a swung arm come with many
# sharp rings, which outweigh this by far.
_TILT_PRIOR_DEG = 2.0
_TILT_KNOWN_DEG = 0.4
_WIDTH_SHARE = 0.05
_LEAST_POINTS = 12
_LEAST_SECTORS = 10
_LEAST_COVERED = 0.6


@dataclass(frozen=True, eq=False)
class Points:
    """Where rings were found: canvas px, number of the ring, error along the radius in px."""

    x: FloatArray
    y: FloatArray
    ring: np.ndarray
    sigma: FloatArray


def ring_fit(frame: Frame, start: Start = None) -> Estimate:
    """Least-squares fit of cones to the rings; see `WHEN`. Without a start a circle is looked for first."""
    canvas = make_canvas(frame, _SIDE_PX, clip=False)
    if canvas is None:
        return nothing(NAME, frame, "Too few pixels are usable to look for rings.")
    first = start or _rough(frame)
    if first is None:
        return nothing(NAME, frame, "No ring stands out.")
    geometry, assumed = _geometry(frame.metadata, canvas, first)
    covariance, points = np.eye(4) * np.inf, None
    for number, widths in enumerate(_ROUNDS):
        polar = cut(canvas, geometry)
        points = _points(polar, find_rings(polar, widths), geometry)
        if len(points.x) < _LEAST_POINTS:
            continue
        try:
            geometry, covariance = _fit(points, geometry, tilted=number >= _TILT_FROM)
        except (GeometryError, np.linalg.LinAlgError, ValueError):
            return nothing(NAME, frame, "The fit to the rings ran away.")
    if points is None or len(points.x) < _LEAST_POINTS:
        return nothing(NAME, frame, "No ring stands out all around the beam.")
    angle = np.arctan2(points.y - geometry.center_px[1], points.x - geometry.center_px[0])
    covered = len(np.unique((angle * SECTORS / (2 * np.pi)).astype(int))) / SECTORS
    doubt = "Too short an arc of any ring is on the panel." if covered < _LEAST_COVERED else ""
    if start is None and not doubt and not _edges_agree(frame, canvas.native(geometry.center_px)):
        doubt = "The rings found are not about the center that most edges point to."
    return _answer(frame, canvas, geometry, covariance, assumed, doubt)


def _edges_agree(frame: Frame, center_px: tuple[float, float]) -> bool:
    """Whether the edges of the frame point to a center: a start from afar may have caught a shadow."""
    canvas = make_canvas(frame)
    if canvas is None:
        return False
    lines = strongest(find_gradients(canvas, SIGMA_PX), 3000)
    center = np.array(canvas.pooling.to_pooled(center_px))
    return len(lines) > 0 and agreeing(lines, center, canvas.side) > LEAST_AGREEING


def _rough(frame: Frame) -> tuple[float, float] | None:
    """A start: the circle if one stands out, else the gradients' meeting point."""
    for method in (circle, radial_symmetry):
        found = method(frame)
        if found.status == "ok":
            return found.center_px
    return None


def _answer(
    frame: Frame, canvas: Canvas, geometry: Geometry, covariance: FloatArray, assumed: bool, doubt: str
) -> Estimate:
    scale = np.array([canvas.pooling.factor] * 2 + [1.0, 1.0])
    covariance = covariance * np.outer(scale, scale)
    center, tilt = canvas.native(geometry.center_px), (geometry.pitch_deg, geometry.yaw_deg)
    if assumed or not float(np.sqrt(np.diag(covariance)[2:].max())) < _TILT_KNOWN_DEG:
        return answer(NAME, frame, center, covariance[:2, :2], doubt)
    return answer(NAME, frame, center, covariance, doubt, tilt)


def _geometry(meta: Metadata, canvas: Canvas, start: tuple[float, float]) -> tuple[Geometry, bool]:
    """The start in canvas px; a middling distance where it is unknown (the tilt then means nothing)."""
    center = canvas.pooling.to_pooled(start)
    factor = canvas.pooling.factor
    if meta.distance_mm is None or meta.pixel_mm is None:
        fast, slow = meta.pixel_mm or (1.0, 1.0)
        return Geometry(center, 1.0 * canvas.side * fast, (fast, slow)), True
    pixel = (meta.pixel_mm[0] * factor, meta.pixel_mm[1] * factor)
    return Geometry(center, meta.distance_mm, pixel), False


def _points(polar: Polar, rings: list[Ring], geometry: Geometry) -> Points:
    """Where each ring lies in each sector, from the shift of the sector's profile against the mean."""
    mean, _ = mean_profile(polar)
    slope = np.gradient(mean)
    radius, angle, which, sigma = [], [], [], []
    number = 0
    for ring in rings:
        reach = int(np.ceil(3.0 * ring.width))
        window = slice(max(ring.at - reach, 0), ring.at + reach + 1)
        shift, error = _shifts(polar, window, mean[window], slope[window], ring.width)
        good = np.isfinite(shift) & (error < 0.5 * ring.width) & (np.abs(shift) < 2.0 * ring.width)
        if good.sum() < _LEAST_SECTORS:
            continue
        radius += list(polar.radius[ring.at] + shift[good])
        angle += list(polar.azimuth[good])
        # What bends a ring's profile (amplitude waves, its neighbors) does so all around: an error of
        # this share of the width that averaging over sectors must not reduce.
        common = _WIDTH_SHARE * ring.width * np.sqrt(good.sum() / 2.0)
        sigma += list(np.hypot(error[good], common))
        which += [number] * int(good.sum())
        number += 1
    distance_px = geometry.distance_mm / geometry.pixel_mm[0]
    r, phi = np.array(radius), np.array(angle)
    rays = np.stack([r * np.cos(phi), r * np.sin(phi), np.full_like(r, distance_px)], axis=-1)
    x, y = geometry.from_lab(rays)
    return Points(x, y, np.array(which, dtype=np.intp), np.array(sigma))


def _shifts(
    polar: Polar, window: slice, mean: FloatArray, slope: FloatArray, width: float
) -> tuple[FloatArray, FloatArray]:
    """Shift of each sector's ring against the mean in bins, and its error; NaN where unseen.

    Notes
    -----
    ``sector = a mean + b + c r - a shift slope``: height, level and slope of the sector are free, so
    that shadows and polarization do not pass for a shift.
    """
    place = np.linspace(-1.0, 1.0, len(mean))
    columns = np.stack([mean - mean.mean(), np.ones_like(mean), place, -slope], axis=1)
    shift, error = np.full(len(polar.azimuth), np.nan), np.full(len(polar.azimuth), np.inf)
    for number in range(len(shift)):
        seen = polar.seen[number, window]
        if seen.sum() < max(5, 0.8 * len(mean)):
            continue
        weight = 1.0 / polar.sigma[number, window][seen]
        design = columns[seen] * weight[:, None]
        normal = design.T @ design
        normal[np.diag_indices(4)] += 1e-9 * np.trace(normal) + 1e-12
        inverse = np.linalg.inv(normal)
        height, _, _, pull = inverse @ (design.T @ (polar.profile[number, window][seen] * weight))
        if height > 3.0 * np.sqrt(inverse[0, 0]):
            # Linear in the shift only over part of the ring's width.
            shift[number] = np.clip(pull / height, -width, width)
            error[number] = np.sqrt(inverse[3, 3]) / height
    return shift, error


def _fit(points: Points, geometry: Geometry, tilted: bool) -> tuple[Geometry, FloatArray]:
    """Cones through the points; the geometry and its covariance (canvas px, degrees)."""
    # Slow to import, and the methods that are only listed need none of it.
    from scipy.optimize import least_squares  # noqa: PLC0415

    number = int(points.ring.max()) + 1
    distance_px = geometry.distance_mm / geometry.pixel_mm[0]
    free = 4 if tilted else 2

    def radii(p: FloatArray) -> FloatArray:
        pitch, yaw = (p[2], p[3]) if tilted else (geometry.pitch_deg, geometry.yaw_deg)
        here = replace(
            geometry, center_px=(float(p[0]), float(p[1])), pitch_deg=float(pitch), yaw_deg=float(yaw)
        )
        return distance_px * np.tan(here.two_theta(points.x, points.y))

    def residuals(p: FloatArray) -> FloatArray:
        off = (radii(p) - p[free:][points.ring]) / points.sigma
        return np.append(off, p[2:4] / _TILT_PRIOR_DEG if tilted else [])

    begin = np.array([*geometry.center_px, geometry.pitch_deg, geometry.yaw_deg][:free])
    first = radii(np.array([*begin, *([0.0] * number)]))
    begin = np.append(begin, [np.median(first[points.ring == ring]) for ring in range(number)])
    found = least_squares(residuals, begin, loss="soft_l1", x_scale="jac", max_nfev=30)
    off = residuals(found.x)[: len(points.x)]
    # Scatter beyond the counting noise is what the sides of the frame disagree by.
    excess = max(1.0, float(np.sum(2.0 * (np.sqrt(1.0 + off**2) - 1.0))) / max(len(off) - len(begin), 1))
    inverse = np.linalg.pinv(found.jac.T @ found.jac, hermitian=True)
    covariance = np.diag([np.nan, np.nan, _TILT_PRIOR_DEG**2, _TILT_PRIOR_DEG**2])
    covariance[:free, :free] = inverse[:free, :free] * excess
    if tilted:
        geometry = replace(geometry, pitch_deg=float(found.x[2]), yaw_deg=float(found.x[3]))
    return replace(geometry, center_px=(float(found.x[0]), float(found.x[1]))), covariance

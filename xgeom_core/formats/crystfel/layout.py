"""Where the panels of a CrystFEL detector are, and what geometry follows for the image.

In CrystFEL's lab the beam is the line x = y = 0 along z. A point ``(u, v)`` of a panel lies at
``corner + u fs + v ss``, so the beam meets the panel at ``(u, v) = -M^-1 corner`` with
``M = [[fs_x, ss_x], [fs_y, ss_y]]``, whatever the distance. In the data array that is
``(min_fs + u, min_ss + v)``; corners are outer corners of pixels, as here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgeom_core.errors import GeometryError, UnreadableFileError
from xgeom_core.formats import values
from xgeom_core.formats.crystfel.geom_file import GeomFile
from xgeom_core.geometry import FloatArray, Geometry, from_vectors

BEAM = np.array([0.0, 0.0, 1.0])
# Further than this the panels do not lie in the data as they lie in space.
_ORDER_PX = 50.0


@dataclass(frozen=True, eq=False)
class Panels:
    """All panels in mm, without the distance of the detector where that is unknown.

    Parameters
    ----------
    corner : ndarray, shape (panels, 3)
        Outer corner of the first pixel; z without a ``clen`` that is unknown.
    fast, slow : ndarray, shape (panels, 3)
        One pixel's step along fs and ss.
    size : ndarray, shape (panels, 2)
        Pixels along fs and ss.
    first : ndarray, shape (panels, 2)
        ``(min_fs, min_ss)`` in the data array.
    """

    corner: FloatArray
    fast: FloatArray
    slow: FloatArray
    size: FloatArray
    first: FloatArray

    def moved(self, rotation: FloatArray, shift: FloatArray) -> Panels:
        """The panels after ``x -> R x + t``."""
        turned = (self.corner @ rotation.T + shift, self.fast @ rotation.T, self.slow @ rotation.T)
        return Panels(*turned, self.size, self.first)


@dataclass(frozen=True, eq=False)
class Layout:
    """What follows from the panels.

    Parameters
    ----------
    index : int
        The panel that the beam meets, or the nearest one.
    center_px : tuple of float
        Beam center in the data array, counted by that panel.
    pixel_mm : tuple of float
        Its pixel size ``(fast, slow)``.
    miss_px : float
        How far the beam passes outside the panel.
    fast, slow : ndarray, shape (3,)
        Its axes, laid into the common plane, unit length and at right angles.
    z_mm, slope : float, ndarray of shape (2,)
        The common plane: ``z = z_mm + slope . (x, y)``; for staggered panels the plane that has their
        mean direction and meets the beam where the counting panel does.
    off_plane_mm : float
        Largest distance of a panel's corner from the common plane.
    staggered : bool
        Whether that is more than a pixel.
    """

    index: int
    center_px: tuple[float, float]
    pixel_mm: tuple[float, float]
    miss_px: float
    fast: FloatArray
    slow: FloatArray
    z_mm: float
    slope: FloatArray
    off_plane_mm: float
    staggered: bool

    def geometry(self, distance_mm: float, wavelength_A: float | None = None) -> Geometry:
        """The geometry at a distance along the beam."""
        flat = from_vectors(distance_mm * BEAM, self.fast, self.slow, BEAM, self.pixel_mm, wavelength_A)
        return Geometry(
            self.center_px, distance_mm, self.pixel_mm, wavelength_A, flat.pitch_deg, flat.yaw_deg
        )


def place(geom: GeomFile) -> Panels:
    """The panels in mm; z counts from the sample, or from the unknown ``clen`` where that is None."""
    px = np.array([1e3 / panel.per_m for panel in geom.panels])[:, None]
    corner = np.array([[*panel.corner, 0.0] for panel in geom.panels]) * px
    corner[:, :2] += geom.shift_mm
    for row, panel in zip(corner, geom.panels, strict=True):
        whole = panel.length_mm if panel.length_mm is not None else geom.length_mm
        row[2] = panel.offset_mm + (whole or 0.0)
    first = np.array([panel.first for panel in geom.panels])
    size = np.array([panel.last for panel in geom.panels]) - first + 1.0
    fast, slow = (np.array([getattr(p, axis) for p in geom.panels]) * px for axis in ("fast", "slow"))
    return Panels(corner, fast, slow, size, first)


def lay_out(panels: Panels, path: Path, index: int | None = None) -> Layout:
    """Center, tilt and plane of the panels.

    Parameters
    ----------
    panels : Panels
        In mm.
    path : Path
        The file, for messages.
    index : int, optional
        Count in this panel instead of the one that the beam meets.

    Raises
    ------
    UnreadableFileError
        If a panel's axes span no area across the beam, or are not at right angles.
    """
    across = np.stack([panels.fast[:, :2], panels.slow[:, :2]], axis=-1)
    area = np.linalg.det(across)
    lengths = np.linalg.norm(panels.fast, axis=1) * np.linalg.norm(panels.slow, axis=1)
    if not (np.isfinite(area).all() and (np.abs(area) > 1e-3 * lengths).all() and (lengths > 0).all()):
        raise UnreadableFileError(
            f"{path} has a panel whose fs and ss are parallel, zero or edge on to the beam: not usable."
        )
    inside = -np.linalg.solve(across, panels.corner[:, :2, None])[..., 0]
    nearest = np.clip(inside, 0.0, panels.size)
    gap_mm = np.linalg.norm((across @ (inside - nearest)[..., None])[..., 0], axis=1)
    at = int(np.argmin(gap_mm)) if index is None else index
    sides = (panels.fast[at], panels.slow[at])
    pixel_mm = (values.tidy(float(np.linalg.norm(sides[0]))), values.tidy(float(np.linalg.norm(sides[1]))))
    x, y = inside[at] + panels.first[at]
    z_mm, slope, off = _common_plane(panels)
    staggered = off > min(pixel_mm)
    if staggered:
        slope = _mean_slope(panels)
        steps = inside[at] @ np.stack([panels.fast[at], panels.slow[at]])
        z_mm = float(panels.corner[at, 2] + steps[2])
    fast, slow = in_plane(panels.fast[at], panels.slow[at], slope, path)
    return Layout(
        at,
        values.center(float(x), float(y), path),
        pixel_mm,
        float(gap_mm[at] / min(pixel_mm)),
        fast,
        slow,
        z_mm,
        slope,
        off,
        staggered,
    )


def out_of_order(panels: Panels, index: int) -> bool:
    """Whether other panels lie elsewhere in the data array than where this panel's pixels put them."""
    across = np.stack([panels.fast[index, :2], panels.slow[index, :2]], axis=-1)
    middle = panels.size[:, :1] / 2 * panels.fast[:, :2] + panels.size[:, 1:] / 2 * panels.slow[:, :2]
    there = (panels.corner[:, :2] + middle - panels.corner[index, :2]) @ np.linalg.inv(across).T
    stored = panels.first - panels.first[index] + panels.size / 2
    return bool(np.abs(there - stored).max() > _ORDER_PX)


def _common_plane(panels: Panels) -> tuple[float, FloatArray, float]:
    """The plane of all panel corners (least squares along z): z at the beam, slope, largest residual.

    A single panel is its own plane, exactly.
    """
    if len(panels.corner) == 1:
        normal = np.cross(panels.fast[0], panels.slow[0])
        slope = -normal[:2] / normal[2]
        return float(panels.corner[0, 2] - panels.corner[0, :2] @ slope), slope, 0.0
    wide, high = panels.size[:, :1] * panels.fast, panels.size[:, 1:] * panels.slow
    corners = np.concatenate(
        [panels.corner, panels.corner + wide, panels.corner + high, panels.corner + wide + high]
    )
    middle = corners.mean(axis=0)
    found = np.linalg.lstsq(corners[:, :2] - middle[:2], corners[:, 2] - middle[2], rcond=1e-9)
    slope = np.asarray(found[0], dtype=np.float64)
    z_mm = float(middle[2] - middle[:2] @ slope)
    residual = corners[:, 2] - z_mm - corners[:, :2] @ slope
    return z_mm, slope, float(np.abs(residual).max() / np.sqrt(1.0 + slope @ slope))


def _mean_slope(panels: Panels) -> FloatArray:
    """The slope of the panels' mean normal, weighted by area."""
    normals = np.cross(panels.fast, panels.slow)
    normals *= np.sign(normals[:, 2:]) * panels.size.prod(axis=1, keepdims=True)
    mean = normals.sum(axis=0)
    return np.asarray(-mean[:2] / mean[2])


def in_plane(
    fast: FloatArray, slow: FloatArray, slope: FloatArray, path: Path
) -> tuple[FloatArray, FloatArray]:
    """Two axes laid into the common plane and put at right angles, both turned alike."""
    normal = np.array([-slope[0], -slope[1], 1.0])
    normal /= np.linalg.norm(normal)
    f, s = (axis - (axis @ normal) * normal for axis in (fast, slow))
    f, s = f / np.linalg.norm(f), s / np.linalg.norm(s)
    if abs(f @ s) > 0.02:
        raise GeometryError(
            f"{path} has a panel whose fs and ss are not at right angles; xgeom reads only such."
        )
    half, other = f + s, f - s
    half, other = half / np.linalg.norm(half), other / np.linalg.norm(other)
    return (half + other) / np.sqrt(2.0), (half - other) / np.sqrt(2.0)

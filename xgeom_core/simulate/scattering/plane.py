"""The plane across the beam at the detector's distance, on which shadows and halos are laid out.

Notes
-----
An object between sample and detector casts the same shadow whatever the tilt, if the shadow is
described by the directions of its rays. A direction is given by where its ray crosses the plane at
right angles to the beam through the beam center: ``(x, y) = D (X, Y) / Z`` in mm.
"""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import FloatArray, Geometry


def placement(geometry: Geometry) -> FloatArray:
    """A geometry as the numbers that the kernels read.

    Returns
    -------
    ndarray, shape (14,)
        Center x, y (px); pixel x, y (mm); distance (mm); fast axis (3); slow axis (3); z of the
        normal; foot of the normal x, y, in mm from the center along the axes.
    """
    fast, slow, normal = geometry.axes()
    foot = geometry.foot_px()
    away = [(foot[i] - geometry.center_px[i]) * geometry.pixel_mm[i] for i in range(2)]
    return np.array([
        *geometry.center_px, *geometry.pixel_mm, geometry.distance_mm, *fast, *slow, normal[2], *away
    ])  # fmt: skip


def plane_point(geometry: Geometry, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
    """Points of the plane in mm seen at pixel coordinates; shape (..., 2)."""
    lab = geometry.to_lab(x, y)
    return np.asarray(lab[..., :2] / lab[..., 2:] * geometry.distance_mm)


def pixel_box(
    geometry: Geometry, shape: tuple[int, ...], x_mm: tuple[float, float], y_mm: tuple[float, float]
) -> FloatArray:
    """Pixels that a rectangle of the plane can touch: x from, to, y from, to (exclusive).

    Notes
    -----
    A projection maps straight lines to straight lines, so the corners bound the rectangle's image;
    where a corner's ray never meets the detector the whole image is taken.
    """
    corners = np.array([[x, y, geometry.distance_mm] for x in x_mm for y in y_mm])
    x, y = geometry.from_lab(corners)
    height, width = shape[0], shape[1]
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return np.array([0.0, width, 0.0, height])
    return np.array([
        np.clip(np.floor(x.min()) - 1, 0, width), np.clip(np.ceil(x.max()) + 1, 0, width),
        np.clip(np.floor(y.min()) - 1, 0, height), np.clip(np.ceil(y.max()) + 1, 0, height),
    ])  # fmt: skip

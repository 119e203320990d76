"""What share of the photons reaches each pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.simulate.scattering.coarse import coarse_grid
from xgeom_core.simulate.scattering.plane import placement
from xgeom_core.simulate.shadows import kernel
from xgeom_core.simulate.shadows.absorption import cylinder_transmission, slab_transmission
from xgeom_core.simulate.shadows.shapes import Shadows


def transmission(shadows: Shadows, geometry: Geometry, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Transmission of everything between sample and detector.

    Parameters
    ----------
    shadows : Shadows
        What stands there.
    geometry : Geometry
        In pixels of this image.
    shape : tuple of int
        ``(slow, fast)``.

    Returns
    -------
    ndarray of float32, shape (slow, fast), or None
        0 to 1; None where nothing stands in the way.
    """
    if not (shadows.strokes or shadows.regions or shadows.slabs or shadows.cylinders):
        return None
    image = np.ones(shape, np.float32)
    place = placement(geometry)
    _absorb(image, shadows, geometry, place)
    # An edge sharper than a pixel is seen as wide as the pixel.
    narrowest = 1.5 * max(geometry.pixel_mm)
    for area in shadows.regions:
        edge = float(np.hypot(area.edge_mm, narrowest))
        kernel.region(image, place, np.array(area.sides), edge, area.transmission)
    for stroke in shadows.strokes:
        edge = float(np.hypot(stroke.edge_mm, narrowest))
        points, radii = np.array(stroke.points), np.array(stroke.radii_mm)
        kernel.stroke(image, place, _outlines(points, radii), points, radii, edge, stroke.transmission)
    return image


def _outlines(points: FloatArray, radii: FloatArray) -> FloatArray:
    """Sides of a box about each piece of a stroke, shape (pieces, 4, 3)."""
    boxes = []
    for k in range(max(len(points) - 1, 1)):
        following = min(k + 1, len(points) - 1)
        along = points[following] - points[k]
        length = float(np.hypot(*along))
        along = along / length if length > 0 else np.array([1.0, 0.0])
        radius = float(max(radii[k], radii[following]))
        across = np.array([-along[1], along[0]])
        boxes.append([
            (*normal, max(normal @ points[k], normal @ points[following]) + radius)
            for normal in (along, -along, across, -across)
        ])  # fmt: skip
    return np.array(boxes)


def _absorb(image: NDArray[np.float32], shadows: Shadows, geometry: Geometry, place: FloatArray) -> None:
    if not (shadows.slabs or shadows.cylinders):
        return
    grid = coarse_grid(geometry, (image.shape[0], image.shape[1]))
    fields = [cylinder_transmission(cylinder, grid.rays) for cylinder in shadows.cylinders]
    fields += [slab_transmission(slab, grid.rays) for slab in shadows.slabs if slab.both]
    if fields:
        kernel.smooth(image, np.prod(fields, axis=0), grid.step)
    for slab in shadows.slabs:
        if not slab.both:
            blur = float(np.hypot(slab.blur, 1.5 * max(geometry.pixel_mm) / geometry.distance_mm))
            field = slab_transmission(slab, grid.rays)
            normal = np.array(slab.normal)
            kernel.one_sided(image, place, field, grid.step, normal, slab.edge, blur)

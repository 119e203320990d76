"""Absorption in what holds the sample: longer paths for some directions than for others."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.shadows.shapes import Cylinder, Slab


def slab_transmission(slab: Slab, rays: FloatArray) -> FloatArray:
    """Transmission of a slab for unit vectors of rays, shape (..., 3).

    Notes
    -----
    A sample in the middle of a plane-parallel slab: the path to its surface is depth over the cosine
    with the normal, ``exp(-depth / |k.n|)``; a real slab ends, so the path stays below 12 depths. For
    one-sided sheets rays that do not reach the sheet pass freely: see `Slab.edge`.
    """
    along = rays @ np.array(slab.normal)
    longest = max(slab.edge, 1.0 / 12.0)
    if slab.both:
        # Rounded where the plane is seen edge-on: loops have round rims.
        return np.asarray(np.exp(-slab.depth / np.sqrt(along**2 + longest**2)))
    # Linear extrapolation below the edge keeps the interpolated field right up to the line.
    return np.asarray(np.exp(-slab.depth / np.maximum(along, 0.5 * longest)))


def cylinder_transmission(cylinder: Cylinder, rays: FloatArray) -> FloatArray:
    """Transmission of a cylinder for unit vectors of rays, shape (..., 3).

    Notes
    -----
    From a point at ``offset`` radii from the axis, sideways to the beam, a ray leaves the circle after
    ``sqrt(1 - (o sin)^2) - o cos`` radii in projection (o the offset, the angle between ray and offset
    in the projection), and ``1 / sin`` of the angle with the axis longer in space.
    """
    axis = np.array(cylinder.axis)
    sideways = np.cross(axis, [0.0, 0.0, 1.0])
    sideways /= np.linalg.norm(sideways)
    along = rays @ axis
    across = np.sqrt(np.maximum(1.0 - along**2, 0.01))
    cosine = np.clip((rays @ sideways) / across, -1.0, 1.0)
    chord = np.sqrt(1.0 - cylinder.offset**2 * (1.0 - cosine**2)) - cylinder.offset * cosine
    return np.asarray(np.exp(-cylinder.depth * chord / across))

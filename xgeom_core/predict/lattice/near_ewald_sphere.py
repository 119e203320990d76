"""Which points of a lattice lie near the Ewald sphere, in a part of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import inverse3, lengths
from xgeom_core.predict.lattice.model import Model

FloatArray = NDArray[np.float64]


def near_sphere(model: Model, toward: FloatArray, reach: float, thickness: float) -> FloatArray:
    """Indices of the lattice points near the Ewald sphere.

    Parameters
    ----------
    model : Model
        With any origin.
    toward : ndarray, shape (3,)
        A ray in 1/Å in the middle of the part wanted.
    reach : float
        How far points may be from it, in 1/Å.
    thickness : float
        How far points may be from the sphere, in 1/Å.

    Returns
    -------
    ndarray, shape (n, 3)
        Whole numbers.

    Notes
    -----
    For each pair of indices along the two shorter axes, the shell is crossed at most twice by the line
    along the longest one: the effort grows with the square of the cell, not with its cube.
    """
    edges = lengths(inverse3(model.reciprocal))
    longest = int(np.argmax(edges))
    others = [axis for axis in range(3) if axis != longest]
    middle = np.round(model.indices(toward[None])[0])
    spans = [np.arange(-int(reach * edges[i]) - 1, int(reach * edges[i]) + 2) for i in others]
    lines = np.zeros((len(spans[0]) * len(spans[1]), 3))
    lines[:, others] = np.stack(np.meshgrid(*spans, indexing="ij"), axis=-1).reshape(-1, 2)
    lines += middle
    hkl = _along(model, lines, longest, thickness)
    rays = model.rays(hkl)
    near = np.abs(lengths(rays) - model.radius) < thickness
    near &= lengths(rays - toward) < reach
    return hkl[near]


def _along(model: Model, lines: FloatArray, axis: int, thickness: float) -> FloatArray:
    """Points on lines of the lattice where they cross the shell."""
    start, step = model.rays(lines), model.reciprocal[:, axis]
    square, mixed = float(step @ step), start @ step
    away = (start**2).sum(axis=1)
    outer = mixed**2 - square * (away - (model.radius + thickness) ** 2)
    inner = mixed**2 - square * (away - (model.radius - thickness) ** 2)
    meets = outer > 0
    lines, mixed = lines[meets], mixed[meets]
    outer, inner = np.sqrt(outer[meets]), np.sqrt(np.maximum(inner[meets], 0.0))
    found = [np.zeros((0, 3))]
    for low, high in ((inner - mixed, outer - mixed), (-outer - mixed, -inner - mixed)):
        first, last = np.ceil(low / square), np.floor(high / square)
        for number in range(int((last - first).max() + 1) if len(first) else 0):
            inside = first + number <= last
            points = lines[inside]
            points[:, axis] += first[inside] + number
            found.append(points)
    return _once(np.concatenate(found))


def _once(points: FloatArray) -> FloatArray:
    """Points in order, each once: a line that only grazes the shell is met from both sides."""
    if not len(points):
        return points
    low = points.min(axis=0)
    size = points.max(axis=0) - low + 1.0
    # One number for each, exact far beyond what memory holds.
    key = ((points[:, 0] - low[0]) * size[1] + (points[:, 1] - low[1])) * size[2] + (points[:, 2] - low[2])
    return points[np.unique(key, return_index=True)[1]]

"""Split crystals: the lattice of a further block is the first one turned by a few degrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.assign_indices import Observed
from xgeom_core.predict.lattice.model import Model, observed_rays

FloatArray = NDArray[np.float64]

# How far blocks are turned, in which steps, and out to which 1/Å a step is no larger than an index.
_FARTHEST_DEG, _STEP_DEG, _REACH = 5.6, 0.7, 0.22
_MOST_SPOTS = 150
# Turns nearer than this to a better one are the same.
_APART_DEG = 1.2


def turned_lattices(model: Model, observed: Observed, most: int = 3) -> list[Model]:
    """The lattice turned about its origin such that many spots are near its points, the best first.

    Parameters
    ----------
    model : Model
        The lattice, its origin near the beam.
    observed : Observed
        Spots that it leaves over, the strongest first.
    most : int
        The most to return.
    """
    # Slow to import, and few crystals are split.
    from scipy.spatial.transform import Rotation  # noqa: PLC0415

    rays = observed_rays(model.geometry, observed.xy[:, 0], observed.xy[:, 1]) - model.origin
    rays = rays[np.linalg.norm(rays, axis=1) < _REACH][:_MOST_SPOTS]
    if not len(rays):
        return []
    turns = _turns()
    matrices = Rotation.from_rotvec(turns, degrees=True).as_matrix()
    # Rows of the inverse basis in the turned lattice: B^-1 R^T.
    inverse = np.linalg.inv(model.reciprocal) @ matrices.transpose(0, 2, 1)
    indices = inverse.reshape(-1, 3) @ rays.T
    off = np.abs(indices - np.round(indices)).reshape(len(turns), 3, -1).max(axis=1)
    merit = np.exp(-0.5 * (off / 0.15) ** 2).sum(axis=1)
    found: list[int] = []
    for number in np.argsort(-merit):
        if all(np.linalg.norm(turns[number] - turns[other]) > _APART_DEG for other in found):
            found.append(int(number))
            if len(found) == most:
                break
    return [replace(model, reciprocal=matrices[number] @ model.reciprocal) for number in found]


def _turns() -> FloatArray:
    """Rotation vectors on a grid within a ball, in degrees, shape (n, 3)."""
    steps = np.arange(-_FARTHEST_DEG, _FARTHEST_DEG + 0.1, _STEP_DEG)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(grid[np.linalg.norm(grid, axis=1) <= _FARTHEST_DEG])

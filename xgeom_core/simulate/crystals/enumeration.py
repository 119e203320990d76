"""Which lattice points lie near the Ewald sphere."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from xgeom_core.errors import RecipeError
from xgeom_core.geometry import FloatArray

# Their indices alone would take half a gigabyte, and the frame minutes.
_MOST = 20_000_000


def near_sphere(
    reciprocal: FloatArray, wavelength_A: float, d_min_A: float, reach: tuple[float, float]
) -> NDArray[np.int64]:
    """Miller indices whose lattice point lies close to the Ewald sphere.

    Parameters
    ----------
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* in the lab frame, 1/Å.
    wavelength_A : float
        Wavelength in Å.
    d_min_A : float
        Resolution limit in Å.
    reach : tuple of float
        ``(r0, r1)``: a point of length s is taken when ``| |s0 + s| - 1/wavelength | <= r0 + r1 s``;
        r0 in 1/Å. Mosaic spread and rotation reach further out at high angles: r1.

    Returns
    -------
    ndarray of int, shape (n, 3)
        Sorted by the row they lie on; the origin is left out.

    Raises
    ------
    RecipeError
        If they would be more than 20 million.

    Notes
    -----
    A row of lattice points along the shortest reciprocal edge meets the shell about the sphere in at
    most two intervals: solving for them costs O(n^2) in the number n of points along an edge, where
    trying every point costs O(n^3).
    """
    lengths = np.linalg.norm(reciprocal, axis=0)
    order = np.argsort(lengths)[::-1]
    real = np.linalg.norm(np.linalg.inv(reciprocal), axis=1)
    spans = (int(real[order[0]] / d_min_A), int(real[order[1]] / d_min_A))
    rows = np.ascontiguousarray(reciprocal[:, order].T)
    limit = 1.0 / d_min_A
    # The shell within the limit has the volume pi limit^2 times its thickness.
    cell = abs(np.linalg.det(reciprocal))
    expected = math.pi * limit**2 * 2.0 * (reach[0] + reach[1] * limit) / cell
    if expected > _MOST:
        raise RecipeError(
            f"A crystal with a cell of {1.0 / cell:.2g} Å³ would excite about {expected / 1e6:.0f} million "
            f"reflections to {d_min_A:.2g} Å, more than {_MOST / 1e6:.0f} million; choose smaller cells, "
            "less mosaicity or oscillation, or a lower resolution."
        )
    room = int(1.3 * expected) + 1000
    while True:
        hkl = np.empty((room, 3), dtype=np.int64)
        count = _fill(hkl, rows, order, spans, 1.0 / wavelength_A, limit, reach[0], reach[1])
        if count <= room:
            return hkl[:count]
        room = count


@njit(cache=True, nogil=True)
def _fill(hkl, rows, order, spans, k, limit, r0, r1):  # type: ignore[no-untyped-def]
    """Write indices into `hkl` as far as it reaches; return how many there are."""
    count = 0
    widest = r0 + r1 * limit
    ax, ay, az = rows[2, 0], rows[2, 1], rows[2, 2]
    norm = ax * ax + ay * ay + az * az
    outer, inner = (k + widest) ** 2, max(k - widest, 0.0) ** 2
    for i in range(-spans[0], spans[0] + 1):
        for j in range(-spans[1], spans[1] + 1):
            vx = i * rows[0, 0] + j * rows[1, 0]
            vy = i * rows[0, 1] + j * rows[1, 1]
            vz = i * rows[0, 2] + j * rows[1, 2]
            # Where the row is within the limit: |v + n a| <= limit.
            along = (vx * ax + vy * ay + vz * az) / norm
            square = along * along - (vx * vx + vy * vy + vz * vz - limit * limit) / norm
            if square < 0.0:
                continue
            root = math.sqrt(square)
            low, high = -along - root, -along + root
            # Where it is within the shell: k - widest <= |v + n a + s0| <= k + widest.
            along = (vx * ax + vy * ay + (vz + k) * az) / norm
            length = (vx * vx + vy * vy + (vz + k) ** 2) / norm
            square = along * along - length + outer / norm
            if square < 0.0:
                continue
            root = math.sqrt(square)
            low, high = max(low, -along - root), min(high, -along + root)
            square = along * along - length + inner / norm
            hollow = math.sqrt(square) if square > 0.0 else -1.0
            n, last = math.ceil(low), math.floor(high)
            while n <= last:
                if abs(n + along) < hollow:
                    # Inside the inner sphere: on to its far side.
                    n = max(n + 1, math.ceil(-along + hollow))
                    continue
                sx, sy, sz = vx + n * ax, vy + n * ay, vz + n * az
                s = math.sqrt(sx * sx + sy * sy + sz * sz)
                error = math.sqrt(sx * sx + sy * sy + (sz + k) ** 2) - k
                if s <= limit and abs(error) <= r0 + r1 * s and not (i == 0 and j == 0 and n == 0):
                    if count < hkl.shape[0]:
                        hkl[count, order[0]] = i
                        hkl[count, order[1]] = j
                        hkl[count, order[2]] = n
                    count += 1
                n += 1
    return count

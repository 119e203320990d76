"""Robust spreads and leave-one-out errors used by the fits."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import FloatArray


def median(values: FloatArray) -> float:
    """`numpy.median` of a flat array that is not empty, for many short ones: it takes half the time."""
    total = float(values.sum())
    if total != total:
        return total
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    # The largest of the lower half is cheaper than a second partition.
    parted = np.partition(values, half)
    return 0.5 * (float(parted[:half].max()) + float(parted[half]))


def robust_sigma(values: FloatArray) -> float:
    """Standard deviation from the median absolute deviation; 0 for no values."""
    if values.size == 0:
        return 0.0
    off = values - median(values)
    return 1.4826 * median(np.abs(off, out=off))


def solve_normal(normal: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Solution and inverse of normal equations, scaled first and tolerant of useless columns.

    Parameters
    ----------
    normal : ndarray, shape (m, m)
    right : ndarray, shape (m,)

    Returns
    -------
    solution : ndarray, shape (m,)
    inverse : ndarray, shape (m, m)
        Covariance if the rows were weighted with inverse variances.
    """
    scale = np.sqrt(np.maximum(np.diag(normal), 1e-30))
    outer = np.outer(scale, scale)
    inverse = np.linalg.pinv(normal / outer, rcond=1e-10, hermitian=True) / outer
    return inverse @ right, inverse


def jackknife(normals: list[FloatArray], rights: list[FloatArray], solution: FloatArray) -> FloatArray:
    """Covariance of a least-squares solution from leaving out each part of the data in turn.

    Parameters
    ----------
    normals, rights : list of ndarray
        Normal matrices (m, m) and right-hand sides (m,) of the parts.
    solution : ndarray, shape (m,)
        The solution with all parts.

    Notes
    -----
    ``(S - 1) / S * sum (x_s - x)(x_s - x)^T`` over the S parts (Efron 1982). Parts here are
    azimuth sectors, so what makes one side of a frame disagree with the other counts as error.
    """
    normal, right = np.sum(normals, axis=0), np.sum(rights, axis=0)
    count = len(normals)
    spread = np.array(
        [
            solve_normal(normal - part, right - part_right)[0] - solution
            for part, part_right in zip(normals, rights, strict=True)
        ]
    )
    return np.asarray((count - 1) / count * spread.T @ spread)

"""Small sums in plain arithmetic: indexing does them by the ten thousand, and numpy's own take longer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

FloatArray = NDArray[np.float64]

# A scaled normal matrix whose Cholesky factor has a smaller pivot may have directions that say nothing.
_LEAST_PIVOT = 1e-5


def median(values: FloatArray) -> float:
    """Median of some numbers; NaN of none."""
    count = len(values)
    if count == 0:
        return math.nan
    half = count // 2
    if count % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return 0.5 * (float(low) + float(high))


def lengths(vectors: FloatArray) -> FloatArray:
    """Lengths of the rows."""
    return np.asarray(np.sqrt(np.einsum("ni,ni->n", vectors, vectors)))


def cross(one: FloatArray, other: FloatArray) -> FloatArray:
    """Vector products of the rows."""
    (a, b, c), (x, y, z) = one.T, other.T
    return np.stack([b * z - c * y, c * x - a * z, a * y - b * x], axis=1)


def inverse3(matrix: FloatArray) -> FloatArray:
    """Inverse of a 3 x 3 matrix by its cofactors.

    Raises
    ------
    LinAlgError
        If it has none.
    """
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    u, v, w = e * i - f * h, f * g - d * i, d * h - e * g
    determinant = a * u + b * v + c * w
    if determinant == 0.0:
        raise np.linalg.LinAlgError("singular matrix")
    cofactors = np.array(
        [
            [u, c * h - b * i, b * f - c * e],
            [v, a * i - c * g, c * d - a * f],
            [w, b * g - a * h, a * e - b * d],
        ]
    )
    return cofactors / determinant


def turn_matrix(turn: FloatArray) -> FloatArray:
    """Rotation by a vector along the axis, as long as the angle in radians."""
    x, y, z = turn.tolist()
    angle2 = x * x + y * y + z * z
    angle = math.sqrt(angle2)
    # sin(a) / a and (1 - cos(a)) / a^2.
    first = math.sin(angle) / angle if angle > 1e-9 else 1.0
    second = 2.0 * (math.sin(0.5 * angle) / angle) ** 2 if angle > 1e-9 else 0.5
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + first * across + second * (across @ across))


def inverse(normal: FloatArray) -> FloatArray:
    """Inverse of a normal matrix, scaled first, useless directions left out."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
    outer = np.outer(scale, scale)
    return np.asarray(np.linalg.pinv(normal * outer, rcond=1e-12, hermitian=True) * outer)


def solved(normal: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of normal equations: what `inverse` gives, faster wherever all directions are useful."""
    scale = 1.0 / np.sqrt(np.maximum(normal.diagonal(), 1e-30))
    factor, failed = lapack.dpotrf(normal * scale[:, None] * scale, lower=1, clean=0)
    if failed or not factor.diagonal().min() > _LEAST_PIVOT:
        return np.asarray(inverse(normal) @ right)
    step, _ = lapack.dpotrs(factor, right * scale, lower=1)
    return np.asarray(step * scale)

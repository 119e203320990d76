"""The conventional cell and the Bravais symbol of a lattice with known rotations."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.symmetry import (
    Cell,
    IntArray,
    Symmetry,
    cell_of,
    find_symmetries,
    symmetrized,
)

FloatArray = NDArray[np.float64]

# Strain up to which a cell has a symmetry.
_BENT = 0.006


def named(reciprocal: FloatArray, imposed: Symmetry) -> tuple[str, Cell, Symmetry, FloatArray]:
    """Bravais symbol, conventional cell, the symmetry that they show, and the conventional axes.

    Parameters
    ----------
    reciprocal : ndarray, shape (3, 3)
        See `conventional`.
    imposed : Symmetry
        What the fit took for granted.

    Returns
    -------
    str, Cell, Symmetry
    ndarray, shape (3, 3)
        Conventional axes as rows of primitive coordinates: ``hkl_conventional = hkl_primitive @ axes.T``.

    Notes
    -----
    Distortions of a detector bend a cell by more than spots scatter, so that a fit is left free to differ
    from a symmetry that the crystal has. No cell comes so near to a higher symmetry by chance.
    """
    nearest = find_symmetries(reciprocal, _BENT)[0]
    symmetry = nearest if nearest.order > imposed.order else imposed
    symbol, axes, real = _conventional(symmetrized(reciprocal, symmetry), symmetry)
    return symbol, cell_of(axes @ real), symmetry, axes


def conventional(reciprocal: FloatArray, symmetry: Symmetry) -> tuple[str, Cell]:
    """Bravais symbol ("aP", "mC", "tI", ...) and conventional cell in Å and degrees.

    Parameters
    ----------
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* of the primitive cell on whose coordinates the rotations act.
    symmetry : Symmetry
        Its rotations.
    """
    symbol, axes, real = _conventional(reciprocal, symmetry)
    return symbol, cell_of(axes @ real)


def _conventional(reciprocal: FloatArray, symmetry: Symmetry) -> tuple[str, FloatArray, FloatArray]:
    """Symbol, conventional axes as rows of primitive coordinates, primitive axes as rows in Å."""
    real = np.asarray(np.linalg.inv(reciprocal), dtype=np.float64)
    family, axes = _axes(real, symmetry)
    ratio = round(abs(float(np.linalg.det(axes))))
    symbol = family + _centering(family, ratio, axes)
    return symbol, _standard(symbol, axes), real


def _standard(symbol: str, axes: FloatArray) -> FloatArray:
    """The axes with C-centering in its usual setting, where half of a + b is a lattice vector."""
    if symbol not in {"mC", "oC"} or _whole(axes[0] + axes[1]):
        return axes
    a, b, c = axes
    if symbol == "oC":
        first, second, third = (b, c, a) if _whole(b + c) else (a, c, b)
        return _right(np.array([first, second, third]))
    if _whole(b + c):
        return np.array([c, -b, a])
    return np.array([-a - c, b, a])


def _whole(twice: FloatArray) -> bool:
    """Whether half of a vector in primitive coordinates is a lattice vector."""
    return bool((np.round(twice) % 2 == 0).all())


def _axes(real: FloatArray, symmetry: Symmetry) -> tuple[str, FloatArray]:
    """Letter of the crystal family, and the conventional axes as rows of primitive coordinates."""
    twofold = _axes_of(symmetry, 2)
    if symmetry.order == 1:
        return "a", np.eye(3)
    if symmetry.order == 2:
        return "m", _monoclinic(real, twofold[0], symmetry)
    if symmetry.order == 4:
        return "o", _right(np.array(sorted(twofold, key=lambda u: float(np.linalg.norm(u @ real)))))
    if symmetry.order == 8:
        c = _axes_of(symmetry, 4)[0]
        return "t", _right(np.array([*_across(real, twofold, c, 0.0), c]))
    if symmetry.order in (6, 12):
        c = _axes_of(symmetry, 3)[0]
        return "h", _right(np.array([*_across(real, twofold, c, -0.5), c]))
    return "c", _right(np.array(_axes_of(symmetry, 4)))


def _axes_of(symmetry: Symmetry, fold: int) -> list[IntArray]:
    """Shortest lattice vectors along the axes of a given fold, each once."""
    trace = {2: -1, 3: 0, 4: 1}[fold]
    found: list[IntArray] = []
    for rotation in symmetry.rotations:
        if np.trace(rotation) != trace:
            continue
        powers = [np.linalg.matrix_power(rotation, n) for n in range(12)]
        # The mean over all powers projects on the axis; any column of it lies along.
        mean = np.sum(powers, axis=0)
        column = mean[:, int(np.argmax(np.abs(mean).sum(axis=0)))]
        axis = column // np.gcd.reduce(column)
        axis = axis * np.sign(axis[np.nonzero(axis)[0][0]])
        if not any((axis == other).all() for other in found):
            found.append(axis)
    return found


def _across(
    real: FloatArray, twofold: list[IntArray], c: IntArray, cosine: float
) -> tuple[IntArray, IntArray]:
    """The shortest pair of two-fold axes at right angles to c, with a given cosine between them."""
    flat = [u for u in twofold if _cosine(u @ real, c @ real) < 0.2]
    pairs = [
        (u, v * sign)
        for u, v in itertools.permutations(flat, 2)
        for sign in (1, -1)
        if abs(float((u @ real) @ (v @ real)) / np.linalg.norm(u @ real) / np.linalg.norm(v @ real) - cosine)
        < 0.1
    ]
    return min(pairs, key=lambda pair: float(np.linalg.norm(pair[0] @ real) + np.linalg.norm(pair[1] @ real)))


def _cosine(a: FloatArray, b: FloatArray) -> float:
    return abs(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def _monoclinic(real: FloatArray, b: IntArray, symmetry: Symmetry) -> FloatArray:
    """Axes a, b, c with b the two-fold axis, a and c the shortest across it, beta obtuse."""
    rotation = next(r for r in symmetry.rotations if np.trace(r) == -1)
    steps = np.array([s for s in itertools.product(range(-3, 4), repeat=3) if any(s)])
    flat = steps[((steps @ rotation.T) == -steps).all(axis=1)]
    flat = flat[np.argsort(np.linalg.norm(flat @ real, axis=1), kind="stable")]
    a = flat[0]
    c = next(v for v in flat if np.linalg.norm(np.cross(a, v)) > 0)
    if (a @ real) @ (c @ real) > 0:
        c = -c
    # The longer one is c, as in the PDB; the sign of b makes the axes right-handed.
    return _right(np.array([a, b, c]), flip=1)


def _right(axes: NDArray[np.int64], flip: int = 2) -> FloatArray:
    out = axes.astype(np.float64)
    if np.linalg.det(out) < 0:
        out[flip] = -out[flip]
    return out


def _centering(family: str, ratio: int, axes: FloatArray) -> str:
    """Letter of the centering, from how many primitive cells the conventional one holds."""
    if ratio == 1:
        return "P"
    if ratio == 3 and family == "h":
        return "R"
    if ratio == 4:
        return "F"
    # A body-centered monoclinic cell is a C-centered one with other axes.
    return "I" if family != "m" and _whole(axes.sum(axis=0)) else "C"

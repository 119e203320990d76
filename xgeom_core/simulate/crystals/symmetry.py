"""Laue classes: which reflections share one intensity, which are centric, which a centering removes.

Notes
-----
Operators act on Miller indices as columns, ``h' = W h``. Those of a Laue class are the rotations of
its enantiomorphic point group (proteins crystallize in no other); Friedel's law adds ``-h``.
Settings: monoclinic with unique axis b, trigonal and hexagonal on hexagonal axes, R obverse.
Source: International Tables for Crystallography A, 10.1 (point groups), 1.5 and 2.1.3 (centering).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

_TWO_X = ((1, 0, 0), (0, -1, 0), (0, 0, -1))
_TWO_Y = ((-1, 0, 0), (0, 1, 0), (0, 0, -1))
_TWO_Z = ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
_FOUR_Z = ((0, -1, 0), (1, 0, 0), (0, 0, 1))
_THREE_Z = ((0, 1, 0), (-1, -1, 0), (0, 0, 1))
_SWAP = ((0, 1, 0), (1, 0, 0), (0, 0, -1))
_MINUS_SWAP = ((0, -1, 0), (-1, 0, 0), (0, 0, -1))
_CYCLE = ((0, 1, 0), (0, 0, 1), (1, 0, 0))

_GENERATORS: dict[str, tuple[tuple[tuple[int, int, int], ...], ...]] = {
    "-1": (),
    "2/m": (_TWO_Y,),
    "mmm": (_TWO_X, _TWO_Y),
    "4/m": (_FOUR_Z,),
    "4/mmm": (_FOUR_Z, _TWO_X),
    "-3": (_THREE_Z,),
    "-3m1": (_THREE_Z, _SWAP),
    "-31m": (_THREE_Z, _MINUS_SWAP),
    "6/m": (_THREE_Z, _TWO_Z),
    "6/mmm": (_THREE_Z, _TWO_Z, _SWAP),
    "m-3": (_TWO_X, _TWO_Y, _CYCLE),
    "m-3m": (_TWO_X, _TWO_Y, _CYCLE, _SWAP),
}
LAUE_CLASSES = tuple(_GENERATORS)


@lru_cache(maxsize=32)
def laue_rotations(laue: str) -> IntArray:
    """Rotations of a Laue class.

    Parameters
    ----------
    laue : str
        One of `LAUE_CLASSES`.

    Returns
    -------
    ndarray of int, shape (n, 3, 3)
        The identity first.
    """
    found = [np.eye(3, dtype=np.int64)]
    generators = [np.array(matrix, dtype=np.int64) for matrix in _GENERATORS[laue]]
    seen = {found[0].tobytes()}
    for element in found:  # grows while it is walked: the closure of the generators
        for generator in generators:
            product = generator @ element
            if product.tobytes() not in seen:
                seen.add(product.tobytes())
                found.append(product)
    group = np.stack(found)
    group.flags.writeable = False
    return group


def present(hkl: NDArray[np.integer], centering: str) -> NDArray[np.bool_]:
    """Which reflections a centering leaves.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    centering : str
        ``P``, ``A``, ``C``, ``I``, ``F`` or ``R`` (obverse, hexagonal axes).

    Returns
    -------
    ndarray of bool, shape (n,)
        False for a systematic absence.
    """
    h, k, l = hkl[:, 0], hkl[:, 1], hkl[:, 2]
    if centering == "A":
        return np.asarray((k + l) % 2 == 0)
    if centering == "C":
        return np.asarray((h + k) % 2 == 0)
    if centering == "I":
        return np.asarray((h + k + l) % 2 == 0)
    if centering == "F":
        return np.asarray(((h + k) % 2 == 0) & ((k + l) % 2 == 0))
    if centering == "R":
        return np.asarray((-h + k + l) % 3 == 0)
    return np.ones(len(hkl), dtype=np.bool_)

"""Laue classes: which reflections share one intensity, which are centric, which a centering removes.

Notes
-----
Operators act on Miller indices as columns, ``h' = W h``. Those of a Laue class are the rotations of
its enantiomorphic point group (proteins crystallize in no other); Friedel's law adds ``-h``.
Settings: monoclinic with unique axis b, trigonal and hexagonal on hexagonal axes, R obverse.
"""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

# Hall symbols of the groups of rotations (International Tables for Crystallography B, 1.4).
_ROTATIONS = {
    "-1": "P 1",
    "2/m": "P 2y",
    "mmm": "P 2 2",
    "4/m": "P 4",
    "4/mmm": "P 4 2",
    "-3": "P 3",
    "-3m1": 'P 3 2"',
    "-31m": "P 3 2",
    "6/m": "P 6",
    "6/mmm": "P 6 2",
    "m-3": "P 2 2 3",
    "m-3m": "P 4 2 3",
}
LAUE_CLASSES = tuple(_ROTATIONS)


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
    operators = gemmi.symops_from_hall(_ROTATIONS[laue]).sym_ops
    # Miller indices are rows there, columns here.
    group = np.array([operator.rot for operator in operators], dtype=np.int64).transpose(0, 2, 1)
    group = np.ascontiguousarray(group // gemmi.Op.DEN)
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
    group = gemmi.symops_from_hall(f"{centering} 1")
    return ~np.asarray(group.systematic_absences(np.ascontiguousarray(hkl, dtype=np.int32)))

"""Random structure factors that obey Wilson's statistics and the crystal's symmetry.

Notes
-----
A. J. C. Wilson, Acta Cryst. 2 (1949) 318: with many atoms at random places the intensity I over its
mean m has the density ``exp(-I/m)/m`` for acentric reflections (``<I^2>/<I>^2 = 2``) and is m times
the square of a normal number for centric ones (3). The mean is epsilon times that of general
reflections, epsilon being the number of rotations that leave the reflection where it is
(International Tables B, 2.1.3).

The number is no draw from a generator but a hash of the seed and of the indices, after symmetry and
Friedel's law have brought them to one representative. So equivalent reflections agree, several
lattices of one crystal form share their structure factors, and a frame needs no table of them.
Hash: the finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.crystals.symmetry import IntArray

_BITS_30 = np.uint64(30)
_BITS_27 = np.uint64(27)
_BITS_31 = np.uint64(31)
_BITS_11 = np.uint64(11)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def wilson_intensities(hkl: NDArray[np.integer], rotations: IntArray, seed: int) -> FloatArray:
    """Squared structure factors over their mean.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    rotations : ndarray of int, shape (m, 3, 3)
        Rotations of the Laue class, identity included (`symmetry.laue_rotations`).
    seed : int
        Which structure; 0 or more.

    Returns
    -------
    ndarray, shape (n,)
    """
    out = np.empty(len(hkl))
    _hashed(out, np.ascontiguousarray(hkl, dtype=np.int64), rotations, np.uint64(seed))
    return out


def representatives(hkl: NDArray[np.integer], rotations: IntArray) -> IntArray:
    """The one among all equivalents (and their Friedel mates) that stands for each reflection.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    rotations : ndarray of int, shape (m, 3, 3)
        Rotations of the Laue class.

    Returns
    -------
    ndarray of int, shape (n, 3)
        The lexicographically largest.
    """
    out = np.empty((len(hkl), 3), dtype=np.int64)
    _represent(out, np.ascontiguousarray(hkl, dtype=np.int64), rotations)
    return out


@njit(cache=True, nogil=True)
def _canonical(h, k, l, rotations):  # type: ignore[no-untyped-def]
    """Representative, number of rotations that keep (h, k, l), and whether one inverts it."""
    best_h, best_k, best_l = h, k, l
    same, centric = 0, False
    for i in range(rotations.shape[0]):
        p = rotations[i, 0, 0] * h + rotations[i, 0, 1] * k + rotations[i, 0, 2] * l
        q = rotations[i, 1, 0] * h + rotations[i, 1, 1] * k + rotations[i, 1, 2] * l
        r = rotations[i, 2, 0] * h + rotations[i, 2, 1] * k + rotations[i, 2, 2] * l
        if p == h and q == k and r == l:
            same += 1
        if p == -h and q == -k and r == -l:
            centric = True
        if p < 0 or (p == 0 and (q < 0 or (q == 0 and r < 0))):
            p, q, r = -p, -q, -r
        if i == 0 or p > best_h or (p == best_h and (q > best_k or (q == best_k and r > best_l))):
            best_h, best_k, best_l = p, q, r
    return best_h, best_k, best_l, same, centric


@njit(cache=True, nogil=True)
def _mix(value):  # type: ignore[no-untyped-def]
    value = (value ^ (value >> _BITS_30)) * _FIRST
    value = (value ^ (value >> _BITS_27)) * _SECOND
    return value ^ (value >> _BITS_31)


@njit(cache=True, nogil=True)
def _unit(value):  # type: ignore[no-untyped-def]
    """A number within 0 and 1, both left out."""
    return (np.float64(value >> _BITS_11) + 0.5) / 9007199254740992.0


@njit(cache=True, nogil=True)
def _hashed(out, hkl, rotations, seed):  # type: ignore[no-untyped-def]
    start = _mix(seed + _STEP)
    for i in range(hkl.shape[0]):
        h, k, l, same, centric = _canonical(hkl[i, 0], hkl[i, 1], hkl[i, 2], rotations)
        state = _mix(_mix(_mix(start ^ np.uint64(h)) ^ np.uint64(k)) ^ np.uint64(l))
        first = -math.log(_unit(_mix(state + _STEP)))
        if centric:
            # Box and Muller: 2 E cos^2(angle) is the square of a normal number.
            turn = 2.0 * math.pi * _unit(_mix(state + _STEP + _STEP))
            first *= 2.0 * math.cos(turn) ** 2
        out[i] = same * first


@njit(cache=True, nogil=True)
def _represent(out, hkl, rotations):  # type: ignore[no-untyped-def]
    for i in range(hkl.shape[0]):
        h, k, l, _, _ = _canonical(hkl[i, 0], hkl[i, 1], hkl[i, 2], rotations)
        out[i, 0], out[i, 1], out[i, 2] = h, k, l

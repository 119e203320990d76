"""Cells that are a multiple of the true one betray themselves: their indices leave out most classes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.model import Model

FloatArray = NDArray[np.float64]

_NEARLY_ALL = 0.85


def divided(model: Model, hkl: FloatArray, used: NDArray[np.bool_]) -> Model | None:
    """The model with a smaller cell, if nearly all indices fall in one class of it.

    Parameters
    ----------
    model : Model
        With a free origin.
    hkl : ndarray, shape (n, 3)
        Indices.
    used : ndarray of bool, shape (n,)
        Which of them count.

    Returns
    -------
    Model or None
        None where all classes are in use.

    Notes
    -----
    If ``h.v = c (mod p)`` for nearly all indices, ``v.T / p`` is a vector of the direct lattice T too.
    """
    indices = np.round(hkl[used]).astype(np.int64)
    changed = False
    for prime in (2, 3, 2, 3):
        for v in _directions(prime):
            classes = np.bincount((indices @ v) % prime, minlength=prime)
            if classes.max() < _NEARLY_ALL * len(indices):
                continue
            wanted = int(classes.argmax())
            first = int(np.flatnonzero(np.abs(v) == 1)[0])
            real = np.linalg.inv(model.reciprocal)
            real[first] = v @ real / prime
            # The origin moves to a point of the class that is in use.
            shift = np.zeros(3)
            shift[first] = wanted * v[first]
            origin = model.rays(shift[None])[0]
            model = replace(model, origin=origin, reciprocal=np.linalg.inv(real))
            moved = indices - shift.astype(np.int64)
            moved[:, first] = (moved @ v) // prime
            indices, changed = moved, True
            break
    return model if changed else None


@cache
def _directions(prime: int) -> NDArray[np.int64]:
    """One vector for each sublattice of a prime index: entries of 0 and ±1, the first one positive."""
    entries = (0, 1) if prime == 2 else (-1, 0, 1)
    all_of_them = np.array([v for v in itertools.product(entries, repeat=3) if any(v)], dtype=np.int64)
    return np.array([v for v in all_of_them if v[np.nonzero(v)[0][0]] > 0])

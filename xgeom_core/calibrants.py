"""Where the powder rings of calibrants and of ice lie; how strong they are is the simulator's matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

_Integers = NDArray[np.int64]
_Rule = Callable[[_Integers, _Integers, _Integers], NDArray[np.bool_]]


@dataclass(frozen=True)
class Powder:
    """A crystalline powder.

    Parameters
    ----------
    name : str
        For the user.
    a_A, c_A : float
        Cell edges in Å.
    hexagonal : bool
        Whether the angle between a and b is 120 degrees (else all are 90).
    allowed : callable
        Whether reflections ``h, k, l`` are not extinct.
    """

    name: str
    a_A: float
    c_A: float
    hexagonal: bool
    allowed: _Rule


def _any(h: _Integers, k: _Integers, l: _Integers) -> NDArray[np.bool_]:
    return np.ones(h.shape, dtype=bool)


def _face_centered(h: _Integers, k: _Integers, l: _Integers) -> NDArray[np.bool_]:
    return ((h + k) % 2 == 0) & ((k + l) % 2 == 0)


def _diamond(h: _Integers, k: _Integers, l: _Integers) -> NDArray[np.bool_]:
    return _face_centered(h, k, l) & ((h % 2 == 1) | ((h + k + l) % 4 == 0))


def _layers(h: _Integers, k: _Integers, l: _Integers) -> NDArray[np.bool_]:
    return (h == 0) & (k == 0)


def _ice(h: _Integers, k: _Integers, l: _Integers) -> NDArray[np.bool_]:
    # P6_3/mmc, with the oxygens at z = 0.0625: (00l) other than 2n, and l odd where h - k is a
    # multiple of 3, are extinct; (004) is too weak to be seen.
    return ~(((h - k) % 3 == 0) & (l % 2 == 1)) & ~((h == 0) & (k == 0) & (l % 8 == 4))


POWDERS: dict[str, Powder] = {
    powder.name: powder
    for powder in (
        # Certificates of NIST's SRM 674b, 660c, 640f and 676a.
        Powder("CeO2", 5.4115, 5.4115, False, _face_centered),
        Powder("LaB6", 4.15683, 4.15683, False, _any),
        Powder("Si", 5.43114, 5.43114, False, _diamond),
        # Huang, Toraya, Blanton and Wu, J. Appl. Cryst. 26 (1993) 180: orders of the long spacing.
        Powder("AgBh", 1.0, 58.380, False, _layers),
        # 100 K: Roettger, Endriss, Ihringer, Doyle and Kuhs, Acta Cryst. B50 (1994) 644.
        Powder("ice", 4.4969, 7.3211, True, _ice),
    )
}
CALIBRANTS = ("CeO2", "LaB6", "Si", "AgBh")
"""Powders for calibration; ice is none, but its rings must be known as such."""


@cache
def spacings_A(name: str, shortest_A: float = 0.7) -> tuple[float, ...]:
    """Different spacings d of a powder in Å, from the longest to `shortest_A`.

    Parameters
    ----------
    name : str
        One of `POWDERS`.
    shortest_A : float
        Where to stop.

    Notes
    -----
    Cubic: ``1/d² = (h² + k² + l²) / a²``; hexagonal: ``4/3 (h² + hk + k²) / a² + l² / c²``.
    """
    powder = POWDERS[name]
    reach_a = 0 if powder.allowed is _layers else int(np.ceil(1.16 * powder.a_A / shortest_A))
    reach_c = int(np.ceil(powder.c_A / shortest_A))
    h, k, l = (axis.ravel() for axis in np.mgrid[0 : reach_a + 1, -reach_a : reach_a + 1, 0 : reach_c + 1])
    in_plane = 4.0 / 3.0 * (h * h + h * k + k * k) if powder.hexagonal else h * h + k * k
    inverse = in_plane / powder.a_A**2 + l * l / powder.c_A**2
    use = (inverse > 0) & (inverse <= 1.0 / shortest_A**2) & powder.allowed(h, k, l)
    return tuple(float(1.0 / np.sqrt(value)) for value in np.unique(np.round(inverse[use], 10)))

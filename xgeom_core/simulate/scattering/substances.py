"""Crystalline powders: calibrants and ice. Ring positions and strengths from cell and structure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.scattering.form_factors import form_factor

Sites = tuple[tuple[str, tuple[tuple[float, float, float], ...]], ...]
_F = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))
_P = ((0.0, 0.0, 0.0),)
_R = ((0.0, 0.0, 0.0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3))


@dataclass(frozen=True)
class Substance:
    """A crystalline substance.

    Parameters
    ----------
    a_A, c_A : float
        Cell edges in Å; cubic if they agree and the cell is not hexagonal.
    hexagonal : bool
        Whether the angle between a and b is 120 degrees (else all are 90).
    centering : tuple
        Translations of the lattice, fractional.
    sites : tuple
        Element and fractional positions of the atoms of one lattice point.
    b_A2 : float
        Overall displacement parameter B in Å^2.
    """

    a_A: float
    c_A: float
    hexagonal: bool
    centering: tuple[tuple[float, float, float], ...]
    sites: Sites
    b_A2: float = 0.5


def _octahedron(x: float) -> tuple[tuple[float, float, float], ...]:
    h = 0.5
    return ((x, h, h), (1 - x, h, h), (h, x, h), (h, 1 - x, h), (h, h, x), (h, h, 1 - x))


def _corundum() -> Sites:
    z, x = 0.35216, 0.30624
    metal = tuple((0.0, 0.0, v % 1.0) for v in (z, 0.5 - z, -z, 0.5 + z))
    planes = [(x, 0.0, 0.25), (0.0, x, 0.25), (-x, -x, 0.25)]
    oxygen = tuple((p % 1.0, q % 1.0, r) for p, q, r in planes)
    mirrored = tuple((-p % 1.0, -q % 1.0, 0.75) for p, q, _ in planes)
    return (("Al", metal), ("O", oxygen + mirrored))


def _ice() -> Sites:
    z = 0.0625
    return (
        ("O", ((1 / 3, 2 / 3, z), (2 / 3, 1 / 3, 0.5 + z), (2 / 3, 1 / 3, 1 - z), (1 / 3, 2 / 3, 0.5 - z))),
    )


# Cells: certificates of NIST's SRM 674b (CeO2), 660c (LaB6), 640f (Si) and 676a (Al2O3); ice at 100 K:
# Roettger, Endriss, Ihringer, Doyle and Kuhs, Acta Cryst. B50 (1994) 644; cubic (stacking-disordered)
# ice: Kuhs, Sippel, Falenty and Hansen, PNAS 109 (2012) 21259; NaCl and Au: handbook values.
SUBSTANCES: dict[str, Substance] = {
    "CeO2": Substance(
        5.4115, 5.4115, False, _F, (("Ce", _P), ("O", ((0.25, 0.25, 0.25), (0.75, 0.75, 0.75))))
    ),
    "LaB6": Substance(4.15683, 4.15683, False, _P, (("La", _P), ("B", _octahedron(0.1993)))),
    "Si": Substance(5.43114, 5.43114, False, _F, (("Si", ((0.0, 0.0, 0.0), (0.25, 0.25, 0.25))),)),
    "Al2O3": Substance(4.75909, 12.99178, True, _R, _corundum(), 0.3),
    "NaCl": Substance(5.6402, 5.6402, False, _F, (("Na", _P), ("Cl", ((0.5, 0.5, 0.5),))), 1.5),
    "Au": Substance(4.0782, 4.0782, False, _F, (("Au", _P),), 0.6),
    "ice": Substance(4.4969, 7.3211, True, _P, _ice(), 1.8),
    "cubic ice": Substance(6.358, 6.358, False, _F, (("O", ((0.0, 0.0, 0.0), (0.25, 0.25, 0.25))),), 1.8),
}
BEHENATE_A = 58.380
CALIBRANTS = ("CeO2", "LaB6", "Si", "Al2O3", "NaCl", "Au", "silver behenate")


@dataclass(frozen=True, eq=False)
class Lines:
    """Powder lines in order of falling spacing.

    Parameters
    ----------
    s : ndarray
        1/d in 1/Å.
    strength : ndarray
        Multiplicity times squared structure factor over s^2, in any unit.
    """

    s: FloatArray
    strength: FloatArray


@cache
def lines(name: str, s_max: float) -> Lines:
    """All powder lines of a substance up to ``s_max`` in 1/Å.

    Notes
    -----
    The lattice points of a powder fill shells: the scattering per solid angle is
    ``m |F|^2 G(s - 1/d) / (4 pi s^2)``, m the multiplicity, G the normalized shape of the line. That
    is the textbook Lorentz factor ``1 / (sin theta sin 2theta)`` times the change of variable
    (Warren, X-ray Diffraction, 1969, chapter 4). Silver behenate is a stack of layers: orders of
    58.380 Å (Huang, Toraya, Blanton and Wu, J. Appl. Cryst. 26 (1993) 180), its strengths a smooth
    fall as in the measured pattern.
    """
    if name == "silver behenate":
        order = np.arange(1, 14)
        order = order[order / BEHENATE_A <= s_max]
        return Lines(order / BEHENATE_A, np.exp(-0.35 * (order - 1.0)) * (1.0 + 0.25 * (-1.0) ** order))
    substance = SUBSTANCES[name]
    edges = np.array([substance.a_A, substance.a_A, substance.c_A])
    limit = np.ceil(edges * s_max * (1.16 if substance.hexagonal else 1.0)).astype(int)
    h, k, l = (axis.ravel() for axis in np.mgrid[tuple(slice(-n, n + 1) for n in limit)])
    a2, c2 = substance.a_A**2, substance.c_A**2
    in_plane = 4.0 / 3.0 * (h * h + h * k + k * k) if substance.hexagonal else h * h + k * k
    s2 = in_plane / a2 + l * l / c2
    use = (s2 > 0) & (s2 <= s_max**2)
    hkl, s2 = np.stack([h, k, l], axis=-1)[use], s2[use]
    power = np.abs(_structure_factor(substance, hkl, np.sqrt(s2))) ** 2 * np.exp(-substance.b_A2 * s2 / 2.0)
    _, group = np.unique(np.round(s2, 9), return_inverse=True)
    count = np.bincount(group)
    s = np.sqrt(np.bincount(group, s2) / count)
    strength = np.bincount(group, power) / s**2
    visible = strength > 1e-4 * strength.max(initial=0.0)
    return Lines(s[visible], strength[visible])


def _structure_factor(substance: Substance, hkl: FloatArray, s: FloatArray) -> FloatArray:
    """``F = sum f exp(2 pi i h.x)`` over the cell; 0 for reflections that are extinct."""
    total = np.zeros(len(hkl), dtype=np.complex128)
    for element, places in substance.sites:
        waves = np.exp(2j * np.pi * (hkl @ np.array(places).T)).sum(axis=1)
        total += form_factor(element, s) * waves
    lattice = np.exp(2j * np.pi * (hkl @ np.array(substance.centering).T)).sum(axis=1)
    return np.asarray(total * lattice)

"""Unit cells: the seven crystal systems, their centerings, and cells like those of proteins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import RecipeError
from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.ranges import choice, log_uniform, uniform

Six = tuple[float, float, float, float, float, float]

# Edges that a recipe may ask for, Å. Smaller or larger ones are most likely slips of the pen.
EDGES_A = (3.0, 2000.0)
# Cosines and edges closer than this count as equal.
_EQUAL = 1e-3

# Laue class and centering, with how often they occur among protein crystals of the system: rounded
# from the space-group statistics of the Protein Data Bank (P212121, P21, C2, P3x21 and P4x212 lead).
FORMS: dict[str, dict[tuple[str, str], float]] = {
    "triclinic": {("-1", "P"): 1.0},
    "monoclinic": {("2/m", "P"): 0.60, ("2/m", "C"): 0.36, ("2/m", "I"): 0.03, ("2/m", "A"): 0.01},
    "orthorhombic": {("mmm", "P"): 0.80, ("mmm", "C"): 0.13, ("mmm", "I"): 0.06, ("mmm", "F"): 0.01},
    "tetragonal": {("4/mmm", "P"): 0.72, ("4/m", "P"): 0.08, ("4/mmm", "I"): 0.10, ("4/m", "I"): 0.10},
    "trigonal": {
        ("-3m1", "P"): 0.60,
        ("-3", "P"): 0.10,
        ("-31m", "P"): 0.03,
        ("-3", "R"): 0.14,
        ("-3m1", "R"): 0.13,
    },
    "hexagonal": {("6/mmm", "P"): 0.60, ("6/m", "P"): 0.40},
    "cubic": {
        ("m-3", "P"): 0.25,
        ("m-3", "I"): 0.25,
        ("m-3", "F"): 0.10,
        ("m-3m", "P"): 0.15,
        ("m-3m", "I"): 0.05,
        ("m-3m", "F"): 0.20,
    },
}
SYSTEMS = tuple(FORMS)
# Roughly how often each system occurs among the crystals of the Protein Data Bank.
SYSTEM_WEIGHTS = {
    "triclinic": 0.04,
    "monoclinic": 0.31,
    "orthorhombic": 0.34,
    "tetragonal": 0.12,
    "trigonal": 0.11,
    "hexagonal": 0.05,
    "cubic": 0.03,
}


@dataclass(frozen=True)
class Cell:
    """A unit cell.

    Parameters
    ----------
    edges_A : tuple of float
        a, b, c in Å.
    angles_deg : tuple of float
        alpha, beta, gamma in degrees.
    system : str
        One of `SYSTEMS`. Trigonal and hexagonal cells stand on hexagonal axes.
    centering : str
        P, A, C, I, F or R (obverse).
    laue : str
        Laue class, one of `xgeom_core.simulate.crystals.symmetry.LAUE_CLASSES`.

    Raises
    ------
    RecipeError
        If no such cell can be.
    """

    edges_A: tuple[float, float, float]
    angles_deg: tuple[float, float, float] = (90.0, 90.0, 90.0)
    system: str = "triclinic"
    centering: str = "P"
    laue: str = "-1"

    def __post_init__(self) -> None:
        fault = cell_fault((*self.edges_A, *self.angles_deg))
        if fault is None and (self.laue, self.centering) not in FORMS.get(self.system, {}):
            fault = f"there is no {self.system} lattice {self.centering} of Laue class {self.laue}"
        if fault:
            raise RecipeError(f"The unit cell cannot be: {fault}.")

    @property
    def six(self) -> Six:
        """``(a, b, c, alpha, beta, gamma)`` in Å and degrees."""
        return (*self.edges_A, *self.angles_deg)


def cell_fault(cell: Six) -> str | None:
    """Why a cell cannot be, or None if it can.

    Notes
    -----
    Three angles close when each is smaller than the sum of the others and all three make less than
    360 degrees; otherwise the volume is not a real number.
    """
    if not all(EDGES_A[0] <= edge <= EDGES_A[1] for edge in cell[:3]):
        return f"its edges {list(cell[:3])} must lie between {EDGES_A[0]:g} and {EDGES_A[1]:g} Å"
    angles = cell[3:]
    if not all(0 < angle < 180 for angle in angles):
        return f"its angles {list(angles)} must lie between 0 and 180 degrees"
    if sum(angles) >= 360 or 2 * max(angles) >= sum(angles):
        return (
            f"its angles {list(angles)} do not close: they must make less than 360 degrees together, and "
            "each less than the other two"
        )
    return None


def orthogonalization(cell: Six) -> FloatArray:
    """Columns a, b, c in Å in a Cartesian frame with a along x and b in the xy plane.

    Parameters
    ----------
    cell : tuple of float
        ``(a, b, c, alpha, beta, gamma)`` in Å and degrees.

    Notes
    -----
    International Tables for Crystallography B, 3.3.1 (the PDB convention).
    """
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    sg = np.sin(np.radians(cell[5]))
    cx, cy = c * cb, c * (ca - cb * cg) / sg
    return np.array([[a, b * cg, cx], [0.0, b * sg, cy], [0.0, 0.0, np.sqrt(c * c - cx * cx - cy * cy)]])


def system_of(cell: Six) -> str:
    """The crystal system of highest symmetry whose metric a cell has (hexagonal for a = b, 120)."""
    a, b, c = cell[:3]
    square = np.abs(np.cos(np.radians(cell[3:]))) < _EQUAL
    ab, bc = abs(a - b) < _EQUAL * a, abs(b - c) < _EQUAL * b
    if square.all():
        return "cubic" if ab and bc else "tetragonal" if ab else "orthorhombic"
    if square[0] and square[1] and ab and abs(cell[5] - 120.0) < 0.1:
        return "hexagonal"
    return "monoclinic" if square[0] and square[2] else "triclinic"


def laue_of(system: str, centering: str) -> str:
    """The most frequent Laue class of a system's lattice; trigonal for R.

    Raises
    ------
    RecipeError
        If the system has no such lattice.
    """
    forms = {laue: weight for (laue, kind), weight in FORMS[system].items() if kind == centering}
    if not forms:
        possible = sorted({kind for _, kind in FORMS[system]})
        raise RecipeError(
            f"A {system} cell cannot be centered {centering}; its lattices are {', '.join(possible)}."
        )
    return max(forms, key=lambda laue: forms[laue])


def fixed_cell(cell: Six, centering: str) -> Cell:
    """A given cell, with the highest symmetry that its metric and centering allow.

    Raises
    ------
    RecipeError
        If the cell cannot be, or not with this centering.
    """
    fault = cell_fault(cell)
    if fault:
        raise RecipeError(f"The unit cell cannot be: {fault}.")
    system = system_of(cell)
    if centering == "R" and system == "hexagonal":
        system = "trigonal"
    return Cell(cell[:3], cell[3:], system, centering, laue_of(system, centering))


def draw_cell(rng: np.random.Generator, systems: dict[str, float], edge_A: tuple[float, float]) -> Cell:
    """A cell drawn at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    systems : dict
        Weights of the crystal systems.
    edge_A : tuple of float
        Range of the edges in Å; drawn log-uniformly.

    Notes
    -----
    The monoclinic angle is 90 degrees plus the size of a normal number of 13 degrees, at most 125:
    most lie between 90 and 110. Triclinic angles are drawn within 65 and 115 degrees.
    """
    system = choice(rng, systems)
    laue, centering = _choose_form(rng, system)
    a, b, c = (log_uniform(rng, edge_A) for _ in range(3))
    angles = (90.0, 90.0, 90.0)
    if system == "triclinic":
        angles = (uniform(rng, (65, 115)), uniform(rng, (65, 115)), uniform(rng, (65, 115)))
    elif system == "monoclinic":
        angles = (90.0, 90.0 + min(abs(float(rng.normal(0.0, 13.0))), 35.0), 90.0)
    elif system == "tetragonal":
        b = a
    elif system in ("trigonal", "hexagonal"):
        b, angles = a, (90.0, 90.0, 120.0)
    elif system == "cubic":
        b = c = a
    return Cell((a, b, c), angles, system, centering, laue)


def _choose_form(rng: np.random.Generator, system: str) -> tuple[str, str]:
    forms = FORMS[system]
    drawn = choice(rng, {f"{laue} {centering}": weight for (laue, centering), weight in forms.items()})
    laue, centering = drawn.split()
    return laue, centering

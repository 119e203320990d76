"""One lattice in the beam, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.crystals.cell import Cell, Six, orthogonalization

Nine = tuple[float, float, float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Crystal:
    """One lattice.

    Parameters
    ----------
    cell : tuple of float
        ``(a, b, c, alpha, beta, gamma)`` in Å and degrees.
    system, centering, laue : str
        Crystal system, centering and Laue class; see `cell.Cell`.
    rotation : tuple of float
        Rows of the matrix that turns the crystal from the PDB convention (a along x, b in the xy plane)
        into the lab frame, at mid exposure.
    mosaic_deg : float
        Standard deviation of the block orientations about every axis, in degrees.
    block_A : float
        Length of a mosaic block in Å.
    b_factor_A2 : float
        Overall B factor in Å^2.
    d_min_A : float
        Resolution limit in Å.
    brightness : float
        Expected counts of an average fully recorded reflection at 10 Å that lies at right angles to the
        rotation axis and crosses the sphere at mid exposure.
    seed : int
        Which structure factors.
    structure : str
        File of the structure factors; empty for Wilson's statistics.
    """

    cell: Six
    system: str
    centering: str
    laue: str
    rotation: Nine
    mosaic_deg: float
    block_A: float
    b_factor_A2: float
    d_min_A: float
    brightness: float
    seed: int
    structure: str = ""

    def unit_cell(self) -> Cell:
        """The cell with its symmetry."""
        return Cell(self.cell[:3], self.cell[3:], self.system, self.centering, self.laue)

    def reciprocal(self) -> FloatArray:
        """Columns a*, b*, c* in the lab frame in 1/Å (no factor 2 pi), shape (3, 3)."""
        real = np.array(self.rotation).reshape(3, 3) @ orthogonalization(self.cell)
        return np.asarray(np.linalg.inv(real).T)

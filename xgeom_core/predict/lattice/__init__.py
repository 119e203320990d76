"""Bragg evidence: a lattice found in the spots of one still, and the geometry it demands.

==============  =================================================================================
``solve``       the whole way: `solve_lattice`
``solution``    what it answers: LatticeSolution, FoundLattice, Rival
``indexing``    lattices with a free origin, one after the other
``growth``      lattices grown from the inner spots outwards
``fourier``     lattice vectors from the Fourier transform of the spots
``basis``       three vectors that span the lattice, and their reduction
``split``       the same lattice again, turned by a few degrees
``supercell``   cells that are a multiple of the true one
``symmetry``    rotations of the lattice; what they leave free of its metric
``bravais``     conventional cell and Bravais symbol
``origins``     which lattice point is the direct beam
``recorded``    what the reflections that were recorded, and their strength, say of that
``equivalents`` what the likeness of symmetry mates says of that
``logistic``    the regression behind both
``nearby``      lattice points near the Ewald sphere
``model``       lattice points on a tilted detector, with derivatives
``observed``    spots, and which index each is near
``spread``      how the spots scatter
``unknowns``    what a fit may change, its priors, its steps
``linear``      normal equations with a robust loss
``fit``         robust least squares for one lattice
``joint``       the last fit: several lattices, one detector; covariance
``chance``      how many spots a lattice would hold by chance
``trust``       whether to believe it, in words
``algebra``     small sums in plain arithmetic
==============  =================================================================================
"""

from xgeom_core.predict.lattice.diagnostics import LatticeDiagnostics
from xgeom_core.predict.lattice.indexer import refined_at, solve_lattice
from xgeom_core.predict.lattice.solution import (
    FoundLattice,
    HklOffset,
    LatticeSolution,
    OffsetEvidence,
    Rival,
)

__all__ = [
    "FoundLattice",
    "HklOffset",
    "LatticeDiagnostics",
    "LatticeSolution",
    "OffsetEvidence",
    "Rival",
    "refined_at",
    "solve_lattice",
]

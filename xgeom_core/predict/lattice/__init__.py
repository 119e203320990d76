"""Bragg evidence: a lattice found in the spots of one still, and the geometry it demands.

========================  ===========================================================================
``indexer``               the whole way: `solve_lattice`, `refined_at`
``solution``              what it answers: LatticeSolution, FoundLattice
``indexing``              lattices with a free origin, one after the other
``known_cell``            few spots on a known cell: its orientation alone
``expansion``             lattices grown from the inner spots outwards
``fourier``               lattice vectors from the Fourier transform of the spots
``basis``                 three vectors that span the lattice, and their reduction
``split_crystal``         the same lattice again, turned by a few degrees
``non_primitive_basis``   cells that are a multiple of the true one
``symmetry``              rotations of the lattice; what they leave free of its metric
``bravais``               conventional cell and Bravais symbol
``offset``                an offset of the indices, and what speaks for it: HklOffset
``hkl_offsets``           which lattice point is the direct beam: all that are possible
``visibility``            what the reflections that were recorded, and their strength, say of that
``lopsided``              the compiled part of it
``equivalents``           what the likeness of symmetry mates says of that
``logistic``              the regression behind it
``near_ewald_sphere``     lattice points near the Ewald sphere
``model``                 lattice points on a tilted detector, with derivatives
``assign_indices``        spots, and which index each is near
``residual_model``        how the spots scatter
``parameterization``      what a fit may change, its priors, its steps
``linear``                normal equations with a robust loss
``fit``                   robust least squares for one lattice
``joint``                 the last fit: several lattices, one detector; covariance
``systematic``            errors that no residual shows
``random_match_rate``     how many spots a lattice would hold by chance
``diagnostics``           numbers that tell a right lattice from a wrong one
``algebra``               small sums in plain arithmetic
========================  ===========================================================================
"""

from xgeom_core.predict.lattice.diagnostics import LatticeDiagnostics
from xgeom_core.predict.lattice.indexer import refined_at, solve_lattice
from xgeom_core.predict.lattice.offset import HklOffset, OffsetEvidence
from xgeom_core.predict.lattice.solution import FoundLattice, LatticeSolution

__all__ = [
    "FoundLattice",
    "HklOffset",
    "LatticeDiagnostics",
    "LatticeSolution",
    "OffsetEvidence",
    "refined_at",
    "solve_lattice",
]

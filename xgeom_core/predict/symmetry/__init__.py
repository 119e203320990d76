"""Symmetry of the spots about the beam, where background and lattice leave the center open.

Measured on simulated flat and binary frames (``benchmarks/symmetry.py``):

- Inversion (Friedel-like) symmetry is sharp, but as a map over all centers near the rough one it misleads:
  rows of a lattice make as many opposite pairs about other lattice points and about points halfway between
  them. Asked only which of a lattice's *origins* is the beam it helps (`inversion`, `origins`), by little
  where the strengths of equivalent reflections were compared already.
- Where one doubt about a lattice remains (its share, its symmetry, or which of its origins is the beam), the
  truth is among its origins nearly always: the likeliest of them is a far better rough center than the
  network's, with the others and the network in its error bar (`rough`). With two doubts it is not.
- Laue circles through the center are what the phases of the lattice's Fourier transform already say. All
  that they leave open is the choice among the lattice's origins.
- The resolution limit (density and brightness of the spots against the radius, the tilt free) knows the
  center of 820-px frames to 5-8 px. Beside the network it gains nothing that can be measured: the network
  has seen it, and errs in the same direction (correlation 0.3-0.6). It was left out.
"""

from xgeom_core.predict.symmetry.inversion import Inversion, inversion_evidence
from xgeom_core.predict.symmetry.origins import weigh_origins
from xgeom_core.predict.symmetry.rough import Place, Placed, likeliest_place, rough_place

__all__ = [
    "Inversion",
    "Place",
    "Placed",
    "inversion_evidence",
    "likeliest_place",
    "rough_place",
    "weigh_origins",
]

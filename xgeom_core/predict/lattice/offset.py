"""An offset of the indices, and what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class OffsetEvidence(NamedTuple):
    """What the spots say of an offset of the indices: logarithms of likelihoods, up to a constant.

    Parameters
    ----------
    closeness : float
        How close to the Ewald sphere the point taken for the beam is.
    other_lattices : float
        How close to it the further lattices of the frame have a point.
    visibility : float
        Which points near the sphere were recorded.
    falloff : float
        How intensities fall off with resolution.
    equivalents : float
        How alike equivalent reflections are.
    """

    closeness: float
    other_lattices: float
    visibility: float
    falloff: float
    equivalents: float


@dataclass(frozen=True)
class HklOffset:
    """A lattice point that may be the direct beam.

    Parameters
    ----------
    hkl : tuple of int
        Its indices in the primitive cell of the first lattice, counted from an origin that all offsets of a
        solution share.
    center_px, tilt_deg : tuple of float
        Center ``(x, y)`` in native px and ``(pitch, yaw)`` in degrees that it means, before refinement.
    evidence : OffsetEvidence
        What speaks for it; nothing of where the beam was expected.
    """

    hkl: tuple[int, int, int]
    center_px: tuple[float, float]
    tilt_deg: tuple[float, float]
    evidence: OffsetEvidence

    @property
    def log_likelihood(self) -> float:
        """Sum of the evidence: 0 for the likeliest of all directions of the beam, else negative."""
        return float(sum(self.evidence))

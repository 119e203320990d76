"""Liquid water and mother liquor: a ring, a shoulder, a plateau inside and a slow fall outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True)
class Water:
    """Scattering of an aqueous solvent against ``s = 1/d``, in units of the crest of its ring.

    Parameters
    ----------
    ring_A : float
        Position of the ring in Å: 3.15 for pure water at room temperature, 3.2 to 3.7 for mother
        liquors and cryoprotectants.
    ring_width : float
        Standard deviation of the ring in 1/Å; 0.052 for pure water, less for amorphous ice.
    shoulder : float
        Height of the second hump (2.2 Å in water), relative to the ring; 0.5 for pure water.
    plateau : float
        Level at small angles, relative to the ring; 0.11 for pure water, where the compressibility
        fixes it, and more where something is dissolved.

    Notes
    -----
    ``W(s) = G(s; 1/ring, width) + shoulder G(s; 1.41/ring, 0.051) + plateau exp(-(s/0.3)^4)
    + 0.53 (1 - exp(-(s/0.49)^4)) exp(-s^2)``, G Gaussians of height 1, all over the height of the sum
    at the ring. The last term is what independent atoms and Compton scattering leave at high angles.
    With the values for pure water the sum follows, within a tenth, the measured intensity per
    molecule: 6.4 electron units at s = 0, the maximum of 64 at 2.0 rad/Å, a shoulder of 45 at
    2.7 rad/Å, a minimum near 3.7 rad/Å and 19 at 4.3 rad/Å (Hura, Sorenson, Glaeser and Head-Gordon,
    J. Chem. Phys. 113 (2000) 9140; Clark, Cappa, Smith, Saykally and Head-Gordon, Mol. Phys. 108
    (2010) 1415).
    """

    ring_A: float = 3.16
    ring_width: float = 0.0516
    shoulder: float = 0.56
    plateau: float = 0.12

    def __call__(self, s: FloatArray) -> FloatArray:
        """Intensity at ``s`` in 1/Å; 1 at the ring."""
        return np.asarray(self._sum(s) / self._sum(np.array(1.0 / self.ring_A)))

    def _sum(self, s: FloatArray) -> FloatArray:
        ring = np.exp(-0.5 * ((s - 1.0 / self.ring_A) / self.ring_width) ** 2)
        hump = np.exp(-0.5 * ((s - 1.41 / self.ring_A) / 0.0507) ** 2)
        inside = np.exp(-((s / 0.3) ** 4))
        outside = -np.expm1(-((s / 0.491) ** 4)) * np.exp(-(s**2))
        return np.asarray(ring + self.shoulder * hump + self.plateau * inside + 0.53 * outside)

"""Diffuse scattering of protein and of its solvent shell: two broad maxima inside the water ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True)
class Protein:
    """Diffuse scattering of disordered protein against ``s = 1/d``, about 1 at its maximum.

    Parameters
    ----------
    height : float
        Height of the maximum near 4.6 Å relative to the crest of the water ring.
    helix : float
        Height of the maximum near 10 Å (distances between helices and sheets), relative to the other.

    Notes
    -----
    Gaussians at 1/4.6 and 1/10 per Å with standard deviations of 0.045 and 0.025 per Å: wide-angle
    scattering of protein solutions has these two maxima whatever the fold (Hirai, Iwase, Hayakawa,
    Miura and Inoue, J. Synchrotron Rad. 9 (2002) 202), and so has the diffuse part of crystals
    (Wall, Wolff and Fraser, Curr. Opin. Struct. Biol. 50 (2018) 109).
    """

    height: float = 0.2
    helix: float = 0.5

    def __call__(self, s: FloatArray) -> FloatArray:
        """Intensity at ``s`` in 1/Å."""
        main = np.exp(-0.5 * ((s - 1.0 / 4.6) / 0.045) ** 2)
        inner = np.exp(-0.5 * ((s - 0.1) / 0.025) ** 2)
        return np.asarray(self.height * (main + self.helix * inner))

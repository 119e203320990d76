"""Small-angle scattering of sample, mount, windows and slits: the rise towards the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True)
class SmallAngle:
    """Rise towards the beam against ``s = 1/d``.

    Parameters
    ----------
    height : float
        Height at the beam relative to the crest of the water ring.
    width : float
        Where it has fallen to a quarter, 1/Å.
    power : float
        How steeply it falls further out: 2 for coils and sheets, 4 for sharp surfaces (Porod).

    Notes
    -----
    ``height / (1 + 3 (s/width)^power)``: Guinier-like inside,
    Porod's power law outside (Porod, Kolloid-Z. 124 (1951) 83).
    """

    height: float = 0.6
    width: float = 0.08
    power: float = 2.5

    def __call__(self, s: FloatArray) -> FloatArray:
        """Intensity at ``s`` in 1/Å."""
        return np.asarray(self.height / (1.0 + 3.0 * (s / self.width) ** self.power))

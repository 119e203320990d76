"""Broad rings of what holds, covers or carries the sample: foils, glass, greases, lipids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray

# Spacing in Å, standard deviation in 1/Å, relative height of the rings of each material. Sources:
# kapton: the 15.4 Å repeat along the chains and the halo of packed chains at 5 Å (Ojeda and Martin,
#   Macromolecules 26 (1993) 6557);
# mylar (biaxially drawn PET): 5.0, 3.9 and 3.45 Å (Daubeny, Bunn and Brown, Proc. R. Soc. A 226 (1954)
#   531), broad, and the 4.3 Å halo of its amorphous part;
# coc (cyclic olefin foil): halo at 5.3 Å and a weak one at 2.25 Å; pmma: 6.6 and 3.0 Å (Lovell and
#   Windle, Polymer 22 (1981) 175);
# polyethylene: 4.13 and 3.74 Å (Bunn, Trans. Faraday Soc. 35 (1939) 482) over a 4.5 Å halo;
# glass (boro- and quartz): first sharp diffraction peak at 4.1 Å (Wright, J. Non-Cryst. Solids 179 (1994)
#   84) and the hump at 2.2 Å;
# lcp: molten lipid chains at 4.5 Å, water between the lipid layers at 3.2 Å and low-angle reflections of
#   the cubic phase at some 60 Å (Caffrey, Acta Cryst. F71 (2015) 3);
# grease and oil: molten hydrocarbon chains at 4.6 to 4.9 Å and 2.2 Å.
MATERIALS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "kapton": ((15.4, 0.0060, 0.55), (5.0, 0.030, 1.0), (3.2, 0.040, 0.35)),
    "mylar": ((5.0, 0.010, 0.6), (4.3, 0.030, 0.7), (3.9, 0.009, 0.7), (3.45, 0.008, 1.0)),
    "coc": ((5.3, 0.022, 1.0), (2.25, 0.05, 0.25)),
    "pmma": ((6.6, 0.025, 1.0), (3.0, 0.040, 0.35), (2.2, 0.045, 0.2)),
    "polyethylene": ((4.5, 0.025, 0.7), (4.13, 0.0035, 1.0), (3.74, 0.004, 0.4), (2.2, 0.04, 0.15)),
    "glass": ((4.1, 0.032, 1.0), (2.2, 0.06, 0.35)),
    "lcp": ((60.0, 0.0012, 0.6), (4.5, 0.017, 1.0), (3.2, 0.05, 0.3)),
    "grease": ((30.0, 0.004, 0.25), (4.6, 0.020, 1.0), (2.2, 0.045, 0.15)),
    "oil": ((4.9, 0.024, 1.0), (2.2, 0.05, 0.15)),
}


@dataclass(frozen=True)
class Plastic:
    """Broad rings of one material against ``s = 1/d``.

    Parameters
    ----------
    material : str
        One of `MATERIALS`.
    height : float
        Height of its strongest ring relative to the crest of the water ring.
    """

    material: str
    height: float

    def __call__(self, s: FloatArray) -> FloatArray:
        """Intensity at ``s`` in 1/Å."""
        total = np.zeros_like(s, dtype=np.float64)
        for spacing, width, relative in MATERIALS[self.material]:
            total += relative * np.exp(-0.5 * ((s - 1.0 / spacing) / width) ** 2)
        return self.height * total

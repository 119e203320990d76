"""Which of a lattice's origins is the beam, in the light of opposite pairs of spots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xgeom_core.predict.lattice_origins import Origin
from xgeom_core.predict.spot_list import Spots
from xgeom_core.predict.symmetry.inversion import inversion_evidence

# Pairs on one row of a lattice are not independent of each other, and equally strong mates may already have
# spoken among the lattice's equivalent reflections: their evidence counts for little, up to a limit.
_WORTH, _LIMIT = 0.2, 1.5


def weigh_origins(
    origins: tuple[Origin, ...], spots: Spots, px_per_inverse_A: float
) -> tuple[tuple[Origin, ...], str]:
    """Probabilities of origins with the evidence of opposite pairs, likeliest first, and words.

    Parameters
    ----------
    origins : tuple of Origin
    spots : Spots
    px_per_inverse_A : float
        See `inversion_evidence`.

    Returns
    -------
    origins : tuple of Origin
    words : str
        How many pairs there are about the likeliest and about the next; "" with fewer than two origins.
    """
    if len(origins) < 2 or not len(spots):
        return origins, ""
    found = inversion_evidence(spots, np.array([item.center_px for item in origins]), px_per_inverse_A)
    said = np.maximum(_WORTH * (found.log_likelihood - found.log_likelihood.max()), -_LIMIT)
    odds = np.log(np.maximum([item.probability for item in origins], 1e-300)) + said
    chance = np.exp(odds - odds.max())
    chance /= chance.sum()
    order = np.argsort(-chance, kind="stable")
    first, second = found.pairs[order[:2]]
    words = (
        f"{first:.0f} pairs of spots lie opposite each other about the likeliest origin, "
        f"{second:.0f} about the next"
    )
    return tuple(replace(origins[i], probability=float(chance[i])) for i in order), words

"""Why a lattice does not answer by itself, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.predict.posterior.evidence import LatticeEvidence, Opinion
from xgeom_core.predict.posterior.lattice_origins import Origin

# All origins but the chosen one together may keep this probability.
_DOUBT = 0.05
# One that explains this share of the spots needs nothing else to support it.
_STRONG_SHARE = 0.5
# A triclinic one must explain this share (of hundreds of spots a smaller one): a cell with a long axis that
# is not resolved looks like one.
_NO_SYMMETRY, _SKEW_SHARE = "aP", 0.9
_SKEW_SPOTS, _SKEW_PART = 300, 0.7
# Origins must have been looked for this many sigma of the network far.
_SEARCH_SIGMA = 3.0
_SAME_PX = 0.5
# Of 278 simulated lattices that answered alone, 4 were this far (in error bars) from the network and short
# of one of these marks: 3 of them were wrong, and none of the others.
_FAR_SIGMA = 2.5
_FULL_SHARE, _SURE_TILT_DEG = 0.9, 0.15


def origin_alone(lattice: LatticeEvidence) -> bool:
    """Whether nothing but the choice of the origin keeps a lattice from being trusted."""
    close = any(rival.log_odds > np.log(_DOUBT) for rival in lattice.rivals)
    return close and "origin" in lattice.reason


def ambiguous_origins(origins: Sequence[Origin]) -> str:
    """The lattice's origins, if several remain likely; "" otherwise."""
    if not origins:
        return ""
    first = origins[0]
    others = [item for item in origins[1:] if _apart(first, item) > _SAME_PX]
    if sum(item.probability for item in others) < _DOUBT:
        return ""
    likely = [item for item in others if item.probability > 0.2 * _DOUBT] or others[:1]
    second = likely[0]
    return (
        f"the lattice fits {len(likely) + 1} origins about equally well; the next lies "
        f"{_apart(first, second):.1f} px from ({first.center_px[0]:.1f}, {first.center_px[1]:.1f}), at "
        f"({second.center_px[0]:.1f}, {second.center_px[1]:.1f})"
    )


def weak_lattice(lattice: LatticeEvidence) -> str:
    """Why a lattice may not answer alone; "" if it may.

    Notes
    -----
    Wrong triples of vectors betray themselves by the spots that they leave over, and by a metric without
    symmetry: a long axis that the spots do not resolve leaves a skew sublattice.
    """
    many = int(np.sum(lattice.indexed)) >= _SKEW_SPOTS and lattice.share >= _SKEW_PART
    if lattice.bravais == _NO_SYMMETRY and lattice.share < _SKEW_SHARE and not many:
        return (
            f"the only lattice found has no symmetry and leaves {100 * (1 - lattice.share):.0f}% of the "
            "spots over, and nothing else supports it"
        )
    if lattice.share >= _STRONG_SHARE:
        return ""
    return f"only {100 * lattice.share:.0f}% of the spots fit the lattice, and nothing else supports it"


def astray(lattice: LatticeEvidence, chosen: Opinion, rough: Estimate) -> str:
    """Why a lattice that stands alone is not believed against the rough center; "" if it is.

    Parameters
    ----------
    lattice : LatticeEvidence
    chosen : Opinion
        The lattice's, about the origin chosen.
    rough : Estimate
        The network's center, or the user's start.

    Notes
    -----
    A network is now and then off by more than it says. But a lattice that leaves spots over, or that hardly
    tells the tilt, may be strained about a wrong origin, and then it lies elsewhere than the network.
    """
    tilt_sigma = float(np.sqrt(np.diag(chosen.covariance(4))[2:].max())) if chosen.knows_tilt else np.inf
    if rough.covariance is None or (lattice.share >= _FULL_SHARE and tilt_sigma <= _SURE_TILT_DEG):
        return ""
    off = np.subtract(chosen.mean[:2], rough.center_px)
    if float(off @ np.linalg.solve(rough.covariance[:2, :2], off)) < _FAR_SIGMA**2:
        return ""
    left = 1.0 - lattice.share
    doubt = (
        f"leaves {100 * left:.0f}% of the spots over" if left > 1.0 - _FULL_SHARE else "hardly tells the tilt"
    )
    return f"a lattice that {doubt} puts the center {np.hypot(*off):.1f} px from the rough one"


def unsearched(sigma_px: float, searched_px: float) -> str:
    """Why the true origin may be missing from a list; "" if the search went far enough for a sigma in px."""
    if _SEARCH_SIGMA * sigma_px <= searched_px:
        return ""
    return (
        f"the rough center is unsure by {sigma_px:.0f} px, but origins of the lattice were looked for "
        f"within {searched_px:.0f} px only"
    )


def _apart(first: Origin, second: Origin) -> float:
    return float(np.hypot(*np.subtract(first.center_px, second.center_px)))

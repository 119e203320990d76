"""What symmetries of one frame say of its beam center: each method proposes one or keeps silent."""

from __future__ import annotations

import numpy as np

from xgeom_core.frame import Frame
from xgeom_core.predict.spots.spot_list import Spots
from xgeom_core.predict.symmetry.direct_beam import find_direct_beam
from xgeom_core.predict.symmetry.features import find_features, make_canvas
from xgeom_core.predict.symmetry.friedel import find_friedel
from xgeom_core.predict.symmetry.inversion import find_inversion
from xgeom_core.predict.symmetry.quadrants import find_quadrants
from xgeom_core.predict.symmetry.spot_cloud import find_spot_cloud
from xgeom_core.predict.symmetry.witness import Witness

__all__ = [
    "Witness",
    "find_direct_beam",
    "find_friedel",
    "find_inversion",
    "find_quadrants",
    "find_spot_cloud",
    "find_witnesses",
]


def find_witnesses(frame: Frame, spots: Spots) -> list[Witness]:
    """Every center that a symmetry of the frame proposes.

    Parameters
    ----------
    frame : Frame
        Native pixels.
    spots : Spots
        What `find_spots` finds in it.

    Returns
    -------
    list of Witness
        At most one a source; empty where nothing is symmetric.
    """
    canvas = make_canvas(frame)
    if canvas is None:
        return []
    with np.errstate(all="ignore"):
        features = find_features(canvas)
        inversion = None if features is None else find_inversion(frame, features)
        found = (
            find_direct_beam(frame, canvas),
            inversion,
            None if inversion is None else find_quadrants(frame, features, inversion),
            find_friedel(spots),
            find_spot_cloud(frame, spots, canvas),
        )
    return [witness for witness in found if witness is not None]

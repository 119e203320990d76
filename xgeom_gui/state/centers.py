"""Every center of the frame shown, from whatever source, as tables and overlays need it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.look.marker_styles import SourceStyle, style_of
from xgeom_gui.state.external_geometries import ExternalGeometries
from xgeom_gui.state.geometry_tracks import Compared, Size

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.candidate import Candidate

# Closer than this to the answer, one kind of evidence is the answer.
_SAME_PX = 0.005
NAMES = {
    "truth": "Known",
    "header": "Header",
    "network": "Network",
    "start": "Start",
    "second": "Second model",
    "background": "Background",
    "lattice": "Lattice",
    "fit": "Fit",
    "combined": "Combined",
    "accepted": "Accepted",
    "manual": "Mine",
}


@dataclass(frozen=True)
class Center:
    """One source's center on the frame shown.

    Parameters
    ----------
    estimate : Estimate
        Where it is; its source is unique among the centers of a frame.
    style : SourceStyle
        How it is marked.
    hidden : bool
        Whether its mark is left away.
    compared : Compared or None
        What another program's file says, where the center comes from one.
    for_size : tuple of int or None
        Pixels ``(fast, slow)`` of the detector it is for, where that is another than the frame's.
    """

    estimate: Estimate
    style: SourceStyle
    hidden: bool = False
    compared: Compared | None = None
    for_size: Size | None = None

    @property
    def name(self) -> str:
        """What the user reads for the source."""
        return NAMES.get(self.estimate.source, self.estimate.source)

    def metadata(self, frame: Metadata) -> Metadata:
        """Distance, pixel size and wavelength that go with the center: the file's own, else the frame's."""
        if self.compared is None:
            return frame
        reading = self.compared.reading
        return frame.overridden(reading.distance_mm, reading.pixel_mm, reading.wavelength_A)

    def geometry(self, frame: Metadata) -> Geometry | None:
        """The whole geometry; None while distance or pixel size is unknown.

        Raises
        ------
        GeometryError
            If what the file states cannot be.
        """
        return self.metadata(frame).geometry(self.estimate.center_px, self.estimate.tilt_deg)


def centers_of(
    estimates: Iterable[Estimate], external: ExternalGeometries, index: int, size: Size | None
) -> tuple[Center, ...]:
    """What is said of a frame by itself, the predictor and the user, and by other programs' files.

    Parameters
    ----------
    estimates : iterable of Estimate
    external : ExternalGeometries
    index : int
        Number of the frame, from 0.
    size : tuple of int or None
        Its pixels ``(fast, slow)``.
    """
    own = (
        Center(estimate, style_of(estimate.source), external.is_hidden(estimate.source))
        for estimate in estimates
    )
    others = (
        Center(one.estimate, one.style, external.is_hidden(one.name), one)
        for one in external.shown(index, size)
    )
    return (*own, *others)


def candidate_source(number: int) -> str:
    """What the candidate of a number, from 0, is called among the centers."""
    return f"Candidate {number + 1}"


def candidate_estimate(number: int, candidate: Candidate) -> Estimate:
    """A place where the beam may be as a center like any other."""
    variances = [sigma**2 for sigma in (*candidate.center_sigma_px, *(candidate.tilt_sigma_deg or ()))]
    covariance = np.diag(variances) if np.isfinite(variances).all() else None
    reason = f"One of the places where the beam may be, with {100 * candidate.weight:.2g}%."
    tilt = candidate.tilt_deg if candidate.tilt_sigma_deg is not None else None
    return Estimate(candidate_source(number), candidate.center_px, tilt, covariance, "uncertain", reason)


def said_by(prediction: Prediction, chosen: str) -> tuple[Estimate, ...]:
    """What a prediction says: its answer and opinions, what each kind of evidence says, a chosen candidate.

    Evidence that is the answer itself is left out; of the candidates only the one `chosen` is a center.
    """
    best, kinds = prediction.best, (prediction.background, prediction.lattice)
    evidence = (
        one
        for one in kinds
        if one is not None and (best is None or math.dist(one.center_px, best.center_px) > _SAME_PX)
    )
    candidates = (candidate_estimate(number, one) for number, one in enumerate(prediction.candidates))
    return (*prediction.estimates, *evidence, *(one for one in candidates if one.source == chosen))


def misfits_of(external: ExternalGeometries, index: int, size: Size | None) -> tuple[Center, ...]:
    """What other programs' files say of detectors of other sizes: listed, never drawn."""
    return tuple(
        Center(one.estimate, one.style, True, one, theirs) for one, theirs in external.misfits(index, size)
    )

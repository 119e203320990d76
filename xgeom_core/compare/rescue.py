"""The geometry of a data set whose indexing fails: what is wrong with the stated one, and what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xgeom_core.compare.confusions import Claim, Point
from xgeom_core.compare.convention_diagnosis import Finding, explain
from xgeom_core.errors import UsageError
from xgeom_core.formats.reading import Reading
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.predict import Predictor
from xgeom_core.predict.prediction import Prediction
from xgeom_core.predict.run.shared import SharedGeometry, share_geometry

# A smaller tilt is no swing whose sign could be wrong.
_SWING_DEG = 5.0

Cell = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, eq=False)
class Rescue:
    """What came of a rescue.

    Parameters
    ----------
    geometry : Geometry
        The corrected one, with the stated distance.
    shared : SharedGeometry
        What the frames say together; its status tells whether it can be used.
    premise : str
        As what the stated geometry was read when the frames answered: ``"as stated"``, or what was wrong.
    off_px : float
        How far the stated center is from the corrected one.
    indexed : tuple of (int, int)
        Spots that xgeom's lattice explains and those it tried, over all frames.
    findings : tuple of Finding
        Confusions of conventions that explain the difference.
    """

    geometry: Geometry
    shared: SharedGeometry
    premise: str
    off_px: float
    indexed: tuple[int, int]
    findings: tuple[Finding, ...]


def rescue(
    frames: Sequence[Frame], stated: Reading, predictor: Predictor, cell: Cell | None = None
) -> Rescue:
    """Find the geometry that frames share, starting from one that does not index.

    The stated center may be off, its axes swapped, the sign of a swing wrong; the frames are asked under
    each of these premises until a lattice answers.

    Parameters
    ----------
    frames : sequence of Frame
        A few frames of the data set, best far apart in angle.
    stated : Reading
        What the program that fails was told.
    predictor : Predictor
        The model to ask.
    cell : tuple of float, optional
        Known cell in Å and degrees.

    Raises
    ------
    UsageError
        If the stated geometry lacks distance or pixel size, or no frame has an answer.
    """
    if stated.geometry is None:
        raise UsageError(
            f"{stated.path} does not state the distance and the pixel size; add --distance-mm and --pixel-um."
        )
    for frame in frames:
        size = (frame.shape[1], frame.shape[0])
        if stated.image_size is not None and stated.panels == 1 and stated.image_size != size:
            raise UsageError(
                f"{stated.path} is for images of {stated.image_size[0]} x {stated.image_size[1]} px, and "
                f"{frame.path} has {size[0]} x {size[1]} px: give the frames that belong together."
            )
    words, premise, first = _best_premise(frames[0], stated, predictor, cell)
    found = [first, *(predictor.predict(_told(frame, stated, premise), cell=cell) for frame in frames[1:])]
    shared = share_geometry(found)
    if shared is None:
        raise UsageError("No frame has an answer: give more frames, or ones with more spots.")
    estimate = shared.estimate
    tilt = estimate.tilt_deg or premise[1] or (0.0, 0.0)
    geometry = replace(
        stated.geometry, center_px=estimate.center_px, pitch_deg=float(tilt[0]), yaw_deg=float(tilt[1])
    )
    crystals = [one.crystal for one in found if one.crystal is not None]
    lengths = (stated.distance_mm, stated.pixel_mm)
    findings = explain(
        Claim.of(stated.estimate, *lengths), Claim.of(estimate, *lengths, "xgeom"), stated.image_size
    )
    return Rescue(
        geometry,
        shared,
        words,
        float(np.hypot(*np.subtract(estimate.center_px, stated.estimate.center_px))),
        (sum(one.indexed for one in crystals), sum(one.tried for one in crystals)),
        findings,
    )


_Premise = tuple[Point | None, Point | None]


def _premises(stated: Reading) -> list[tuple[str, _Premise]]:
    """Center and tilt to start from, by what may be wrong with the stated ones."""
    center, tilt = stated.estimate.center_px, stated.estimate.tilt_deg
    swung = tilt is not None and max(map(abs, tilt)) > _SWING_DEG
    turned = (-tilt[0], -tilt[1]) if tilt is not None and swung else tilt
    premises: list[tuple[str, _Premise]] = [("as stated", (center, tilt))]
    if swung:
        premises.append(("with the other sign of the swing", (center, turned)))
    premises.append(("with x and y of the center swapped", ((center[1], center[0]), tilt)))
    premises.append(("without its center", (None, tilt)))
    if swung:
        premises.append(("without its center, with the other sign of the swing", (None, turned)))
    return premises


def _best_premise(
    frame: Frame, stated: Reading, predictor: Predictor, cell: Cell | None
) -> tuple[str, _Premise, Prediction]:
    tried = []
    for words, premise in _premises(stated):
        found = predictor.predict(_told(frame, stated, premise), cell=cell)
        tried.append((words, premise, found))
        if found.status == "ok" and "lattice" in found.evidence:
            break
    return max(tried, key=lambda one: (one[2].status == "ok", _indexed(one[2]), one[2].probability or 0.0))


def _indexed(found: Prediction) -> int:
    return found.crystal.indexed if found.crystal is not None and found.status == "ok" else 0


def _told(frame: Frame, stated: Reading, premise: _Premise) -> Frame:
    """The frame with the stated lengths and the premise in place of its header."""
    meta = frame.metadata.overridden(stated.distance_mm, stated.pixel_mm, stated.wavelength_A)
    center, tilt = premise
    return replace(frame, metadata=replace(meta, center_px=center, tilt_deg=tilt, choices=(), verdicts=()))

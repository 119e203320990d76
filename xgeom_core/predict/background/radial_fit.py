"""Fit center and tilt to the background of a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray, Pooling
from xgeom_core.predict.background.basin_score import BasinScore
from xgeom_core.predict.background.detector_model import at_surface, depth_doubt
from xgeom_core.predict.background.fit import RadialFitter, contrast, surer
from xgeom_core.predict.background.likelihood import equations
from xgeom_core.predict.background.pictures import kinds_image, profile_at
from xgeom_core.predict.background.ring_positions import RingFit, coverage
from xgeom_core.predict.background.spot_mask import SpotList, spot_mask
from xgeom_core.predict.background.spread import sector_shifts
from xgeom_core.predict.background.state import RadialState
from xgeom_core.predict.background.summary import Answer, answer

_LOPSIDED = 0.003


@dataclass(frozen=True, eq=False)
class RadialFit:
    """Outcome of a radial fit, in native pixels and degrees.

    Parameters
    ----------
    center_px : tuple of float
        Beam center ``(x, y)``.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)``; None if the distance is unknown.
    covariance : ndarray, shape (4, 4) or (2, 2)
        Counting noise with the doubt about the strength of the nuisance, or the scatter between
        sectors, radial zones and patches of the frame, whichever is larger.
    misfit : float
        Robust scatter of the residuals in units of counting noise; 1 if the model holds.
    evidence_px : float
        Standard deviation of the center if only the positions of features count, not brightness.
    evidence_deg : float
        Likewise for the tilt; NaN if the distance is unknown.
    contrast : float
        How much the profile varies over the frame (middle 80% relative to the median).
    lopsided : bool
        Whether the background is brighter on one side.
    pixels : int
        Pooled pixels used.
    converged : bool
        Whether the last step was small.
    sharp : bool
        Whether the profile has sharp rings (powder, ice), which were then fitted with fine bins.
    lean_deg : float
        The tilt that explains with an assumed distance why rings are no circles, in degrees; 0 where the
        distance is known.
    rings : int
        Number of sharp rings whose positions gave the answer; 0 if it comes from the whole profile.
    excess : float
        Relative standard deviation of what the model does not explain beyond counting noise.
    dropped : float
        Share of the measured pixels taken for shadows or bright patches.
    disagreement : dict
        How much sectors, radial zones and patches of the frame disagree, in units of counting noise.
    steps : int
        Steps taken.
    strength : tuple of float
        Strength of the nuisance found: waves of one, two and three periods, rays.
    mirror : tuple, or None
        Rings at nearly one angle fit a second geometry of opposite tilt: its center in px, its tilt in
        degrees or None, and its log odds against this one (negative where it is less likely).
    score : float
        Log likelihood of the cells of the frame, each patch of it being a few independent observations;
        compare fits of one frame only. See `xgeom_core.predict.background.basin_score`.
    gain_sigma : float
        How surely rings explain the frame better than a smooth surface: gain over its standard error.
    azimuth_deg : float
        Azimuth about the center that the features which tell the geometry cover, 0 to 360.
    shift_px : float
        Standard deviation of what modules or parts of the detector are shifted by, as rings show it.
    kinds : ndarray of int8, shape (slow, fast)
        What became of each pooled pixel; see `xgeom_core.predict.background.masks.KINDS`.
    pooling : Pooling
        Of `kinds`.
    before, after : ndarray, shape (n, 2)
        Radial profile about the start and about the answer: radius in native px, mean counts of a
        native px.
    sectors : ndarray, shape (12, 3)
        Azimuth of each sector in degrees, how far outwards its features lie against the model in
        native px, and the sigma of that.
    basins : BasinScore or None
        What gave the score, for other geometries to be asked the same.
    """

    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    covariance: FloatArray
    misfit: float
    evidence_px: float
    evidence_deg: float
    contrast: float
    lopsided: bool
    pixels: int
    converged: bool
    sharp: bool = False
    lean_deg: float = 0.0
    rings: int = 0
    excess: float = 0.0
    dropped: float = 0.0
    disagreement: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    strength: tuple[float, ...] = ()
    mirror: tuple[tuple[float, float], tuple[float, float] | None, float] | None = None
    score: float = 0.0
    gain_sigma: float = 0.0
    azimuth_deg: float = 0.0
    shift_px: float = 0.0
    kinds: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int8))
    pooling: Pooling = field(default_factory=lambda: Pooling(1))
    before: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    after: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    sectors: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))
    basins: BasinScore | None = field(default=None, repr=False)


def fit_radial(
    frame: Frame,
    start_px: tuple[float, float],
    *,
    start_tilt_deg: tuple[float, float] = (0.0, 0.0),
    prior: FloatArray | None = None,
    spots: SpotList | None = None,
) -> RadialFit | None:
    """Fit the geometry to a frame's background.

    Parameters
    ----------
    frame : Frame
        Where its metadata lack distance or pixel size, a distance is assumed, the tilt is fitted to
        free the center from it, and the center alone is reported.
    start_px : tuple of float
        Rough center ``(x, y)`` in native px; within about 25 px of 820 will do.
    start_tilt_deg : tuple of float
        Rough ``(pitch, yaw)``.
    prior : ndarray, shape (2, 2) or (4, 4), optional
        Covariance of the start in px and degrees, if it is to count as evidence.
    spots : Spots, optional
        Bragg spots (arrays ``x``, ``y`` and ``pixels``), to be left out.

    Returns
    -------
    RadialFit or None
        None if the frame has too few usable pixels or no background to fit.
    """
    with np.errstate(all="ignore"):
        try:
            return _fit(frame, start_px, start_tilt_deg, prior, spots)
        except np.linalg.LinAlgError:
            # A frame can be so empty or so odd that the normal equations have no solution.
            return None


def _fit(
    frame: Frame,
    start_px: tuple[float, float],
    start_tilt_deg: tuple[float, float],
    prior: FloatArray | None,
    spots: SpotList | None,
) -> RadialFit | None:
    fitter = RadialFitter(frame, start_px, start_tilt_deg, _precision(prior))
    if spots is not None:
        fitter.known_spots = spot_mask(spots, fitter.pooled)
    state = fitter.run()
    if state is None or not np.isfinite(state.model.theta).all():
        return None
    return _outcome(fitter, state)


def _precision(prior: FloatArray | None) -> FloatArray:
    base = np.zeros((4, 4))
    if prior is not None:
        size = len(prior)
        degrees = np.array([1.0, 1.0, *[np.degrees(1.0)] * 2])[:size]
        base[:size, :size] = np.linalg.inv(prior) * np.outer(degrees, degrees)
    return base


def _outcome(fitter: RadialFitter, state: RadialState) -> RadialFit:
    model = state.model
    found = equations(model, state.cells, keep=True)
    said = answer(model, found, fitter.base, fitter.start, fitter.side)
    # Where the profile is the surer one it was fitted near the rings' solution all the same.
    seen, rings = state.rings, state.rings
    if rings is not None and not surer(rings.covariance, said.covariance, fitter.lever):
        rings = None
    if rings is not None:
        scatter = {**said.inflation, "arcs": rings.scatter, "arcs by sector": rings.disagreement}
        said = Answer(rings.theta, rings.covariance, rings.covariance, rings.covariance, scatter)
    sectors = sector_shifts(found)
    told = np.isfinite(sectors[:, 2])
    azimuth = coverage(np.where(told, sectors[:, 2], np.inf) ** -2.0)
    scored = fitter.score.of(said.theta)
    degrees = np.array([1.0, 1.0, *[np.degrees(1.0)] * 2])
    assumed = fitter.detector.assumed
    size = 2 if assumed else 4
    evidence = np.sqrt(np.diag(said.evidence)) * degrees
    covariance = said.covariance + depth_doubt(said.theta, fitter.detector)
    theta = at_surface(said.theta, fitter.detector) * degrees
    return RadialFit(
        center_px=(float(theta[0]), float(theta[1])),
        tilt_deg=None if assumed else (float(theta[2]), float(theta[3])),
        covariance=(covariance * np.outer(degrees, degrees))[:size, :size],
        misfit=state.misfit,
        evidence_px=float(evidence[:2].max()),
        evidence_deg=float("nan") if assumed else float(evidence[2:].max()),
        # Every 20th value will do.
        contrast=contrast(np.concatenate([part.profile[::20] for part in found.parts])),
        lopsided=model.strength.size[0] > _LOPSIDED,
        pixels=int(state.cells.pixels.sum()),
        converged=state.converged,
        sharp=state.sharp,
        lean_deg=float(np.abs(theta[2:]).max()) if assumed else 0.0,
        rings=0 if rings is None else rings.rings,
        excess=float(np.sqrt(model.excess)),
        dropped=state.dropped,
        disagreement=said.inflation,
        steps=state.steps,
        strength=(*model.strength.size, model.strength.rays),
        kinds=kinds_image(fitter, state),
        pooling=fitter.pooled.pooling,
        before=profile_at(fitter, state, fitter.start),
        after=profile_at(fitter, state, said.theta),
        sectors=sectors,
        mirror=_mirror(seen, fitter),
        score=scored.score,
        gain_sigma=scored.gain_sigma,
        basins=fitter.score,
        azimuth_deg=azimuth if rings is None else rings.azimuth_deg,
        shift_px=0.0 if rings is None else rings.shift_px,
    )


def _mirror(
    rings: RingFit | None, fitter: RadialFitter
) -> tuple[tuple[float, float], tuple[float, float] | None, float] | None:
    """The solution of opposite tilt in native px and degrees."""
    if rings is None or rings.mirror is None:
        return None
    x, y, pitch, yaw = map(float, at_surface(rings.mirror[0], fitter.detector))
    tilt = None if fitter.detector.assumed else (np.degrees(pitch), np.degrees(yaw))
    return (x, y), tilt, rings.mirror[1]

"""Detectors that see rings on one side of the beam only, and headers that leave a swing out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.posterior.header import checked_header, header_finding
from xgeom_core.predict.posterior.verdict import reach_verdict
from xgeom_core.predict.posterior.weigh import weigh

SIDE, PIXEL_MM, DISTANCE_MM = 500, 0.3, 150.0


def aside(seed: int, yaw: float, profile) -> tuple[Frame, Geometry]:
    """A frame on a detector swung about the vertical axis; the beam may lie far off the panel."""
    rng = np.random.default_rng(seed)
    foot = 0.5 * SIDE + float(rng.normal(0.0, 5.0))
    center = (
        foot - DISTANCE_MM * np.tan(np.radians(yaw)) / PIXEL_MM,
        0.5 * SIDE + float(rng.normal(0.0, 5.0)),
    )
    distance = DISTANCE_MM / np.cos(np.radians(yaw))
    truth = Geometry(center, distance, (PIXEL_MM, PIXEL_MM), 1.0, float(rng.normal(0.0, 0.3)), yaw)
    at = np.arange(SIDE) + 0.5
    lab = truth.to_lab(at, at[:, None])
    square = (lab**2).sum(axis=-1)
    s = np.sqrt(np.maximum(2.0 * (1.0 - lab[..., 2] / np.sqrt(square)), 0.0))
    image = profile(s) * (lab @ truth.axes()[2]) / square**1.5
    counts = rng.poisson(image * (40.0 / image.mean())).astype(np.float32)
    valid = np.ones((SIDE, SIDE), dtype=bool)
    meta = Metadata(distance, 1.0, (PIXEL_MM, PIXEL_MM))
    return Frame(counts, valid, np.zeros_like(valid), meta), truth


def rings(s: np.ndarray) -> np.ndarray:
    """Sharp rings to high angles."""
    heights = sum(
        np.exp(-0.5 * ((s - np.sqrt(n) / 5.41) / 0.003) ** 2) for n in range(3, 40) if n % 4 in (0, 3)
    )
    return 0.4 + 2.0 * heights


def water(s: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * ((s - 0.303) / 0.055) ** 2) + 0.35 * np.exp(-0.5 * ((s - 0.48) / 0.08) ** 2) + 0.1


def bars(fit: RadialFit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def test_rings_far_aside_are_measured_by_their_arcs() -> None:
    right, tried = 0, 0
    for seed, yaw in enumerate((-44.0, -42.0, 42.0, 44.0)):
        frame, truth = aside(seed, yaw, rings)
        start = (truth.center_px[0] + 8.0, truth.center_px[1] - 2.0)
        fit = fit_radial(frame, start, start_tilt_deg=(0.0, yaw + 1.0))
        assert fit is not None
        assert fit.tilt_deg is not None
        tried += 1
        off = np.abs(np.subtract(fit.center_px, truth.center_px))
        turned = np.abs(np.subtract(fit.tilt_deg, (truth.pitch_deg, yaw)))
        # The depth of a sensor that is not simulated moves the center along the swing.
        off[0] = max(off[0] - 0.4, 0.0)
        right += bool((off < 4.0 * bars(fit)[:2]).all() and (turned < 4.0 * bars(fit)[2:]).all())
    assert (right, tried) == (4, 4)


def test_rings_on_one_side_hardly_tell_the_tilt() -> None:
    straight, _ = aside(7, 0.0, water)
    whole = fit_radial(straight, (250.0, 250.0))
    frame, truth = aside(7, 40.0, water)
    part = fit_radial(frame, truth.center_px, start_tilt_deg=(0.0, 40.0))
    assert whole is not None
    assert part is not None
    assert bars(part)[:2].max() > 3.0 * bars(whole)[:2].max()
    assert bars(part)[2:].max() > 3.0 * bars(whole)[2:].max()


def test_a_header_that_the_background_contradicts_does_not_stand(scene) -> None:
    made = scene(seed=3)
    fit = fit_radial(made.frame, made.start)
    assert fit is not None
    x, y = made.truth.center_px
    kept, gone = 0, 0
    for away in (0.0, 2.0, -3.0):
        header = header_finding(replace(made.frame.metadata, center_px=(x + away, y - away)), 410)
        assert header is not None
        kept += checked_header(header, [fit], 410).against == 0.0
    for away in (90.0, -120.0, 200.0):
        center = (x + away, y + 0.5 * away)
        header = header_finding(replace(made.frame.metadata, center_px=center), 410)
        assert header is not None
        against = checked_header(header, [fit], 410)
        said = reach_verdict(weigh([against], (410, 410)), Estimate("header", center))
        gone += (
            against.against > 2.0 and said.status == "uncertain" and "background far better" in said.reason
        )
        assert reach_verdict(weigh([header], (410, 410)), Estimate("header", center)).status == "stated"
    assert (kept, gone) == (3, 3)

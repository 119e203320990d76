"""One reflection at a time against a brute-force experiment: blocks, rays, wavelengths and angles."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.crystals.excitation import excite, reference_density
from xgeom_core.simulate.crystals.experiment import plane_of, spreads

_SHAPE = (820, 820)
_SAMPLES = 1_000_000


def _turn(axis: np.ndarray, angle: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vectors v (n, 3) turned about axes (n, 3) or (3,) by angles (n,)."""
    axis = np.broadcast_to(axis, v.shape)
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along = np.einsum("ij,ij->i", axis, v)[:, None]
    return v * c + np.cross(axis, v) * s + axis * along * (1 - c)


def _brute_force(
    s: np.ndarray, beam: Beam, mosaic_deg: float, block_A: float, geometry: Geometry, rng: np.random.Generator
) -> tuple[float, np.ndarray, np.ndarray]:
    """Density of e = 0, mean position and covariance from samples, without any linearization."""
    n, k = _SAMPLES, 1.0 / beam.wavelength_A
    w = rng.normal(size=(n, 3)) * np.radians(mosaic_deg)
    angle = np.linalg.norm(w, axis=1)
    lattice = _turn(w / angle[:, None], angle, np.broadcast_to(s, (n, 3)))
    phi = np.radians(beam.oscillation_deg) * (rng.random(n) - 0.5)
    lattice = _turn(np.array(beam.axis), phi, lattice)
    lattice = lattice + rng.normal(size=(n, 3)) * 0.3989 / block_A
    rays = np.ones((n, 3))
    rays[:, :2] = rng.normal(size=(n, 2)) * 1e-3 * np.array(beam.divergence_mrad)
    rays *= (k / np.linalg.norm(rays, axis=1) * (1 - beam.bandwidth * rng.normal(size=n)))[:, None]
    out = rays + lattice
    error = np.linalg.norm(out, axis=1) - np.linalg.norm(rays, axis=1)
    window = 0.1 * error.std()
    if beam.oscillation_deg:
        window = min(window, 1e-4)
    near = np.abs(error) < window
    out, points = out[near], rng.normal(size=(int(near.sum()), 3)) * beam.size_mm
    fast, slow, normal = geometry.axes()
    origin = np.array([0.0, 0.0, geometry.distance_mm])
    hits = points + out * (((origin - points) @ normal) / (out @ normal))[:, None] - origin
    x = geometry.center_px[0] + hits @ fast / geometry.pixel_mm[0]
    y = geometry.center_px[1] + hits @ slow / geometry.pixel_mm[1]
    return near.mean() / (2 * window), np.array([x.mean(), y.mean()]), np.cov(x, y)


def _bragg_point(rng: np.random.Generator, k: float, s: float, off: float) -> np.ndarray:
    """A lattice point of length s at a random azimuth, pushed off the Ewald sphere by `off` (1/Å)."""
    azimuth, sin_theta = rng.uniform(0, 2 * np.pi), s / (2 * k)
    cos_theta = np.sqrt(1 - sin_theta**2)
    point = s * np.array([cos_theta * np.cos(azimuth), cos_theta * np.sin(azimuth), -sin_theta])
    out = point + np.array([0, 0, k])
    return point + off * out / np.linalg.norm(out)


@pytest.mark.parametrize("oscillation_deg", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(4))
def test_intensity_mean_and_shape_are_those_of_a_brute_force_experiment(
    seed: int, oscillation_deg: float
) -> None:
    rng = np.random.default_rng(seed)
    axis = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))[seed % 2]
    beam = Beam(
        wavelength_A=rng.uniform(0.9, 1.3),
        bandwidth=rng.uniform(5e-4, 1e-2),
        divergence_mrad=(rng.uniform(0.1, 1.5), rng.uniform(0.1, 1.5)),
        size_mm=rng.uniform(0.02, 0.15),
        oscillation_deg=oscillation_deg,
        axis=axis,
    )
    mosaic_deg, block_A = rng.uniform(0.05, 0.4), rng.uniform(400, 2000)
    geometry = Geometry((400, 420), rng.uniform(100, 250), (0.516, 0.516), beam.wavelength_A, 4.0, -7.0)
    s = rng.uniform(0.15, 0.35)
    width = 0.5 * np.radians(oscillation_deg) * s + np.radians(mosaic_deg) * s
    point = _bragg_point(rng, 1 / beam.wavelength_A, s, rng.uniform(-1.0, 1.0) * width)
    reciprocal = np.stack([point, [0.01, 0, 0.02], [0, 0.01, 0]], axis=1)
    spread = spreads(beam, mosaic_deg, block_A)
    spots, source = excite(
        np.array([[1, 0, 0]]), reciprocal, spread, plane_of(geometry, beam), _SHAPE, margin_px=600.0
    )
    assert list(source) == [0]
    density, mean, covariance = _brute_force(point, beam, mosaic_deg, block_A, geometry, rng)
    assert spots[0, 0] == pytest.approx(density, rel=0.03)
    assert spots[0, 1:3] == pytest.approx(mean, abs=0.03)
    modeled = np.array([[spots[0, 3], spots[0, 4]], [spots[0, 4], spots[0, 5]]])
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert np.abs((modeled - covariance) / scale).max() < 0.04


def test_a_rotation_too_small_to_see_is_a_still() -> None:
    rng = np.random.default_rng(5)
    point = _bragg_point(rng, 1.0, 0.3, 4e-4)
    reciprocal = np.stack([point, [0.01, 0, 0.02], [0, 0.01, 0]], axis=1)
    geometry = Geometry((400, 420), 200.0, (0.516, 0.516), 1.0)
    found = []
    for oscillation in (0.0, 1e-6, 1e-3):
        beam = Beam(1.0, 1e-4, (0.2, 0.2), 0.05, oscillation_deg=oscillation)
        spread = spreads(beam, 0.1, 1000.0)
        spots, _ = excite(np.array([[1, 0, 0]]), reciprocal, spread, plane_of(geometry, beam), _SHAPE, 600.0)
        found.append(np.append(spots[0], reference_density(spread)))
    assert found[1] == pytest.approx(found[0], rel=1e-6)
    assert found[2] == pytest.approx(found[0], rel=1e-4)


def test_mosaic_spread_makes_arcs_and_bandwidth_makes_streaks() -> None:
    """Seen from the beam center: mosaic spread smears along the circle, bandwidth along the radius."""
    geometry = Geometry((410, 410), 150.0, (0.516, 0.516), 1.0)
    s, k = 0.5, 1.0
    point = s * np.array([np.sqrt(1 - (s / 2 / k) ** 2), 0, -s / 2 / k])
    reciprocal = np.stack([point, [0, 0.01, 0], [0, 0, 0.01]], axis=1)
    for bandwidth, mosaic_deg, radial_is_longer in ((0.01, 0.001, True), (1e-5, 0.5, False)):
        beam = Beam(1.0, bandwidth)
        spread = spreads(beam, mosaic_deg, 5000.0)
        spots, _ = excite(np.array([[1, 0, 0]]), reciprocal, spread, plane_of(geometry, beam), _SHAPE, 50.0)
        radial, along = np.sqrt(spots[0, [3, 5]])
        assert spots[0, 4] == pytest.approx(0.0, abs=1e-9)
        assert (radial > 4 * along) if radial_is_longer else (along > 4 * radial)


def test_the_reference_reflection_at_low_angle_is_what_the_model_records_there() -> None:
    beam = Beam(1.1, 3e-4, (0.1, 0.3), oscillation_deg=0.3)
    spread = spreads(beam, 0.1, 1000.0)
    s, k = 0.1, 1 / 1.1
    # At right angles to the rotation axis x: along -y (and y; both are alike).
    point = s * np.array([0, -np.sqrt(1 - (s / 2 / k) ** 2), -s / 2 / k])
    reciprocal = np.stack([point, [0.01, 0, 0], [0, 0, 0.01]], axis=1)
    geometry = Geometry((410, 410), 150.0, (0.516, 0.516), 1.1)
    spots, _ = excite(np.array([[1, 0, 0]]), reciprocal, spread, plane_of(geometry, beam), _SHAPE, 50.0)
    assert spots[0, 0] == pytest.approx(reference_density(spread), rel=1e-9)

"""Sharp rings: where they are, measured on the image by means that share no code with the simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from xgeom_core.geometry import Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.scattering import Background, expected_background
from xgeom_core.simulate.scattering.powder import TURNS, Powder, ring_sigma, rings, turn_angle
from xgeom_core.simulate.scattering.substances import lines

# Spacings in Å as published: PDF cards 34-394 (CeO2), 34-427 (LaB6), 27-1402 (Si), 46-1212 (Al2O3),
# 42-1142 (ice Ih, at a slightly different temperature) and the layer spacing of silver behenate.
PUBLISHED = {
    "CeO2": ((3.1234, 2.7056, 1.9134, 1.6318, 1.5622, 1.3531, 1.2415, 1.2101, 1.1048, 1.0415), 1e-3),
    "LaB6": ((4.1569, 2.9394, 2.4000, 2.0785, 1.8590, 1.6971, 1.4697, 1.3857, 1.3145, 1.2533), 1e-3),
    "Si": ((3.1355, 1.9201, 1.6375, 1.3577, 1.2459, 1.1086, 1.0452), 1e-3),
    "Al2O3": ((3.4800, 2.5508, 2.3795, 2.1654, 2.0853, 1.9643, 1.7401, 1.6016, 1.5465, 1.5149), 2e-3),
    "ice": ((3.90, 3.67, 3.44, 2.67, 2.25, 2.07, 1.95, 1.92, 1.88, 1.72), 0.012),
    "silver behenate": ((58.380, 29.190, 19.460, 14.595), 1e-3),
}


@pytest.mark.parametrize("substance", PUBLISHED)
def test_spacings_are_the_published_ones(substance: str) -> None:
    published, tolerance = PUBLISHED[substance]
    found = lines(substance, 1.0)
    strong = found.s[found.strength > 2e-3 * found.strength.max()]
    for spacing in published:
        assert np.abs(1.0 / strong - spacing).min() < tolerance, spacing


def test_extinct_lines_are_missing() -> None:
    # 222 of silicon and 200 of the diamond lattice; mixed indices of a face-centered one.
    silicon = 1.0 / lines("Si", 1.2).s
    assert np.abs(silicon - 5.43114 / 2).min() > 0.1
    assert np.abs(silicon - 5.43114 / np.sqrt(12)).min() > 0.02
    assert np.abs(1.0 / lines("CeO2", 1.0).s - 5.4115 / np.sqrt(2)).min() > 0.5


@pytest.mark.parametrize(
    ("substance", "published"),
    [
        # Relative intensities of the PDF cards above (copper K-alpha, powder diffractometer).
        ("CeO2", {3.1234: 100, 2.7056: 30, 1.9134: 52, 1.6318: 42, 1.2415: 14}),
        ("Si", {3.1355: 100, 1.9201: 55, 1.6375: 30, 1.3577: 6, 1.2459: 11}),
        ("LaB6", {4.1569: 60, 2.9394: 100, 2.4000: 45, 2.0785: 25, 1.8590: 55}),
    ],
)
def test_intensities_are_the_published_ones(substance: str, published: dict[float, float]) -> None:
    found = lines(substance, 1.0)
    wavelength = 1.5406
    values = []
    for spacing in published:
        k = int(np.abs(1.0 / found.s - spacing).argmin())
        theta = np.arcsin(wavelength * found.s[k] / 2.0)
        polarization = 0.5 * (1.0 + np.cos(2.0 * theta) ** 2)
        # Strength is per area of the shell in reciprocal space; a diffractometer integrates over
        # 2-theta, at constant length of the ring that passes its slit.
        values.append(found.strength[k] * polarization / np.cos(theta))
    relative = np.array(values) / max(values)
    expected = np.array(list(published.values())) / 100.0
    assert relative == pytest.approx(expected, rel=0.25, abs=0.04)


def _render(powder: Powder, beam: Beam, geometry: Geometry, shape: tuple[int, int], sensor: Any) -> Any:
    background = Background("none", 1000.0, water=None, powders=(powder,), helium=True)
    return expected_background(background, beam, geometry, shape, sensor).astype(np.float64)


def _ring_points(
    image: NDArray[np.float64], two_theta: NDArray[np.float64], ring: float, half: float, rough: Any
) -> NDArray[np.float64]:
    """Centroids of one ring's light in 180 sectors about a rough center; full sectors only."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    near = np.abs(two_theta - ring) < half
    # A ring that leaves the image is cut obliquely: sectors near the rim do not count.
    inside = (x > 3) & (y > 3) & (x < image.shape[1] - 3) & (y < image.shape[0] - 3)
    sector = ((np.arctan2(y - rough[1], x - rough[0]) / (2 * np.pi) + 0.5) * 180).astype(int) % 180
    touched = np.bincount(sector[near & ~inside], minlength=180) > 0
    touched |= np.roll(touched, 1) | np.roll(touched, -1)
    chosen = near & ~touched[sector]
    light = np.bincount(sector[chosen], image[chosen], minlength=180)
    use = light > 0
    columns = [
        np.bincount(sector[chosen], (image * place)[chosen], minlength=180)[use] / light[use]
        for place in (x, y)
    ]
    return np.stack(columns, axis=-1)


def _fit(points: list[NDArray[np.float64]], start: Any, distance: float, pixel: float) -> Any:
    """Center, pitch and yaw that put the points of each ring on one cone about the beam."""
    stacked = np.concatenate(points)
    ring = np.repeat(np.arange(len(points)), [len(p) for p in points])

    def cosines(values: Any) -> NDArray[np.float64]:
        flat = np.zeros((len(stacked), 3))
        flat[:, :2] = (stacked - values[:2]) * pixel
        lab = Rotation.from_euler("xy", values[2:4], degrees=True).apply(flat)
        lab[:, 2] += distance
        return np.asarray(lab[:, 2] / np.linalg.norm(lab, axis=1))

    def residuals(values: Any) -> NDArray[np.float64]:
        found = np.arccos(cosines(values))
        means = np.bincount(ring, found) / np.bincount(ring)
        return (found - means[ring]) * distance / pixel

    return least_squares(residuals, start, x_scale=[1, 1, 0.1, 0.1]).x


CASES = [
    # center as a share of the sides, distance, pitch, yaw, crystallite, pixel
    (0.51, 0.47, 150.0, 2.1, -1.3, 1500.0, 0.5),
    (0.42, 0.60, 220.0, -2.9, 2.7, 3000.0, 0.5),
    (0.55, 0.52, 110.0, 0.6, 2.9, 300.0, 0.5),
    (0.30, 0.33, 180.0, -1.7, -2.4, 800.0, 0.5),
    (0.50, 0.50, 130.0, 0.0, 0.0, 2000.0, 0.5),
    (0.12, 0.50, 120.0, 0.3, 28.0, 1500.0, 0.4),
    (0.48, 0.75, 140.0, 22.0, 3.0, 1000.0, 0.4),
]


@pytest.mark.parametrize("case", CASES)
def test_center_and_tilt_measured_on_the_rings(case: tuple[float, ...], ideal: Any) -> None:
    x, y, distance, pitch, yaw, size, pixel = case
    shape = (480, 500)
    center = (500 * x + 0.37, 480 * y - 0.21)
    beam = Beam(0.8, 1e-4, (0.1, 0.1), 0.03, 0.98)
    geometry = Geometry(center, distance, (pixel, pixel), 0.8, pitch, yaw)
    image = _render(Powder("Si", 30.0, size), beam, geometry, shape, ideal)
    two_theta = geometry.two_theta(np.arange(500) + 0.5, np.arange(480)[:, None] + 0.5)
    reach = float(two_theta.max())
    spacings = [3.1355, 1.9201, 1.6375, 1.3577]
    angles = [2 * np.arcsin(0.8 / 2 / d) for d in spacings]
    points = [_ring_points(image, two_theta, a, 0.025, center) for a in angles if a < reach - 0.03]
    points = [p for p in points if len(p) > 20]
    found = _fit(points, [center[0] + 3, center[1] - 3, pitch * 0.8, yaw * 0.8 + 0.1], distance, pixel)
    assert found[:2] == pytest.approx(center, abs=0.05)
    assert found[2:] == pytest.approx((pitch, yaw), abs=0.02)


def test_the_light_of_a_sharp_ring_does_not_depend_on_where_it_meets_the_pixels(ideal: Any) -> None:
    beam = Beam(1.0)
    powder = Powder("silver behenate", 10.0, 50000.0, instrument_mrad=0.05)
    totals = []
    for shift in np.linspace(0.0, 1.0, 6):
        geometry = Geometry((60.0 + shift, 60.0), 1500.0, (0.5, 0.5), 1.0)
        # One ring, 25.7 mm or 51 px: its width is 0.15 px.
        totals.append(_render(powder, beam, geometry, (122, 122), ideal).sum())
    # A crest taken at the pixels' centers would ripple by some ten percent along rows.
    assert np.ptp(totals) < 2e-3 * np.mean(totals)


def test_a_pixel_holds_what_finer_pixels_hold(ideal: Any) -> None:
    beam = Beam(1.0)
    powder = Powder("LaB6", 10.0, 1200.0)
    coarse = _render(
        powder, beam, Geometry((75.3, 80.1), 150.0, (1.0, 1.0), 1.0, 1.5, -2.0), (150, 160), ideal
    )
    fine_geometry = Geometry((75.3 * 8, 80.1 * 8), 150.0, (0.125, 0.125), 1.0, 1.5, -2.0)
    fine = _render(powder, beam, fine_geometry, (1200, 1280), ideal).reshape(150, 8, 160, 8).sum(axis=(1, 3))
    # The rings are 0.14 to 0.2 mm wide (standard deviation), the coarse pixels 1 mm.
    assert np.abs(coarse - fine).max() < 0.05 * fine.max()
    assert coarse.sum() == pytest.approx(fine.sum(), rel=2e-3)


def test_ring_width_follows_scherrer_and_the_beam() -> None:
    s = np.array([0.3, 0.6])
    beam = Beam(1.0, 0.0, (0.0, 0.0), 0.0)
    sized = ring_sigma(Powder("Si", 1.0, 200.0, instrument_mrad=0.0), beam, s, 200.0)
    # Full width at half maximum of 2-theta: 0.9 wavelength / (L cos theta).
    cos_theta = np.cos(np.arcsin(s / 2.0))
    assert sized / cos_theta * 2.0 * np.sqrt(2.0 * np.log(2.0)) == pytest.approx(
        0.9 / 200.0 / cos_theta, rel=1e-3
    )
    large = ring_sigma(Powder("Si", 1.0, 1e9, instrument_mrad=0.0), Beam(1.0, size_mm=0.2), s, 200.0)
    # A beam of 0.2 mm blurs 2-theta by 1 mrad at 200 mm.
    assert large / cos_theta == pytest.approx(1e-3, rel=1e-6)


def test_texture_and_grains_keep_the_mean() -> None:
    beam = Beam(1.0)
    powder = Powder("CeO2", 1.0, 500.0, spottiness=0.8, grain_deg=0.5, texture=0.3, seed=5)
    found = rings((powder,), beam, (0.1, 0.8), 200.0)
    weights = np.gradient(np.unwrap(turn_angle()))
    for row in found.turn:
        assert np.average(row, weights=weights) == pytest.approx(1.0, abs=0.12)
    assert found.turn.shape[1] == TURNS
    assert found.turn[1:].std() > 0.4


def test_preferred_orientation_is_brightest_where_it_should_be(ideal: Any) -> None:
    powder = Powder("Si", 10.0, 500.0, texture=0.5, texture_deg=30.0)
    geometry = Geometry((150.0, 150.0), 150.0, (1.0, 1.0), 1.0)
    image = _render(powder, Beam(1.0, polarized=0.5), geometry, (300, 300), ideal)
    radius = 150.0 * np.tan(2 * np.arcsin(0.5 / 3.1355))
    angles = np.radians([30.0, 120.0, 210.0, 300.0])
    seen = []
    for angle in angles:
        x, y = 150 + radius * np.cos(angle), 150 + radius * np.sin(angle)
        seen.append(image[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5].sum())
    assert seen[0] == pytest.approx(seen[2], rel=0.05)
    assert seen[1] == pytest.approx(seen[3], rel=0.05)
    assert seen[0] / seen[1] == pytest.approx(3.0, rel=0.1)

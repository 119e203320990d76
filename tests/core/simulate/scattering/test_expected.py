"""The noise-free background as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xgeom_core.geometry import SYMMETRIES, Geometry, Symmetry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.scattering import Background, expected_background
from xgeom_core.simulate.scattering.air import Air, AirColumn
from xgeom_core.simulate.scattering.lopsided import Gradient, Wave
from xgeom_core.simulate.scattering.parasitic import Halo, Layers, Streak
from xgeom_core.simulate.scattering.plastic import Plastic
from xgeom_core.simulate.scattering.powder import Powder
from xgeom_core.simulate.scattering.protein import Protein
from xgeom_core.simulate.scattering.small_angle import SmallAngle
from xgeom_core.simulate.scattering.water import Water

SHAPE = (300, 320)
GEOMETRY = Geometry((171.3, 140.2), 180.0, (0.7, 0.7), 1.0, 2.0, -1.5)
BEAM = Beam(1.0, 2e-4, (0.2, 0.2), 0.05, 0.95)
ROUND = Background(
    counts_per_mm2=300.0,
    protein=Protein(),
    small_angle=SmallAngle(),
    air=Air(),
    plastics=(Plastic("kapton", 0.3),),
    fluorescence=0.05,
    columns=(AirColumn(0.3, -60.0, -5.0),),
    powders=(Powder("ice", 1.0, 150.0), Powder("CeO2", 2.0, 300.0)),
)
LOPSIDED = replace(
    ROUND,
    waves=(Wave(1, 0.1, 20.0, 1.0), Wave(2, 0.2, 70.0, 0.0)),
    gradient=Gradient(0.3, 110.0),
    halo=Halo(2.0, 9.0, 3.0, (1.0, -0.5), 1.0),
    streaks=(Streak(5.0, 25.0, 12.0, 0.8, 0.4),),
    layers=Layers(0.2, (18.0, 12.0, 4.0), 0.08, 0.4),
)


def _image(background: Background, sensor: Any, geometry: Geometry = GEOMETRY, beam: Beam = BEAM) -> Any:
    return expected_background(background, beam, geometry, SHAPE, sensor)


def test_water_alone_is_its_course_times_polarization_and_solid_angle(ideal: Any) -> None:
    water = Water(3.3, 0.05, 0.4, 0.2)
    image = _image(Background(counts_per_mm2=100.0, water=water, helium=True), ideal)
    x, y = np.arange(320) + 0.5, np.arange(300)[:, None] + 0.5
    two_theta, azimuth = GEOMETRY.two_theta(x, y), GEOMETRY.azimuth(x, y)
    # Kahn et al. in angles: (1 + cos^2 2theta - J cos 2phi sin^2 2theta) / 2 with J = 2 f - 1.
    cosine2, sine2 = np.cos(two_theta) ** 2, np.sin(two_theta) ** 2
    polar = 0.5 * (1.0 + cosine2 - (2 * 0.95 - 1.0) * np.cos(2 * azimuth) * sine2)
    # Solid angle of a pixel as a spherical polygon: two triangles by the formula of van Oosterom.
    corners = GEOMETRY.to_lab(np.arange(321.0), np.arange(301.0)[:, None])
    unit = corners / np.linalg.norm(corners, axis=-1, keepdims=True)
    a, b, c, d = unit[:-1, :-1], unit[:-1, 1:], unit[1:, 1:], unit[1:, :-1]
    solid = np.zeros(SHAPE)
    for p, q in ((b, c), (c, d)):
        volume = np.einsum("...i,...i->...", a, np.cross(p, q))
        dots = [np.einsum("...i,...i->...", u, v) for u, v in ((a, p), (p, q), (q, a))]
        solid += 2 * np.arctan2(volume, 1 + sum(dots))
    expected = water(2 * np.sin(two_theta / 2)) * polar * solid
    np.testing.assert_allclose(image / image.mean(), expected / expected.mean(), rtol=3e-4)


def test_counts_per_mm2_are_reached_at_the_brightest_ring(ideal: Any) -> None:
    geometry = replace(GEOMETRY, pitch_deg=0.0, yaw_deg=0.0)
    background = replace(ROUND, powders=(), columns=(), helium=True)
    image = _image(background, ideal, geometry) / 0.7**2
    s = 1.0 / geometry.resolution_A(np.arange(320) + 0.5, np.arange(300)[:, None] + 0.5)
    bins = (s / 0.004).astype(int)
    mean = np.bincount(bins.ravel(), image.ravel()) / np.maximum(np.bincount(bins.ravel()), 1)
    assert mean[int(0.15 / 0.004) + 1 : 130].max() == pytest.approx(300.0, rel=0.01)


@pytest.mark.parametrize("pixel", [0.35, 0.7])
def test_flat_means_flat(pixel: float, ideal: Any) -> None:
    geometry = replace(GEOMETRY, pixel_mm=(pixel, pixel))
    image = _image(Background("flat", 50.0, water=None), ideal, geometry)
    np.testing.assert_allclose(image, 50.0 * pixel**2, rtol=1e-5)


def test_none_means_none(ideal: Any) -> None:
    assert not _image(Background("none", 50.0, water=None), ideal).any()


def test_fluorescence_is_not_polarized(ideal: Any) -> None:
    geometry = Geometry((160.0, 150.0), 120.0, (0.7, 0.7), 1.0)
    image = _image(Background(water=None, fluorescence=1.0, helium=True), ideal, geometry)
    # Right of and below the center, at the same distance from it.
    assert image[150, 280] == pytest.approx(image[270, 160], rel=1e-5)
    angle = geometry.two_theta(280.5, 150.5)
    assert image[150, 280] / image[150, 160] == pytest.approx(np.cos(angle) ** 3, rel=1e-3)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_a_frame_laid_anew_is_the_simulation_of_the_geometry_laid_anew(
    symmetry: Symmetry, ideal: Any
) -> None:
    # A transpose turns the polarization and rolls the detector a little: unpolarized light has neither.
    beam = replace(BEAM, polarized=0.5)
    image = symmetry.image(expected_background(ROUND, beam, GEOMETRY, SHAPE, ideal))
    pitch, yaw = symmetry.tilt((GEOMETRY.pitch_deg, GEOMETRY.yaw_deg))
    geometry = replace(
        GEOMETRY, center_px=symmetry.center(GEOMETRY.center_px, SHAPE), pitch_deg=pitch, yaw_deg=yaw
    )
    other = expected_background(ROUND, beam, geometry, (image.shape[0], image.shape[1]), ideal)
    # The coarse grid starts at another corner.
    np.testing.assert_allclose(other, image, rtol=3e-3)


def test_flips_hold_with_polarized_light(ideal: Any) -> None:
    flipped = replace(GEOMETRY, center_px=(320 - 171.3, 140.2), yaw_deg=1.5)
    np.testing.assert_allclose(_image(ROUND, ideal, flipped)[:, ::-1], _image(ROUND, ideal), rtol=3e-3)


def test_pooled_frames_hold_what_full_ones_hold(ideal: Any) -> None:
    fine = replace(GEOMETRY, center_px=(171.3 * 3, 140.2 * 3), pixel_mm=(0.7 / 3, 0.7 / 3))
    full = expected_background(LOPSIDED, BEAM, fine, (900, 960), ideal)
    pooled = full.astype(np.float64).reshape(300, 3, 320, 3).sum(axis=(1, 3))
    image = _image(LOPSIDED, ideal).astype(np.float64)
    assert image.sum() == pytest.approx(pooled.sum(), rel=1e-3)
    away = np.hypot(np.arange(320) + 0.5 - 171.3, np.arange(300)[:, None] + 0.5 - 140.2) * 0.7 > 25.0
    assert np.abs(image / pooled - 1.0)[away].max() < 0.02
    # Near the beam halo and streak have structure as fine as these pixels.
    assert np.abs(image - pooled)[~away].max() < 0.1 * pooled.max()


def test_air_absorption_darkens_the_longer_ways(ideal: Any) -> None:
    plain, helium = (_image(replace(ROUND, helium=h), ideal) for h in (False, True))
    ratio = plain / helium
    r = np.linalg.norm(GEOMETRY.to_lab(0.5, 0.5))
    # Corner against center; 3.0 cm^2/g at 12.4 keV and 1.2 mg/cm^3 over the extra way.
    assert ratio[0, 0] / ratio[140, 171] == pytest.approx(np.exp(-2.8 * 1.2e-4 * (r - 180.0)), rel=5e-3)


class _ThickSensor:
    """Counts every photon 0.4 mm deep."""

    def shift_mm(self, tan_psi: Any, cos_psi: Any) -> Any:
        return 0.4 * tan_psi

    def efficiency(self, cos_psi: Any) -> Any:
        return 1.0 / cos_psi


def test_parallax_is_a_detector_further_away(ideal: Any) -> None:
    geometry = Geometry((160.0, 150.0), 100.0, (0.5, 0.5), 1.0)
    background = Background("none", 100.0, water=None, powders=(Powder("Si", 5.0, 400.0),), helium=True)
    thick = _image(background, _ThickSensor(), geometry)
    further = _image(background, ideal, replace(geometry, distance_mm=100.4))
    near = _image(background, ideal, geometry)

    def radius(image: Any) -> float:
        line = image[150, 230:300].astype(np.float64)
        peak = int(line.argmax())
        part = slice(max(peak - 6, 0), peak + 7)
        return float((line[part] * np.arange(70)[part]).sum() / line[part].sum())

    assert radius(thick) == pytest.approx(radius(further), abs=0.02)
    assert radius(thick) - radius(near) > 0.2
    # Obliquity: 1 / cos psi where the rays slant.
    angle = float(geometry.two_theta(280.0, 150.0))
    flat = _image(Background("flat", 1.0, water=None), _ThickSensor(), geometry)
    assert np.ptp(flat) == 0.0
    even = Background(water=None, fluorescence=1.0, helium=True)
    gain = _image(even, _ThickSensor(), geometry)[149, 279] / _image(even, ideal, geometry)[149, 279]
    assert gain == pytest.approx(1 / np.cos(angle), rel=0.01)


def test_columns_before_the_sample_make_a_narrower_pattern(ideal: Any) -> None:
    base = replace(ROUND, powders=(), small_angle=None, columns=())
    here, before = (
        _image(replace(base, columns=(AirColumn(5.0, a, b),)), ideal) - _image(base, ideal)
        for a, b in ((-1.0, 1.0), (-121.0, -119.0))
    )
    # Air further away subtends smaller angles: brighter at the rim, relative to the middle.
    assert (before[20, 20] / before[140, 171]) > 1.3 * (here[20, 20] / here[140, 171])


def test_layers_lie_where_the_ewald_sphere_meets_the_planes(ideal: Any) -> None:
    axis = np.array([18.0, 12.0, 4.0])
    base = replace(ROUND, powders=(), columns=())
    layers = Layers(0.5, (18.0, 12.0, 4.0), 0.03, 0.6)
    seen = _image(replace(base, layers=layers), ideal) - _image(base, ideal)
    lab = GEOMETRY.to_lab(np.arange(320) + 0.5, np.arange(300)[:, None] + 0.5)
    q = lab / np.linalg.norm(lab, axis=-1, keepdims=True) - np.array([0.0, 0.0, 1.0])
    order = q @ axis
    away = np.abs(order - np.round(order))
    bright = seen > 0.2 * seen.max()
    assert bright.any()
    assert away[bright].max() < 0.09
    assert np.abs(np.round(order[bright])).min() >= 1


def test_lopsided_factors_point_where_they_should(ideal: Any) -> None:
    geometry = replace(GEOMETRY, center_px=(160.0, 150.0), pitch_deg=0.0, yaw_deg=0.0)
    base = Background(helium=True)
    plain = _image(base, ideal, geometry)
    sloped = _image(replace(base, gradient=Gradient(0.4, 90.0)), ideal, geometry) / plain
    k = np.sin(geometry.two_theta(160.5, 250.5))
    assert sloped[250, 160] == pytest.approx(np.exp(0.4 * k), rel=2e-3)
    waved = _image(replace(base, waves=(Wave(2, 0.2, 0.0, 0.0),)), ideal, geometry) / plain
    assert waved[150, 260] == pytest.approx(np.exp(0.2), rel=0.03)
    assert waved[250, 160] == pytest.approx(np.exp(-0.2), rel=0.03)


def test_halo_and_streak_stay_where_they_belong(ideal: Any) -> None:
    base = replace(ROUND, powders=())
    plain = _image(base, ideal)
    halo = _image(replace(base, halo=Halo(2.0, 9.0, 3.0, (1.0, -0.5), 1.0)), ideal) - plain
    x, y = (np.arange(320) + 0.5 - 171.3) * 0.7 - 1.0, ((np.arange(300) + 0.5 - 140.2) * 0.7 + 0.5)[:, None]
    r = np.hypot(x, y)
    assert np.abs(halo[r > 11.2]).max() == 0.0
    assert halo[r < 1.0].mean() == pytest.approx(2.0 * 300.0 * 0.49, rel=0.03)
    streak = _image(replace(base, streaks=(Streak(5.0, 90.0, 12.0, 0.8, 0.7),)), ideal) - plain
    below, above = streak[145:, :].sum(), streak[:135, :].sum()
    assert below / above == pytest.approx(0.7 / 0.3, rel=0.1)
    assert streak[:, 165:178].sum() > 0.98 * streak.sum()

"""Every radial term against what is known of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from xgeom_core.simulate.scattering.air import AirColumn, attenuation_per_mm, molecule
from xgeom_core.simulate.scattering.form_factors import form_factor
from xgeom_core.simulate.scattering.plastic import MATERIALS, Plastic
from xgeom_core.simulate.scattering.protein import Protein
from xgeom_core.simulate.scattering.small_angle import SmallAngle
from xgeom_core.simulate.scattering.water import Water

S = np.linspace(0.0, 1.2, 1201)


def test_water_follows_the_measured_curve() -> None:
    # Intensity per molecule in electron units at momentum transfers in rad/Å: X-ray diffraction of
    # liquid water, rounded. I(0) follows from the compressibility: 100 e^2 times 0.064.
    q = np.array([0.0, 1.5, 2.03, 2.71, 3.52, 4.3, 5.5, 6.3])
    measured = np.array([6.4, 25.0, 64.0, 45.6, 20.2, 19.0, 14.2, 10.0])
    assert 64.0 * Water()(q / (2 * np.pi)) == pytest.approx(measured, rel=0.12)


@pytest.mark.parametrize("ring", [2.9, 3.3, 3.8])
def test_the_crest_of_water_stands_where_it_is_asked(ring: float) -> None:
    course = Water(ring, 0.05, 0.4, 0.2)(S)
    assert 1.0 / S[course.argmax()] == pytest.approx(ring, rel=0.03)
    assert course.max() == pytest.approx(1.0, abs=0.02)


def test_every_term_is_positive_and_finite() -> None:
    terms = [Water(), Protein(), SmallAngle(), molecule, *(Plastic(name, 1.0) for name in MATERIALS)]
    for term in terms:
        values = term(S)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert values.max() > 0


def test_small_angle_scatter_falls_to_a_quarter_at_its_width() -> None:
    term = SmallAngle(2.0, 0.05, 3.0)
    assert term(np.array([0.0, 0.05])) == pytest.approx([2.0, 0.5])
    # Porod: a power law outside.
    assert term(np.array(0.8)) / term(np.array(0.4)) == pytest.approx(2.0**-3, rel=0.02)


def test_kapton_rings_stand_at_their_spacings() -> None:
    course = Plastic("kapton", 0.5)(S)
    low, high = S < 0.1, (S > 0.15) & (S < 0.25)
    assert 1.0 / S[low][course[low].argmax()] == pytest.approx(15.4, rel=0.02)
    assert 1.0 / S[high][course[high].argmax()] == pytest.approx(5.0, rel=0.02)
    assert course.max() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    ("element", "electrons"),
    [
        ("B", 5),
        ("N", 7),
        ("O", 8),
        ("Na", 11),
        ("Al", 13),
        ("Si", 14),
        ("Cl", 17),
        ("La", 57),
        ("Ce", 58),
        ("Au", 79),
    ],
)
def test_atoms_scatter_forwards_with_all_electrons(element: str, electrons: int) -> None:
    assert float(form_factor(element, np.array(0.0))) == pytest.approx(electrons, rel=3e-3)


def test_the_numbers_are_those_of_the_tables() -> None:
    # International Tables C (1992), 6.1.1.4: lanthanum.
    a, b, c = (20.578, 19.599, 11.3727, 3.2872), (2.9482, 0.2445, 18.7726, 133.124), 2.1468
    expected = sum(each * np.exp(-width * S**2 / 4) for each, width in zip(a, b, strict=True)) + c
    np.testing.assert_array_equal(form_factor("La", S), expected)


def test_a_nitrogen_molecule_is_two_atoms() -> None:
    # Coherent part forwards (2 Z)^2, no Compton; far out the atoms scatter for themselves, and every
    # electron scatters once, coherently or not: 2 (f^2 + Z - f^2 / Z) of (2 Z)^2.
    assert float(molecule(np.array(0.0))) == pytest.approx(1.0, rel=5e-3)
    f = float(form_factor("N", np.array(1.1)))
    alone = 2 * (f**2 + 7 - f**2 / 7) / 196
    assert float(molecule(np.array(1.1))) == pytest.approx(alone, rel=0.1)


@pytest.mark.parametrize(
    ("energy_keV", "cm2_per_g"), [(8.0, 9.92), (10.0, 5.12), (15.0, 1.61), (20.0, 0.778)]
)
def test_air_absorbs_as_tabulated(energy_keV: float, cm2_per_g: float) -> None:
    # Hubbell and Seltzer's mass attenuation coefficients of dry air; 1.2 mg/cm^3.
    found = attenuation_per_mm(12.39842 / energy_keV)
    assert found == pytest.approx(cm2_per_g * 1.2e-3 / 10.0, rel=0.06)


def test_a_short_column_at_the_sample_is_air_around_the_sample() -> None:
    lab = np.array([[0.0, 0.0, 200.0], [60.0, 0.0, 200.0], [30.0, -80.0, 200.0]])
    r = np.linalg.norm(lab, axis=1)
    two_theta = np.arccos(lab[:, 2] / r)
    k = lab / r[:, None]
    plain = molecule(2 * np.sin(two_theta / 2) / 1.1) * (1 - 0.9 * k[:, 0] ** 2 - 0.1 * k[:, 1] ** 2)
    column = AirColumn(0.7, -1e-3, 1e-3)(lab, 1.1, 0.9)
    assert column == pytest.approx(0.7 * plain * lab[:, 2] / r**3, rel=2e-3)


def test_a_column_is_the_sum_of_its_parts() -> None:
    x = np.linspace(-150.0, 150.0, 21)
    lab = np.stack([x, np.full(21, 10.0), np.full(21, 150.0)], axis=-1)
    whole = AirColumn(1.0, -40.0, 20.0)(lab, 1.0, 1.0)
    edges = np.linspace(-40.0, 20.0, 31)
    parts = [AirColumn(1.0, a, b)(lab, 1.0, 1.0) for a, b in pairwise(edges)]
    assert whole == pytest.approx(np.mean(parts, axis=0), rel=5e-3)

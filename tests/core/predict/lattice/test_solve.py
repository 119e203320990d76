"""Geometry from spots of crystals whose every parameter is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice import refined_at, solve_lattice
from xgeom_core.predict.posterior.sources import best_lattice

CASES = [
    ((78.1, 78.1, 78.1, 90, 90, 90), "I", "cI"),
    ((110.0, 110.0, 110.0, 90, 90, 90), "F", "cF"),
    ((62.0, 62.0, 62.0, 90, 90, 90), "P", "cP"),
    ((58.0, 58.0, 150.0, 90, 90, 90), "P", "tP"),
    ((95.0, 95.0, 132.0, 90, 90, 90), "I", "tI"),
    ((81.0, 81.0, 61.0, 90, 90, 120), "P", "hP"),
    ((93.0, 93.0, 129.0, 90, 90, 120), "R", "hR"),
    ((49.0, 66.0, 91.0, 90, 90, 90), "P", "oP"),
    ((65.0, 103.0, 71.0, 90, 90, 90), "C", "oC"),
    ((72.0, 98.0, 131.0, 90, 90, 90), "I", "oI"),
    ((88.0, 117.0, 146.0, 90, 90, 90), "F", "oF"),
    ((52.0, 68.0, 77.0, 90, 104, 90), "P", "mP"),
    ((91.0, 62.0, 74.0, 90, 113, 90), "C", "mC"),
    ((48.0, 59.0, 71.0, 81, 77, 99), "P", "aP"),
]


@pytest.mark.parametrize(("cell", "centering", "symbol"), CASES, ids=[case[2] for case in CASES])
def test_center_tilt_and_bravais_lattice(crystals, cell, centering, symbol):
    truth = crystals.Truth()
    spots = crystals.as_spots(
        crystals.spot_positions(truth, cell, centering, seed=len(symbol) + int(cell[0]))
    )
    assert len(spots) >= 100
    found = solve_lattice(spots, truth.geometry(off=(4.0, -3.0)))
    assert found is not None
    assert crystals.judged(found, truth) == "right"
    assert found.bravais == symbol
    assert np.allclose(found.center_px, truth.center, atol=0.1)
    assert np.allclose(found.tilt_deg, truth.tilt, atol=0.1)
    assert found.share > 0.95
    error = np.array([*found.center_px, *found.tilt_deg]) - [*truth.center, *truth.tilt]
    assert error @ np.linalg.solve(found.covariance, error) < 25.0
    # A rhombohedral or centered cell may be given in any of its settings; its volume is the same.
    a, b, c, *angles = found.cell
    ca, cb, cg = np.cos(np.radians(angles))
    volume = a * b * c * np.sqrt(1 - ca**2 - cb**2 - cg**2 + 2 * ca * cb * cg)
    assert volume == pytest.approx(np.linalg.det(crystals.cell_vectors(cell)), rel=0.02)


def test_start_twenty_pixels_off_and_a_tilt_of_three_degrees(crystals):
    """Of nine starts; one is refined at another origin, and lists the true one as hardly less likely."""
    truth = crystals.Truth(tilt=(-2.9, 2.4))
    verdicts = []
    for seed in (3, 4, 5):
        spots = crystals.as_spots(crystals.spot_positions(truth, (49, 66, 91, 90, 90, 90), seed=seed))
        for angle in (0.4, 2.5, 4.6):
            start = truth.geometry(off=(20 * np.cos(angle), 20 * np.sin(angle)))
            found = solve_lattice(spots, start, sigma_px=20.0)
            verdicts.append(crystals.judged(found, truth))
    assert (verdicts.count("right"), verdicts.count("wrong")) == (8, 0)


def test_outliers_take_no_part(crystals):
    truth = crystals.Truth()
    rng = np.random.default_rng(5)
    xy = rng.permutation(crystals.spot_positions(truth, (58, 58, 150, 90, 90, 90), seed=8))[:400]
    stray = rng.uniform(0, 2400, (150, 2))
    spots = crystals.as_spots(np.concatenate([xy, stray]))
    found = solve_lattice(spots, truth.geometry(off=(3.0, 5.0)))
    assert found is not None
    assert crystals.judged(found, truth) == "right"
    assert np.allclose(found.center_px, truth.center, atol=0.1)
    assert 0.65 < found.share < 0.85
    residual = found.predicted[found.indexed] - np.stack([spots.x, spots.y], axis=1)[found.indexed]
    assert np.sqrt((residual**2).mean()) == pytest.approx(found.rms_px, rel=1e-6)
    assert np.isnan(found.predicted[~found.indexed]).all()


def test_two_lattices_share_one_detector(crystals):
    truth = crystals.Truth()
    first = crystals.spot_positions(truth, (49, 66, 91, 90, 90, 90), seed=11)
    second = crystals.spot_positions(truth, (71, 71, 83, 90, 90, 90), seed=12)
    rng = np.random.default_rng(1)
    spots = crystals.as_spots(
        np.concatenate([rng.permutation(first)[:350], rng.permutation(second)[:220]]), most=900
    )
    found = solve_lattice(spots, truth.geometry(off=(-5.0, 4.0)))
    assert found is not None
    assert crystals.judged(found, truth) == "right"
    assert [lattice.bravais for lattice in found.lattices] == ["oP", "tP"]
    assert found.share > 0.9
    assert not (found.lattices[0].indexed & found.lattices[1].indexed).any()
    assert np.allclose(found.center_px, truth.center, atol=0.05)
    assert np.allclose(found.tilt_deg, truth.tilt, atol=0.05)


def test_offsets_are_listed_over_all_directions_of_the_beam(crystals):
    """The beam of a swung crystal lies far from a start without the swing: 5 of 6 come first."""
    verdicts = []
    for seed in range(6):
        truth = crystals.Truth(tilt=(1.0, 24.0), distance=150.0, center=(200.0, 1215.8))
        geometry = truth.geometry(tilt=truth.tilt)
        foot, normal = np.array(geometry.foot_px()), geometry.normal_distance_mm()
        xy = crystals.spot_positions(truth, (61, 72, 83, 90, 90, 90), seed=seed, d_min=1.8)
        # Absorbed in a depth of 0.1 mm.
        spots = crystals.as_spots(foot + (xy - foot) * (1.0 + 0.1 / normal), most=400)
        # The same detector seen along its normal.
        start = Geometry(geometry.foot_px(), normal, geometry.pixel_mm, 1.0)
        found = solve_lattice(spots, start, sigma_px=20.0)
        assert found is not None
        off = [np.hypot(*np.subtract(offset.center_px, truth.center)) for offset in found.offsets]
        verdicts.append(int(np.argmin(off)))
        right = refined_at(found, found.offsets[verdicts[-1]])
        assert right is not None
        assert np.allclose(right.center_px, truth.center, atol=0.15)
        assert np.allclose(right.tilt_deg, truth.tilt, atol=0.1)
    assert (verdicts.count(0), max(verdicts)) == (5, 1)


def test_likelihoods_of_offsets_hold_nothing_of_the_start(crystals):
    """Two starts list the same offsets, and what was found from the first is kept for the second."""
    truth = crystals.Truth(distance=150.0)
    spots = crystals.as_spots(crystals.spot_positions(truth, (49, 66, 91, 90, 90, 90), seed=4), most=60)
    first = solve_lattice(spots, truth.geometry(), sigma_px=10.0)
    other = truth.geometry(off=(30.0, -8.0))
    assert first is not None
    again = solve_lattice(spots, other, sigma_px=2.0, known=first)
    afresh = solve_lattice(spots, other, sigma_px=2.0)
    assert again is not None
    assert afresh is not None
    assert len(first.offsets) > 3
    assert again.offsets is first.offsets
    assert first.offsets[0].log_likelihood == 0.0
    assert np.allclose(first.center_px, truth.center, atol=0.15)
    for one in (again, afresh):
        near = min(np.hypot(*np.subtract(offset.center_px, truth.center)) for offset in one.offsets)
        assert near < 1.0


def test_smeared_arcs_are_covered_by_the_error(crystals):
    """Blocks turned about the beam smear spots along arcs, the more the further out."""
    truth = crystals.Truth()
    xy = crystals.spot_positions(truth, (49, 66, 91, 90, 90, 90), seed=21)
    rng = np.random.default_rng(2)
    pulls = []
    for number in range(6):
        away = xy - truth.center
        turned = away + rng.normal(0, 2e-3, (len(xy), 1)) * away[:, ::-1] * [-1, 1]
        spots = crystals.as_spots(turned + truth.center, most=400, seed=number)
        found = solve_lattice(spots, truth.geometry(off=(3.0, 2.0)))
        assert found is not None
        assert crystals.judged(found, truth) == "right"
        error = np.array([*found.center_px, *found.tilt_deg]) - [*truth.center, *truth.tilt]
        assert np.abs(error[:2]).max() < 0.2
        pulls.append(error / np.sqrt(np.diag(found.covariance)))
    assert np.sqrt(np.mean(np.square(pulls))) < 1.6


def test_a_wrong_distance_is_found_again(crystals):
    truth = crystals.Truth()
    spots = crystals.as_spots(crystals.spot_positions(truth, (78.1, 78.1, 78.1, 90, 90, 90), "I", seed=2))
    start = replace(truth.geometry(off=(3.0, 3.0)), distance_mm=truth.distance * 1.01)
    found = solve_lattice(spots, start)
    assert found is not None
    assert np.allclose(found.center_px, truth.center, atol=0.15)
    assert found.distance_mm == pytest.approx(truth.distance, rel=0.004)
    assert any("distance" in note for note in found.notes)


def test_a_lattice_is_not_found_where_there_is_none(crystals):
    truth = crystals.Truth()
    for seed in range(3):
        xy = np.random.default_rng(seed).uniform(0, 2400, (250, 2))
        found = solve_lattice(crystals.as_spots(xy), truth.geometry())
        assert crystals.judged(found, truth) == "doubted"


def test_too_few_spots(crystals):
    """Sixty are enough, and it is the number alone that fewer of them lack."""
    truth = crystals.Truth()
    xy = crystals.spot_positions(truth, (58, 58, 150, 90, 90, 90), seed=8)
    verdicts = [
        crystals.judged(solve_lattice(crystals.as_spots(xy, most=count), truth.geometry()), truth)
        for count in (0, 3, 14, 20, 60)
    ]
    assert verdicts == [*["doubted"] * 4, "right"]


def test_no_wavelength_no_lattice(crystals):
    truth = crystals.Truth()
    spots = crystals.as_spots(crystals.spot_positions(truth, (58, 58, 150, 90, 90, 90), seed=8))
    assert solve_lattice(spots, replace(truth.geometry(), wavelength_A=None)) is None


def test_the_cell_given_is_checked(crystals):
    truth = crystals.Truth()
    cell = (78.1, 78.1, 78.1, 90.0, 90.0, 90.0)
    spots = crystals.as_spots(crystals.spot_positions(truth, cell, "I", seed=2))
    start = truth.geometry(off=(2.0, 1.0))
    right = solve_lattice(spots, start, cell=cell)
    wrong = solve_lattice(spots, start, cell=(50.0, 61.0, 70.0, 90.0, 90.0, 90.0))
    assert right is not None
    assert crystals.judged(right, truth) == "right"
    assert wrong is not None
    assert (right.other_cell, wrong.other_cell) == (False, True)
    assert best_lattice([wrong]) is None
    assert best_lattice([wrong, right]) is right


def test_few_spots_are_enough_where_the_cell_is_known(crystals):
    """Four small molecules: with 8, 12 and 30 spots all are right; that 5 could be chance is stated."""
    truth = crystals.Truth(center=(729.0, 866.0), tilt=(0.3, -0.2), distance=160.0, wavelength=0.689)
    cells = [(8.2, 12.2, 5.5, 90, 90, 90), (14.0, 9.6, 18.2, 90, 96.7, 90), (21, 21, 11, 90, 90, 90)]
    cells.append((9.0, 24.0, 13.0, 90, 104, 90))
    verdicts, beyond_chance = {}, {}
    for count in (5, 8, 12, 30):
        verdicts[count], beyond_chance[count] = [], 0
        for seed, cell in enumerate(cells):
            xy = crystals.spot_positions(truth, cell, seed=seed, width=3e-3, d_min=0.8)
            spots = crystals.as_spots(xy, most=count, seed=seed)
            found = solve_lattice(spots, truth.geometry(off=(5.0, -4.0)), sigma_px=10.0, cell=cell)
            verdicts[count].append(crystals.judged(found, truth, within_px=1.0))
            beyond_chance[count] += found is not None and found.diagnostics.log10_chance < -2.0
    assert "wrong" not in verdicts.pop(5)
    assert verdicts == {8: ["right"] * 4, 12: ["right"] * 4, 30: ["right"] * 4}
    assert beyond_chance == {5: 0, 8: 4, 12: 4, 30: 4}


def test_noise_is_not_taken_for_a_known_cell(crystals):
    truth = crystals.Truth(center=(729.0, 866.0), distance=160.0, wavelength=0.689)
    for seed in range(4):
        spots = crystals.as_spots(np.random.default_rng(seed).uniform(0, 1470, (12, 2)))
        found = solve_lattice(spots, truth.geometry(), cell=(8.2, 12.2, 5.5, 90, 90, 90))
        assert crystals.judged(found, truth) == "doubted"

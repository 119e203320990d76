"""What a detector makes of expected photons: means, variances, correlations, flaws, saturation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from xgeom_core.simulate.detectors import Detector, Faults, Record, Sensor
from xgeom_core.simulate.detectors.coverage import place, windows
from xgeom_core.simulate.detectors.layouts import layout
from xgeom_core.simulate.detectors.spreading import kernel, spread

SENSOR = Sensor("Si", 0.45, 12.7)


def detector(name: str, shape: tuple[int, int] | None = None, faults: Faults | None = None) -> Detector:
    chosen = layout(name)
    placing = place(chosen, shape or chosen.native_shape)
    pixel_mm = chosen.pixel_mm / placing.scale
    return Detector(
        name, placing.shape, pixel_mm, placing.corner, SENSOR, faults=faults or Faults(), marked=chosen.marks
    )


def flat(one: Detector, mean: float) -> NDArray[np.float32]:
    return np.full(one.shape, mean, dtype=np.float32)


def record(one: Detector, mean: float, seed: int = 0) -> Record:
    return one.record(flat(one, mean), np.random.default_rng(seed))


def test_counts_are_poisson_on_panels_and_nothing_in_gaps() -> None:
    one = detector("pilatus_1m")
    seen = record(one, 7.0)
    assert seen.counts.dtype == np.int32 and seen.saturated is None
    np.testing.assert_array_equal(seen.known, one.known())
    assert (seen.counts[~seen.known] == 0).all()
    good = seen.counts[seen.known]
    assert good.mean() == pytest.approx(7.0, rel=0.002) and good.var() == pytest.approx(7.0, rel=0.01)


def test_expected_image_stays_and_seed_decides() -> None:
    one = detector("mx170", (400, 400), Faults(0.01, 0.05, 1e-5, seed=3))
    image = flat(one, 5.0)
    first = one.record(image, np.random.default_rng(1))
    assert (image == 5.0).all()
    again = one.record(image, np.random.default_rng(1))
    np.testing.assert_array_equal(first.counts, again.counts)
    assert (one.record(image, np.random.default_rng(2)).counts != first.counts).mean() > 0.3
    with pytest.raises(ValueError, match="shape"):
        one.record(image[:-1], np.random.default_rng(1))


def test_gain_steps_follow_the_panels() -> None:
    one = detector("pilatus_1m", faults=Faults(gain_sigma=0.1, seed=5))
    counts = record(one, 200.0).counts
    means = [counts[window].mean() for window in windows(one.layout, one.placing)]
    assert 0.04 < np.std(np.log(means)) < 0.2
    # The same detector has the same gains in its next frame.
    others = record(one, 200.0, seed=9).counts
    np.testing.assert_allclose(
        [others[window].mean() for window in windows(one.layout, one.placing)], means, rtol=0.002
    )


def ccd(**values: float) -> Detector:
    return replace(detector("mx170", (1920, 1920)), **values)


def test_ccd_mean_and_variance_without_spread() -> None:
    one = ccd(adu_per_photon=2.5, pedestal=10.0, read_noise=3.0)
    counts = record(one, 20.0).counts
    assert counts.mean() == pytest.approx(10 + 2.5 * 20, rel=1e-3)
    # Photons, their varying light (a tenth), read-out, rounding.
    wanted = 2.5**2 * 20 * 1.1 + 9.0 + 1 / 12
    assert counts.var() == pytest.approx(wanted, rel=0.01)


def test_spread_light_correlates_neighbors() -> None:
    one = ccd(adu_per_photon=20.0, light_sigma_mm=0.08)
    counts = record(one, 50.0).counts[50:-50, 50:-50].astype(float)
    assert counts.mean() == pytest.approx(1000.0, rel=1e-3)
    shares = kernel(one.light_sigma_mm / one.pixel_mm).astype(float)
    line = np.concatenate([shares[:0:-1], shares])
    noise = counts - counts.mean()
    variance = 400 * 50 * np.sum(line**2) ** 2
    varying = 400 * 50 * 0.1 + 1 / 12
    assert noise.var() == pytest.approx(variance + varying, rel=0.02)
    for lag in (1, 2):
        wanted = variance * np.sum(line[lag:] * line[:-lag]) / np.sum(line**2)
        across = (noise[:, lag:] * noise[:, :-lag]).mean()
        down = (noise[lag:] * noise[:-lag]).mean()
        assert across == pytest.approx(wanted, rel=0.03)
        assert down == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.7])
def test_spread_is_a_gaussian_of_its_width_and_keeps_the_sum(sigma: float) -> None:
    image = np.zeros((61, 73), dtype=np.int32)
    image[30, 40] = 1_000_000
    light = spread(image, sigma).astype(float)
    assert light.sum() == pytest.approx(1e6, rel=1e-5)
    # Photons that land anywhere in their pixel and are then thrown about.
    rng = np.random.default_rng(1)
    thrown = np.floor(rng.random(400_000) + rng.normal(0.0, sigma, 400_000)).astype(int)
    wanted = np.bincount(thrown + 40, minlength=73)[:73] / 400_000
    np.testing.assert_allclose(light.sum(axis=0) / 1e6, wanted, atol=4e-3)
    np.testing.assert_allclose(light[:, 30:51].sum(axis=1) / 1e6, light.sum(axis=0)[10:71] / 1e6, atol=1e-4)


def test_no_spread_changes_nothing_and_edges_lose_light() -> None:
    image = np.random.default_rng(0).integers(0, 9, (20, 30)).astype(np.int32)
    np.testing.assert_array_equal(spread(image, 0.0), image)
    corner = np.zeros((9, 9), dtype=np.int32)
    corner[0, 0] = 1000
    assert 250 < spread(corner, 0.5).sum() < 900


def test_pooled_pixels_stand_for_sums() -> None:
    native = replace(ccd(adu_per_photon=1.0), pedestal=40.0, read_noise=6.0)
    pooled = replace(detector("mx170", (480, 480)), pedestal=40.0, read_noise=6.0)
    assert pooled.native_per_pixel == pytest.approx(16.0)
    blocks = record(native, 2.0).counts.reshape(480, 4, 480, 4).sum(axis=(1, 3))
    whole = record(pooled, 32.0).counts
    assert whole.mean() == pytest.approx(blocks.mean(), rel=2e-3)
    assert whole.std() == pytest.approx(blocks.std(), rel=0.02)
    assert pooled.overload == pytest.approx(16 * native.overload)


def test_hot_pixels_are_as_many_at_any_size() -> None:
    numbers = []
    for shape in ((1043, 981), (400, 400)):
        one = detector("pilatus_1m", shape, Faults(hot=5e-5, seed=8))
        numbers.append(int((record(one, 0.0).counts > 0).sum()))
    assert numbers[0] == pytest.approx(5e-5 * 1043 * 981 * 0.93, abs=25)
    assert numbers[1] == pytest.approx(numbers[0], abs=12)


def test_dead_pixels_and_lines_count_nothing() -> None:
    one = detector("pilatus_1m", faults=Faults(dead=1e-3, dead_lines=2, seed=4))
    whole = one.known()
    seen = record(one, 50.0)
    marked = whole & ~seen.known
    silent = seen.known & (seen.counts == 0)
    assert marked.sum() + silent.sum() == pytest.approx(1e-3 * whole.sum(), abs=600)
    assert marked.sum() > silent.sum() > 50
    pooled = detector("pilatus_1m", (348, 327), Faults(dead=1e-3, dead_lines=2, seed=4))
    np.testing.assert_array_equal(record(pooled, 50.0).known, pooled.known())


def test_a_dead_module_or_chip_is_unknown() -> None:
    shares = []
    for seed in range(12):
        one = detector("pilatus_1m", (500, 500), Faults(dead_areas=1, seed=seed))
        lost = one.known() & ~record(one, 3.0).known
        shares.append(lost.sum() / one.known().sum())
    # One of ten modules, or one of their sixteen chips.
    for share in shares:
        assert min(abs(share - 0.1), abs(share - 0.1 / 16)) < 0.002
    assert max(shares) > 0.09 and min(shares) < 0.01


def test_seams_lose_light() -> None:
    one = replace(detector("mx170", faults=Faults(seam=0.5)), adu_per_photon=1.0)
    counts = record(one, 1000.0).counts
    assert counts[200:800, 959:961].mean() == pytest.approx(500, rel=0.02)
    assert counts[200:800, 200:800].mean() == pytest.approx(1000, rel=0.01)


def test_saturated_pixels_are_cut_and_unknown() -> None:
    one = detector("mx170", (1920, 1920))
    image = flat(one, 3.0)
    image[100:103, 200:204] = 1e6
    image[300, 300] = 3e9
    seen = one.record(image, np.random.default_rng(0))
    assert seen.saturated is not None
    assert seen.saturated.sum() == 13
    assert not seen.known[seen.saturated].any()
    assert seen.counts.min() >= 0 and seen.counts.max() < one.overload


@pytest.mark.parametrize("name", ["mar345", "pilatus_300k"])
def test_unmarked_areas_read_zero_and_are_known(name: str) -> None:
    one = replace(detector(name, (500, 500)), marked=False, pedestal=10.0)
    seen = record(one, 30.0)
    blank = seen.known & ~one.sensitive()
    assert blank.sum() > 1000
    assert (seen.counts[blank] == 0).all()
    # Beyond the detector's own edge there is nothing to know.
    if name == "pilatus_300k":
        assert not seen.known[:, :50].any()


def test_filled_gaps_count() -> None:
    one = replace(detector("eiger_16m", (500, 500)), gaps=False)
    assert one.known()[:, 20:-20].all()
    assert record(one, 5.0).counts[:, 20:-20].mean() == pytest.approx(5.0, rel=0.01)

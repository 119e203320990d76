"""Poisson numbers and read-out noise: distributions, independence, reproducibility."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from xgeom_core.simulate.detectors.counting import poisson_tables, sample_poisson
from xgeom_core.simulate.detectors.read_out import add_read_out

LEVELS = [0.05, 0.7, 1.0, 3.0, 11.9, 12.1, 40.0, 63.99, 64.01, 500.0, 4159.0, 4161.0, 1e5]


def expected(mean: float, number: int) -> NDArray[np.float32]:
    return np.full(number, mean, dtype=np.float32)


@pytest.mark.parametrize("mean", LEVELS)
def test_distribution_is_poisson(mean: float) -> None:
    image = expected(mean, 1_500_000)
    exact = float(image[0])
    counts = sample_poisson(image, np.random.default_rng(11))
    low, high = (int(stats.poisson.ppf(share, exact)) for share in (1e-5, 1 - 1e-5))
    edges = np.unique(np.linspace(low, high + 1, min(high - low + 2, 150)).astype(int))
    chances = np.concatenate(
        [
            [stats.poisson.cdf(edges[0] - 1, exact)],
            np.diff(stats.poisson.cdf(edges - 1, exact)),
            [stats.poisson.sf(edges[-1] - 1, exact)],
        ]
    )
    bins = np.searchsorted(edges, counts, side="right")
    seen = np.bincount(bins, minlength=len(edges) + 1)
    wanted = chances * counts.size
    use = wanted > 5
    chi2 = ((seen - wanted)[use] ** 2 / wanted[use]).sum()
    assert stats.chi2.sf(chi2, use.sum() - 1) > 1e-3
    assert counts.mean() == pytest.approx(exact, abs=4 * np.sqrt(exact / counts.size))
    spread_of_variance = np.sqrt((2 * exact**2 + exact) / counts.size)
    assert counts.var() == pytest.approx(exact, abs=4 * spread_of_variance)


def test_tables_hold_exact_probabilities() -> None:
    fine, coarse, first = poisson_tables()
    for table, bits, means, start in (
        (fine, 7, np.arange(512) / 8, np.zeros(512, dtype=int)),
        (coarse, 10, np.arange(65) * 64.0, first),
    ):
        size = 2**bits
        for row in (0, 1, 5, 40, 64, len(table) - 1):
            share = (table[row] >> bits).astype(float) / 2 ** (32 - bits)
            chances = np.bincount(table[row] & (size - 1), weights=1.0 - share, minlength=size) + share
            wanted = stats.poisson.pmf(start[row] + np.arange(size), means[row])
            np.testing.assert_allclose(chances / size, wanted, atol=2e-9)


def test_neighbors_are_independent() -> None:
    for mean in (0.3, 20.0, 300.0):
        counts = sample_poisson(expected(mean, 1_000_000).reshape(1000, 1000), np.random.default_rng(5))
        z = (counts - mean) / np.sqrt(mean)
        for other in (z[:, 1:] * z[:, :-1], z[1:] * z[:-1], z[2:] * z[:-2]):
            assert abs(other.mean()) < 4.5e-3


def test_means_of_a_gradient() -> None:
    # Every fraction of a table step, across the seams between tables.
    image = np.repeat(np.linspace(0.01, 130.0, 2000, dtype=np.float32)[:, None], 400, axis=1)
    counts = sample_poisson(image, np.random.default_rng(2))
    z = (counts.mean(axis=1) - image[:, 0]) / np.sqrt(image[:, 0] / 400)
    assert abs(z.mean()) < 4 / np.sqrt(2000)
    assert z.std() == pytest.approx(1.0, abs=0.07)


def test_same_seed_same_counts() -> None:
    image = np.linspace(0, 4000, 20_000, dtype=np.float32)
    counts = sample_poisson(image, np.random.default_rng(1))
    np.testing.assert_array_equal(counts, sample_poisson(image, np.random.default_rng(1)))
    assert (counts != sample_poisson(image, np.random.default_rng(2))).mean() > 0.9
    # The very bits: they must not change with the machine or by accident.
    assert zlib.crc32(counts.astype("<i4").tobytes()) == 3911605229


def test_a_frame_takes_one_number_from_the_generator() -> None:
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    sample_poisson(expected(3.0, 10), one)
    sample_poisson(expected(300.0, 100_000), other)
    assert one.integers(2**40) == other.integers(2**40)


def test_what_is_not_above_zero_counts_nothing() -> None:
    image = np.array([0.0, -1.0, np.nan, -np.inf, 1e-30, np.inf], dtype=np.float32)
    counts = sample_poisson(image, np.random.default_rng(0))
    assert counts[:5].tolist() == [0, 0, 0, 0, 0]
    assert counts[5] == pytest.approx(1e9, rel=1e-3)


def test_read_out_noise_is_normal() -> None:
    values = add_read_out(expected(1000.0, 500_000), 5000.0, 300.0, 0.0, np.random.default_rng(3))
    z = (values - 6000.0) / 300.0
    assert stats.kstest(z[:100_000], "norm").pvalue > 1e-3
    # The ziggurat's tail begins at 3.65.
    for limit in (1.0, 3.0, 3.7):
        share = 2 * stats.norm.sf(limit)
        assert (np.abs(z) > limit).mean() == pytest.approx(share, abs=4 * np.sqrt(share / z.size))
    assert abs((z[1:] * z[:-1]).mean()) < 4 / np.sqrt(z.size)


def test_read_out_rounds_and_never_falls_below_zero() -> None:
    still = add_read_out(np.array([0.4, 0.6, 7.0], np.float32), 10.0, 0.0, 0.0, np.random.default_rng(0))
    assert still.tolist() == [10, 11, 17]
    noisy = add_read_out(expected(0.0, 10_000), 0.0, 50.0, 0.0, np.random.default_rng(0))
    assert noisy.min() == 0


def test_light_varies_with_the_signal() -> None:
    values = add_read_out(expected(10_000.0, 200_000), 0.0, 30.0, 2.0, np.random.default_rng(4))
    assert values.var() == pytest.approx(900 + 2.0 * 10_000, rel=0.02)

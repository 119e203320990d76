"""Spots put at known places and found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from xgeom_core.frame import Frame
from xgeom_core.predict.spots.find import find_spots

SHAPE = (400, 440)


def _draw(x, y, counts, sigma, shape=SHAPE) -> np.ndarray:
    image = np.zeros(shape)
    edges_x, edges_y = np.arange(shape[1] + 1), np.arange(shape[0] + 1)
    for px, py, n in zip(x, y, counts, strict=True):
        column = np.diff(erf((edges_x - px) / sigma / np.sqrt(2))) / 2
        row = np.diff(erf((edges_y - py) / sigma / np.sqrt(2))) / 2
        image += n * np.outer(row, column)
    return image


def _grid(rng, step=32, margin=24):
    gx, gy = np.meshgrid(
        np.arange(margin, SHAPE[1] - margin, step), np.arange(margin, SHAPE[0] - margin, step)
    )
    return gx.ravel() + rng.uniform(-4, 4, gx.size), gy.ravel() + rng.uniform(-4, 4, gx.size)


def _frame(image, valid=None) -> Frame:
    valid = np.ones(image.shape, dtype=bool) if valid is None else valid
    return Frame(np.where(valid, image, 0).astype(np.float32), valid, np.zeros(image.shape, dtype=bool))


def _match(spots, x, y, reach=1.5):
    away = np.hypot(spots.x[:, None] - x, spots.y[:, None] - y)
    return away.min(axis=1) < reach, away.argmin(axis=1)


@pytest.mark.parametrize("background", [0.05, 1.0, 30.0, 500.0])
def test_spots_on_any_background(background):
    rng = np.random.default_rng(0)
    x, y = _grid(rng)
    counts = np.full(x.size, max(60.0, 60.0 * np.sqrt(background)))
    image = rng.poisson(_draw(x, y, counts, 1.2) + background)
    spots = find_spots(_frame(image))
    right, which = _match(spots, x, y)
    assert right.sum() > 0.95 * x.size
    assert (~right).sum() <= 2
    pulls = (spots.x[right] - x[which[right]]) / spots.sigma_px[right]
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.6
    assert abs(np.mean(spots.x[right] - x[which[right]])) < 0.1
    assert np.median(spots.counts[right]) == pytest.approx(counts[0], rel=0.2)


@pytest.mark.parametrize("background", [0.05, 3.0, 500.0])
def test_noise_alone_has_no_spots(background):
    image = np.random.default_rng(1).poisson(background, (1200, 1200))
    assert len(find_spots(_frame(image))) <= 2


def test_centroids_without_noise_are_exact():
    rng = np.random.default_rng(2)
    x, y = _grid(rng)
    for sigma in (0.7, 1.2, 2.5):
        image = _draw(x, y, np.full(x.size, 5000.0), sigma) + 2.0 + rng.normal(0, 0.5, SHAPE)
        spots = find_spots(_frame(image))
        right, which = _match(spots, x, y)
        assert right.sum() > 0.95 * x.size
        assert np.abs(spots.x[right] - x[which[right]]).max() < 0.1
        assert np.abs(np.mean(spots.y[right] - y[which[right]])) < 0.01


def test_binary_frames():
    rng = np.random.default_rng(3)
    x, y = _grid(rng)
    image = (_draw(x, y, rng.uniform(30, 3000, x.size), 1.5) > 3).astype(float)
    spots = find_spots(_frame(image))
    right, which = _match(spots, x, y)
    assert right.sum() > 0.95 * x.size
    assert (~right).sum() == 0
    away = np.stack([spots.x[right] - x[which[right]], spots.y[right] - y[which[right]]])
    assert np.sqrt(np.mean(away**2)) < 0.3
    assert np.abs(away.mean(axis=1)).max() < 0.06
    assert spots.is_map


def test_a_frame_of_few_photons_is_no_map_of_spots():
    # It holds two values as well, but it has a background.
    photons = np.random.default_rng(8).poisson(0.02, SHAPE)
    assert not find_spots(_frame(np.minimum(photons, 1))).is_map


def test_neighbors_stay_apart():
    rng = np.random.default_rng(4)
    x, y = _grid(rng)
    x2 = x + 7.0
    both = _draw(np.r_[x, x2], np.r_[y, y], np.full(2 * x.size, 2000.0), 1.2)
    spots = find_spots(_frame(rng.poisson(both + 1.0)))
    right, which = _match(spots, np.r_[x, x2], np.r_[y, y])
    assert len(set(which[right])) > 0.95 * 2 * x.size
    assert np.median(np.abs(spots.x[right] - np.r_[x, x2][which[right]])) < 0.1


def test_hot_pixels_are_no_spots():
    rng = np.random.default_rng(5)
    x, y = _grid(rng)
    image = rng.poisson(_draw(x, y, np.full(x.size, 800.0), 1.2) + 1.0)
    hot = rng.integers(5, 395, (40, 2))
    image[hot[:, 0], hot[:, 1]] += 5000
    spots = find_spots(_frame(image))
    for row, column in hot:
        on_spot = (np.hypot(x - column, y - row) < 8).any()
        near = np.hypot(spots.x - column - 0.5, spots.y - row - 0.5) < 1.0
        assert on_spot or not near.any()


def test_hot_pixels_among_small_spots():
    rng = np.random.default_rng(12)
    x, y = _grid(rng)
    image = rng.poisson(_draw(x, y, np.full(x.size, 800.0), 0.35) + 2.0)
    hot = rng.integers(5, 395, (25, 2))
    image[hot[:, 0], hot[:, 1]] += 900
    spots = find_spots(_frame(image))
    assert np.hypot(spots.x[:, None] - hot[:, 1] - 0.5, spots.y[:, None] - hot[:, 0] - 0.5).min() > 0.2
    assert _match(spots, x, y)[0].sum() > 0.9 * x.size


def test_a_crowd_of_faint_specks_is_no_spots():
    rng = np.random.default_rng(13)
    x, y = _grid(rng)
    specks_x, specks_y = rng.uniform(8, SHAPE[1] - 8, 500), rng.uniform(8, SHAPE[0] - 8, 500)
    faint = _draw(specks_x, specks_y, rng.uniform(40.0, 65.0, 500), 0.8)
    strong = _draw(x, y, np.geomspace(150.0, 3000.0, x.size), 0.8)
    alone = find_spots(_frame(rng.poisson(strong + 10.0)))
    both = find_spots(_frame(rng.poisson(strong + faint + 10.0)))
    assert _match(alone, x, y)[0].sum() > 0.95 * x.size
    right = _match(both, x, y)[0]
    assert right.sum() > 0.9 * x.size
    assert (~right).sum() < 0.1 * 500


def test_only_hot_pixels():
    rng = np.random.default_rng(6)
    image = rng.poisson(1.0, (600, 600))
    hot = rng.integers(5, 595, (60, 2))
    image[hot[:, 0], hot[:, 1]] += 3000
    assert len(find_spots(_frame(image))) <= 2


def test_spots_at_masked_pixels_are_left_out():
    rng = np.random.default_rng(7)
    x, y = _grid(rng)
    image = rng.poisson(_draw(x, y, np.full(x.size, 2000.0), 1.2) + 1.0)
    valid = np.ones(SHAPE, dtype=bool)
    column = round(x[10])
    valid[:, column : column + 3] = False
    spots = find_spots(_frame(image, valid))
    assert len(spots) > 50
    assert (np.abs(spots.x - column - 1.5) > 2.5).all()
    assert np.isfinite(spots.sigma_px).all()


def test_order_and_limit():
    rng = np.random.default_rng(8)
    x, y = _grid(rng)
    image = rng.poisson(_draw(x, y, rng.exponential(2000.0, x.size), 1.0) + 1.0)
    spots = find_spots(_frame(image), most=20)
    assert len(spots) == 20
    assert (np.diff(spots.snr) <= 0).all()
    assert spots.shape == SHAPE


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 60)),
        np.full((50, 60), 7.0),
        np.ones((1, 1)),
        np.ones((1, 300)),
        np.full((40, 40), -3.0),
        np.random.default_rng(0).normal(-5, 2, (64, 64)),
        np.where(np.eye(64) > 0, np.inf, 1.0),
        np.full((64, 64), 4e9),
    ],
)
def test_hostile_frames(image):
    spots = find_spots(_frame(image))
    assert len(spots) <= 2


def test_nothing_valid():
    assert len(find_spots(_frame(np.ones((64, 64)), np.zeros((64, 64), dtype=bool)))) == 0


def _disk(image, x, y, radius):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    image[(columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 <= radius**2] = 1.0


def test_binary_spots_that_touch_by_a_corner_are_two():
    image = np.zeros((200, 200))
    for row in range(20, 180, 20):
        for column in range(20, 180, 20):
            image[row : row + 3, column : column + 3] = 1.0
            image[row + 3 : row + 6, column + 3 : column + 6] = 1.0
    spots = find_spots(_frame(image))
    assert len(spots) == 2 * 64
    assert set(np.unique(spots.x % 20)) == {1.5, 4.5}


def test_binary_spots_that_have_run_together_are_left_out_and_said_to_be_unknown():
    rng = np.random.default_rng(9)
    x, y = _grid(rng)
    image = np.zeros(SHAPE)
    for px, py in zip(x, y, strict=True):
        _disk(image, px, py, 2.5)
    merged = np.arange(0, x.size, 5)
    for px, py in zip(x[merged], y[merged], strict=True):
        for step in (4.0, 8.0, 12.0):
            _disk(image, px + step, py, 2.5)
    spots = find_spots(_frame(image))
    right, which = _match(spots, x, y, reach=0.5)
    assert right.all()
    assert not np.isin(which, merged).any()
    assert len(spots) == x.size - len(merged)
    assert spots.known is not None
    for px, py in zip(x[merged], y[merged], strict=True):
        assert not spots.known[int(py), int(px)]
    assert spots.known.mean() > 0.9

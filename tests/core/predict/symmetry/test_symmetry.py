"""Symmetries of a frame give its center where there are any, with honest bars, and never break."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.spots.spot_list import Spots, no_spots
from xgeom_core.predict.symmetry import (
    Witness,
    find_direct_beam,
    find_friedel,
    find_inversion,
    find_quadrants,
    find_spot_cloud,
    find_witnesses,
)

SHAPE = (400, 460)
CENTERS = [(230.3, 200.8), (262.7, 171.4), (196.2, 226.6), (240.9, 150.2)]


def frame_of(mean: np.ndarray, seed: int, valid: np.ndarray | None = None) -> Frame:
    counts = np.random.default_rng(seed).poisson(mean).astype(np.float32)
    valid = np.ones(mean.shape, dtype=bool) if valid is None else valid
    counts[~valid] = 0
    return Frame(counts, valid, np.zeros_like(valid), Metadata())


def polar(center: tuple[float, float], turn_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Along and across an axis turned from +x, in px from the center."""
    x = np.arange(SHAPE[1]) + 0.5 - center[0]
    y = (np.arange(SHAPE[0]) + 0.5 - center[1])[:, None]
    cosine, sine = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return x * cosine + y * sine, y * cosine - x * sine


def fiber(center: tuple[float, float], turn_deg: float, seed: int) -> Frame:
    """An equatorial streak with reflections, and layer lines; a stop with an arm, and a gap."""
    u, v = polar(center, turn_deg)
    radius = np.hypot(u, v)
    mean = 3.0 + 200.0 * np.exp(-radius / 25.0) + 60.0 * np.exp(-np.abs(u) / 60.0 - 0.5 * (v / 5.0) ** 2)
    for at in (70.0, 105.0):
        mean += 120.0 * np.exp(-0.5 * ((np.abs(u) - at) / 4.0) ** 2 - 0.5 * (v / 7.0) ** 2)
    for layer in (45.0, 90.0, 135.0):
        mean += 25.0 * np.exp(-0.5 * ((np.abs(v) - layer) / 3.0) ** 2 - 0.5 * (u / 40.0) ** 2)
    valid = np.ones(SHAPE, dtype=bool)
    valid[120:127] = False
    mean[(radius < 14) | ((np.abs(u + v) < 4) & (u > 0))] = 0.3
    return frame_of(mean, seed, valid)


def electron(center: tuple[float, float], seed: int) -> Frame:
    """A direct beam with its halo, and Bragg spots of a lattice that the beam outshines."""
    u, v = polar(center)
    radius = np.hypot(u, v)
    mean = 1.0 + 30.0 * np.exp(-radius / 30.0) + 4000.0 * np.exp(-0.5 * (radius / 3.0) ** 2)
    rng = np.random.default_rng(seed)
    for _ in range(60):
        x, y = rng.uniform(-180, 180, 2)
        mean += rng.uniform(5, 80) * np.exp(-0.5 * ((u - x) ** 2 + (v - y) ** 2) / 1.5**2)
    return frame_of(mean, seed)


def cloud(center: tuple[float, float], seed: int, number: int = 250) -> tuple[Frame, Spots]:
    """Spots whose density falls off around the beam, on a panel with gaps and its beam off the middle."""
    rng = np.random.default_rng(seed)
    places = np.array(center) + rng.normal(0.0, 80.0, size=(number, 2))
    valid = np.ones(SHAPE, dtype=bool)
    valid[:, 300:316] = False
    inside = (places > 0).all(axis=1) & (places[:, 0] < SHAPE[1]) & (places[:, 1] < SHAPE[0])
    places = places[inside]
    places = places[valid[places[:, 1].astype(int), places[:, 0].astype(int)]]
    some = np.ones(len(places))
    spots = Spots(places[:, 0], places[:, 1], some, 100 * some, 9 * some, some.astype(int), SHAPE, valid)
    return frame_of(np.ones(SHAPE), seed, valid), spots


def pull(found: Witness, center: tuple[float, float]) -> float:
    sigma = np.sqrt(np.diag(found.covariance))
    return float(np.abs(np.subtract(found.center_px, center) / sigma).max())


@pytest.mark.parametrize("method", [find_inversion, find_quadrants])
def test_fibers_are_found_to_a_pixel(method) -> None:
    found = [(method(fiber(at, 20.0 * k, k)), at) for k, at in enumerate(CENTERS)]
    right = [w for w, at in found if w and np.hypot(*np.subtract(w.center_px, at)) < 1.0 and pull(w, at) < 3]
    assert len(right) == 4


@pytest.mark.parametrize("turn", [0.0, 17.0, 63.0])
def test_quadrants_give_the_axis(turn: float) -> None:
    found = find_quadrants(fiber(CENTERS[1], turn, 5))
    assert found is not None
    assert found.axis_deg is not None
    assert abs((found.axis_deg - turn + 45.0) % 90.0 - 45.0) < 1.0


def test_the_direct_beam_is_found_to_a_third_of_a_pixel() -> None:
    found = [(find_direct_beam(electron(at, k)), at) for k, at in enumerate(CENTERS)]
    assert sum(w is not None and np.hypot(*np.subtract(w.center_px, at)) < 0.3 for w, at in found) == 4
    assert all(w is not None and pull(w, at) < 3 for w, at in found)


@pytest.mark.parametrize("masked", [False, True])
def test_a_clipped_beam_is_found(masked: bool) -> None:
    center = CENTERS[2]
    frame = electron(center, 3)
    clipped = frame.data > 300
    data = np.where(clipped, 0 if masked else 300, frame.data).astype(np.float32)
    valid = ~clipped if masked else frame.valid
    found = find_direct_beam(Frame(data, valid, clipped & ~valid, Metadata()))
    assert found is not None
    assert pull(found, center) < 3
    assert np.hypot(*np.subtract(found.center_px, center)) < 0.5


def test_spots_hot_pixels_and_a_stop_are_no_beam() -> None:
    u, v = polar(CENTERS[0])
    radius = np.hypot(u, v)
    mean = np.where(radius < 15, 0.2, 5.0 + 40.0 * np.exp(-0.5 * ((radius - 110.0) / 25.0) ** 2))
    hits = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        picture = mean.copy()
        for strength in (3000.0, 1500.0, 400.0):
            x, y = rng.uniform(-150, 150, 2)
            picture += strength * np.exp(-0.5 * ((u - x) ** 2 + (v - y) ** 2) / 1.3**2)
        frame = frame_of(picture, seed)
        frame.data[rng.integers(400), rng.integers(460)] = 1e6
        hits += find_direct_beam(frame) is not None
    assert hits == 0


def test_the_spot_cloud_knows_its_middle_and_its_error() -> None:
    pulls = []
    for seed in range(12):
        center = CENTERS[seed % 4]
        found = find_spot_cloud(*cloud(center, seed))
        assert found is not None
        pulls.append(pull(found, center))
        assert np.hypot(*np.subtract(found.center_px, center)) < 30
    assert sum(value < 3 for value in pulls) >= 11
    assert sum(value < 0.2 for value in pulls) <= 4


def test_an_even_scatter_of_spots_has_no_middle() -> None:
    frame, spots = cloud(CENTERS[0], 1)
    rng = np.random.default_rng(7)
    even = spots.take(slice(None))
    even.x[:], even.y[:] = rng.uniform(0, SHAPE[1], len(even)), rng.uniform(0, SHAPE[0], len(even))
    assert find_spot_cloud(frame, even) is None


def test_friedel_pairs_share_their_midpoint() -> None:
    rng, center = np.random.default_rng(3), np.array([238.4, 193.1])
    off = rng.uniform(-170, 170, size=(40, 2))
    places = np.concatenate([center + off, center - off, rng.uniform(0, 400, size=(15, 2))])
    some = np.ones(len(places))
    strength = np.concatenate([np.tile(rng.uniform(200, 600, 40), 2), rng.uniform(200, 600, 15)])
    spots = Spots(places[:, 0], places[:, 1], some, strength, 9 * some, some.astype(int), SHAPE)
    found = find_friedel(spots)
    assert found is not None
    assert found.center_px == pytest.approx(tuple(center), abs=0.6)
    places[:] = rng.uniform(0, 400, size=places.shape)
    shuffled = Spots(places[:, 0], places[:, 1], some, strength, 9 * some, some.astype(int), SHAPE)
    assert find_friedel(shuffled) is None


def test_a_beam_near_the_edge_is_found_from_a_part_of_the_panel() -> None:
    center = (120.4, 285.7)
    u, v = polar(center)
    radius = np.hypot(u, v)
    mean = 20.0 + 200.0 * sum(np.exp(-0.5 * ((radius - at) / 3.0) ** 2) for at in (40, 70, 95))
    found = find_inversion(frame_of(mean, 2))
    assert found is not None
    assert np.hypot(*np.subtract(found.center_px, center)) < 0.5
    assert pull(found, center) < 3


def test_noise_proposes_nothing() -> None:
    frames = [frame_of(np.full(SHAPE, 20.0), seed) for seed in range(4)]
    assert sum(len(find_witnesses(frame, find_spots(frame))) for frame in frames) == 0


def test_one_witness_a_source_with_finite_numbers() -> None:
    frame = electron(CENTERS[1], 4)
    found = find_witnesses(frame, find_spots(frame))
    assert "direct beam" in {witness.source for witness in found}
    assert len({witness.source for witness in found}) == len(found)
    for witness in found:
        assert np.linalg.eigvalsh(witness.covariance).min() > 0
        assert np.isfinite(list(witness.diagnostics.values())).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((300, 300)),
        np.full((300, 300), 7.0),
        np.full((300, 300), np.nan),
        np.full((300, 300), -5.0),
        np.full((300, 300), 3.4e38),
        np.random.default_rng(1).normal(0, 1e30, (300, 300)),
        np.random.default_rng(1).normal(-20, 3, (300, 300)),
        np.where(np.random.default_rng(1).random((300, 300)) < 0.1, np.nan, 5.0),
        np.where(np.random.default_rng(1).random((300, 300)) < 0.1, np.inf, 5.0),
        np.zeros((1, 1)),
        np.ones((1, 900)),
        np.random.default_rng(1).poisson(5.0, (13, 2000)).astype(float),
        np.linspace(0, 1e4, 90000).reshape(300, 300),
        np.eye(300) * 1e5,
    ],
)
def test_hostile_frames_break_nothing(image: np.ndarray) -> None:
    everything = np.ones(image.shape, dtype=bool)
    data = image.astype(np.float32)
    for valid, saturated in (
        (everything, ~everything),
        (~everything, ~everything),
        (~everything, everything),
    ):
        frame = Frame(data, valid, saturated, Metadata())
        with np.errstate(all="ignore"):
            spots = find_spots(frame)
        for witness in find_witnesses(frame, spots):
            assert np.isfinite(witness.center_px).all()
            assert np.isfinite(witness.covariance).all()
            assert np.isfinite(list(witness.diagnostics.values())).all()
        find_witnesses(frame, no_spots(image.shape))

"""The Predictor: exact maps to native pixels, and an answer or a reason for every frame."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.frames import open_frames
from xgeom_core.geometry import SYMMETRIES
from xgeom_core.metadata import Metadata
from xgeom_core.models.settings import ModelCard, NetworkSettings, Score
from xgeom_core.models.store import Model
from xgeom_core.predict import Predictor
from xgeom_core.predict.network import network_estimate, run_network
from xgeom_core.resources import resource


def brightest_pixel(frames: np.ndarray, told: np.ndarray | None = None) -> np.ndarray:
    """A perfect reader of one bright pixel, in place of a network."""
    side = frames.shape[-1]
    best = frames.reshape(len(frames), -1).argmax(axis=1)
    out = np.full((len(frames), 8), -4.0, np.float32)
    out[:, :2] = (np.stack([best % side, best // side], axis=1) + 0.5) / side - 0.5
    out[:, 2:4] = 0.0
    return out


def oracle(**settings: int) -> Model:
    network = NetworkSettings(**({"width": 4, "input_px": 64, "activations": 8} | settings))
    return Model(
        brightest_pixel, ModelCard(name="o", xgeom_version="0", network=network, frames_seen=0, steps=0)
    )


def blank(shape: tuple[int, int]) -> Frame:
    data = np.random.default_rng(0).poisson(3.0, shape).astype(np.float32)
    return Frame(data, np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool))


@pytest.mark.parametrize("shape", [(619, 487), (1024, 768), (100, 90), (2527, 2463)])
@pytest.mark.parametrize("share", [(0.3, 0.6), (0.5, 0.5), (0.71, 0.22)])
def test_what_the_network_sees_comes_back_in_native_pixels(
    shape: tuple[int, int], share: tuple[float, float]
) -> None:
    frame = blank(shape)
    row, column = int(share[0] * shape[0]), int(share[1] * shape[1])
    frame.data[row : row + 2, column : column + 2] = 1e5
    model = oracle()
    estimate = network_estimate(model, frame)
    step = max(shape) / model.card.network.canvas_px * model.card.network.supersampling + 2
    assert estimate.center_px == pytest.approx((column + 1, row + 1), abs=step)


def test_opinions_under_all_symmetries_are_turned_back() -> None:
    image = np.zeros((64, 64), dtype=np.float32)
    image[11, 40] = 1.0
    means, sigmas = run_network(oracle(), image)
    assert len(means) == len(SYMMETRIES)
    for mean, sigma in zip(means, sigmas, strict=True):
        assert mean[:2] == pytest.approx([40.5 / 64 - 0.5, 11.5 / 64 - 0.5])
        assert sigma == pytest.approx([np.sqrt(2) * np.exp(-4.0)] * 4, rel=1e-5)
    for symmetry in SYMMETRIES:
        turned = run_network(oracle(), np.ascontiguousarray(symmetry.image(image)))[0][0]
        back = symmetry.inverse.center((turned[0] + 0.5, turned[1] + 0.5), (1, 1))
        assert back == pytest.approx((40.5 / 64, 11.5 / 64))


@pytest.fixture(scope="module")
def example() -> tuple[Frame, tuple[float, float], tuple[float, float]]:
    """A bundled frame with a crystal and a water ring, and its center and tilt."""
    with open_frames(resource("example/frame.h5")) as source:
        truth = source.truth(0)
        assert truth is not None
        assert truth.tilt_deg is not None
        return source.frame(0), truth.center_px, truth.tilt_deg


def test_a_network_start_and_both_kinds_of_evidence_make_an_answer(example) -> None:
    frame, center, tilt = example
    x, y = (round(value) + 9 for value in center)
    data = frame.data.copy()
    data[y : y + 3, x : x + 3] = 9e5
    prediction = Predictor(oracle()).predict(replace(frame, data=data, valid=frame.valid | (data == 9e5)))
    assert (prediction.status, prediction.evidence) == ("ok", "lattice+background")
    best = prediction.best
    assert best is not None
    assert best.center_px == pytest.approx(center, abs=0.05)
    assert best.tilt_deg == pytest.approx(tilt, abs=0.03)
    assert [item.source for item in prediction.estimates] == ["header", "network", "fit"]
    assert prediction.background is not None
    assert prediction.background.center_px == pytest.approx(center, abs=1.0)
    crystal = prediction.crystal
    assert crystal is not None
    assert crystal.cell == pytest.approx((78.9, 78.9, 38.1, 90, 90, 90), abs=0.3)
    assert (crystal.bravais, crystal.trusted) == ("tP", True)
    assert crystal.indexed > 0.9 * crystal.spots


@pytest.mark.parametrize("use", [("background",), ("lattice",)])
def test_each_kind_of_evidence_can_answer_alone_from_a_stated_start(example, use, tiny_model) -> None:
    frame, center, _tilt = example
    start = (center[0] + 7.0, center[1] - 5.0)
    prediction = Predictor(tiny_model).predict(frame, start_px=start, use=use)
    assert (prediction.status, prediction.evidence) == ("ok", use[0])
    assert prediction.best is not None
    assert prediction.best.center_px == pytest.approx(center, abs=1.0 if use[0] == "background" else 0.05)
    assert prediction.network is None


def test_a_start_that_nothing_confirms_stays_a_start(tiny_model) -> None:
    prediction = Predictor(tiny_model).predict(blank((300, 300)), start_px=(120.0, 140.0))
    assert prediction.status == "uncertain"
    assert prediction.best is not None
    assert (prediction.best.source, prediction.best.center_px) == ("start", (120.0, 140.0))


def test_a_map_of_spots_has_no_background_to_fit(tiny_model) -> None:
    x, y = np.random.default_rng(5).integers(5, 295, (2, 60))
    ones = np.zeros((300, 300), dtype=np.float32)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        ones[y + i, x + j] = 1.0
    frame = replace(blank(ones.shape), data=ones)
    prediction = Predictor(tiny_model).predict(frame, explain=True)
    assert prediction.background is None
    assert "map of spots" in prediction.reason
    assert prediction.explanation is not None
    spots_alone = Predictor(tiny_model).predict(frame, use=("lattice",))
    assert "map of spots" not in spots_alone.reason


def test_the_network_can_be_asked_alone(tiny_model) -> None:
    alone = Predictor(tiny_model).predict(blank((300, 300)), fit=False)
    assert alone.best is not None
    assert (alone.best.source, alone.fit, alone.evidence) == ("network", None, "network")


def test_what_the_answer_rests_on_is_kept_if_asked_for(example, tiny_model) -> None:
    frame, center, _ = example
    prediction = Predictor(tiny_model).predict(frame, start_px=center, explain=True)
    explanation = prediction.explanation
    assert explanation is not None
    assert explanation.spots is not None
    assert explanation.spots.indexed.sum() > 300
    assert {mark.name for mark in explanation.marks} >= {"background", "lattice", "answer"}


def test_what_the_file_lacks_is_said(simulated, as_frame, tiny_model) -> None:
    made = simulated(3, size=300)
    frame, center = replace(as_frame(made), metadata=Metadata()), made.geometry.center_px
    prediction = Predictor(tiny_model).predict(frame, start_px=center)
    assert "distance and pixel size and wavelength" in prediction.warnings[0]
    assert prediction.fit is not None
    assert prediction.fit.center_px == pytest.approx(center, abs=0.15)
    assert prediction.fit.tilt_deg is None


HOSTILE = {
    "all zero": np.zeros((300, 200)),
    "constant": np.full((300, 200), 7.0),
    "one pixel": np.ones((1, 1)),
    "one row": np.arange(500.0)[None, :],
    "negative": np.random.default_rng(0).normal(-50, 10, (300, 300)),
    "huge": np.random.default_rng(0).uniform(0, 4e9, (300, 300)),
    "one hot pixel": np.pad([[5.0]], 150),
    "all nan": np.full((300, 200), np.nan),
    "saturated": np.full((300, 200), 65535.0),
    "noise": np.random.default_rng(0).poisson(0.05, (300, 300)).astype(float),
}


# In these there is something to look at, if nothing to see.
LOOKED_AT = {"one row", "negative", "huge", "one hot pixel", "noise"}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("fit", [True, False])
def test_odd_frames_get_a_reason_and_are_never_sure(name: str, fit: bool, tiny_model) -> None:
    data = HOSTILE[name].astype(np.float32)
    meta = Metadata(distance_mm=100.0, pixel_mm=(0.1, 0.1), wavelength_A=1.0)
    saturated = np.full(data.shape, name == "saturated")
    frame = Frame(np.nan_to_num(data), np.isfinite(data) & ~saturated, saturated, meta)
    prediction = Predictor(tiny_model).predict(frame, fit=fit)
    assert prediction.status == ("uncertain" if name in LOOKED_AT else "failed")
    assert len(prediction.reason) > 20
    json.dumps(prediction.record(), allow_nan=False)


def test_a_frame_without_a_usable_pixel_fails_with_a_reason(tiny_model) -> None:
    frame = blank((100, 100))
    masked = replace(frame, valid=np.zeros((100, 100), dtype=bool))
    prediction = Predictor(tiny_model).predict(masked)
    assert (prediction.status, prediction.best) == ("failed", None)
    assert "0 of 10000 pixels" in prediction.reason
    assert prediction.record()["center_px"] is None


@pytest.mark.parametrize(("tilt_deg", "says"), [(1.9, False), (0.5, True)])
def test_a_network_without_skill_at_tilts_claims_none(tilt_deg: float, says: bool) -> None:
    score = Score(
        data="standard",
        frames=64,
        center_px820=5.0,
        center_constant_px820=70.0,
        tilt_deg=tilt_deg,
        tilt_constant_deg=2.0,
    )
    model = oracle()
    skilled = Model(model.network, model.card.model_copy(update={"scores": [score]}))
    estimate = network_estimate(skilled, blank((300, 300)))
    assert (estimate.tilt_deg is not None) == says
    assert (estimate.tilt_sigma_deg is not None) == says
    assert estimate.center_sigma_px is not None

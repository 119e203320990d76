"""The bundled model and the fit on reference frames whose truth is known. Never tuned on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xgeom_core.frames import open_frames
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Prediction, Predictor


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load("default")


def predict(predictor: Predictor, path: Path, **given: object) -> Prediction:
    with open_frames(path) as source:
        frame = source.frame(0)
    meta: Metadata = frame.metadata.overridden(**given)  # type: ignore[arg-type]
    return predictor.predict(replace(frame, metadata=meta))


def miss(prediction: Prediction, center: tuple[float, float]) -> float:
    assert prediction.best is not None
    return float(np.hypot(*np.subtract(prediction.best.center_px, center)))


@pytest.mark.parametrize("number", range(7))
def test_frames_of_an_independent_simulator(predictor: Predictor, frames_dir: Path, number: int) -> None:
    truth = json.loads((frames_dir / "nanobragg" / "truth.json").read_text())[number]
    prediction = predict(predictor, frames_dir / "nanobragg" / f"frame_{number:02d}.h5")
    center = (truth["center_x_px"], truth["center_y_px"])
    if truth["kind"] == "standard":
        assert prediction.status == "ok"
        assert prediction.best is not None
        assert prediction.best.center_px == pytest.approx(center, abs=0.1)
        assert prediction.best.tilt_deg == pytest.approx((truth["pitch_deg"], truth["yaw_deg"]), abs=0.05)
    else:
        assert prediction.status == "uncertain" or miss(prediction, center) < 1.0
        assert prediction.best is not None


def test_real_frames_with_a_ring(predictor: Predictor, frames_dir: Path) -> None:
    home = predict(
        predictor,
        frames_dir / "home_pilatus300k" / "in16c_010001.cbf",
        distance_mm=40.0,
        pixel_mm=(0.172, 0.172),
        wavelength_A=1.542,
    )
    assert home.status == "ok"
    assert miss(home, (244.95, 306.82)) < 0.5, "the header is off by 1.5 px"
    rayonix = predict(
        predictor,
        frames_dir / "rayonix_sfx" / "hit-20181213155134902.h5",
        distance_mm=124.0,
        pixel_mm=(0.1770833, 0.1770833),
        wavelength_A=1.30376,
    )
    # Shadows of tape leave the background unsure of the tilt; the rough center must be good all the same.
    assert miss(rayonix, (960.1, 960.6)) < (1.5 if rayonix.status == "ok" else 10.0)


@pytest.mark.parametrize("name", ["thau_3_2_0003.cbf.bz2", "thau_3_2_0016.cbf.bz2"])
def test_lopsided_real_background(predictor: Predictor, frames_dir: Path, name: str) -> None:
    prediction = predict(predictor, frames_dir / "i04_thaumatin" / name)
    assert prediction.status == ("ok" if "0003" in name else "uncertain")
    assert miss(prediction, (1261.56, 1307.32)) < (0.3 if prediction.status == "ok" else 30.0)

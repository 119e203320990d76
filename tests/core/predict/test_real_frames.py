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
def predictor(default_predictor: Predictor) -> Predictor:
    return default_predictor


def predict(predictor: Predictor, path: Path, **given: object) -> Prediction:
    with open_frames(path) as source:
        frame = source.frame(0)
    meta: Metadata = frame.metadata.overridden(**given)  # type: ignore[arg-type]
    return predictor.predict(replace(frame, metadata=meta))


def miss(prediction: Prediction, center: tuple[float, float]) -> float:
    assert prediction.best is not None
    return float(np.hypot(*np.subtract(prediction.best.center_px, center)))


def test_frames_of_an_independent_simulator(predictor: Predictor, frames_dir: Path) -> None:
    """Six or more of seven are answered, and no answer is wrong."""
    answered = []
    for number, truth in enumerate(json.loads((frames_dir / "nanobragg" / "truth.json").read_text())):
        prediction = predict(predictor, frames_dir / "nanobragg" / f"frame_{number:02d}.h5")
        off = miss(prediction, (truth["center_x_px"], truth["center_y_px"]))
        if prediction.status == "ok":
            answered.append(number)
            assert off < 0.1, number
        if truth["kind"] == "standard":
            assert prediction.best is not None
            assert number in answered
            tilt = (truth["pitch_deg"], truth["yaw_deg"])
            assert prediction.best.tilt_deg == pytest.approx(tilt, abs=0.05)
    assert len(answered) >= 6


def test_real_frames(predictor: Predictor, frames_dir: Path) -> None:
    """Two or more of four are answered, and no answer is wrong; the others get a rough center."""
    home = predict(
        predictor,
        frames_dir / "home_pilatus300k" / "in16c_010001.cbf",
        distance_mm=40.0,
        pixel_mm=(0.172, 0.172),
        wavelength_A=1.542,
    )
    # Shadows of tape leave the background unsure of the tilt.
    rayonix = predict(
        predictor,
        frames_dir / "rayonix_sfx" / "hit-20181213155134902.h5",
        distance_mm=124.0,
        pixel_mm=(0.1770833, 0.1770833),
        wavelength_A=1.30376,
    )
    # Lopsided background, and the second with hardly a spot.
    lopsided = [
        predict(predictor, frames_dir / "i04_thaumatin" / f"thau_3_2_{number}.cbf.bz2")
        for number in ("0003", "0016")
    ]
    assert home.status == lopsided[0].status == "ok"
    for prediction, center, right_px, rough_px in (
        # The header is off by 1.5 px.
        (home, (244.95, 306.82), 0.5, 0.5),
        (rayonix, (960.1, 960.6), 1.5, 10.0),
        (lopsided[0], (1261.56, 1307.32), 0.3, 0.3),
        (lopsided[1], (1261.56, 1307.32), 0.3, 30.0),
    ):
        assert miss(prediction, center) < (right_px if prediction.status == "ok" else rough_px)

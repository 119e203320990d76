"""Every classical method finds what it can find, says so where it cannot, and never breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgeom_core.frame import Frame
from xgeom_core.geometry import SYMMETRIES
from xgeom_core.metadata import Metadata
from xgeom_core.predict.classical import METHODS

ON_BACKGROUND = ("center-of-mass", "circle", "radial-symmetry", "inversion", "midpoint", "ring-fit")
# Native px of a 460-px frame, on a broad ring with gaps and a shadow, off the middle of the panel.
WITHIN = {
    "center-of-mass": 6.0,
    "circle": 5.0,
    "radial-symmetry": 1.0,
    # It solves for a tilt as well, which gaps and shadows pass for.
    "inversion": 1.2,
    "midpoint": 1.0,
    "ring-fit": 1.2,
}


def miss(
    name: str, frame: Frame, center: tuple[float, float], start: tuple[float, float] | None = None
) -> float:
    found = METHODS[name](frame, start)
    assert found.source == name
    assert found.status == "ok", found.reason
    return float(np.hypot(*np.subtract(found.center_px, center)))


@pytest.mark.parametrize("name", ON_BACKGROUND)
@pytest.mark.parametrize("center", [(230.0, 200.0), (251.3, 187.6)])
def test_the_center_of_a_broad_ring(name: str, center: tuple[float, float], ringed) -> None:
    assert miss(name, ringed(center), center) < WITHIN[name]


@pytest.mark.parametrize("name", ["circle", "radial-symmetry", "inversion", "ring-fit"])
def test_the_center_of_powder_rings(name: str, ringed) -> None:
    center = (215.7, 209.2)
    limit = {"circle": 1.0, "radial-symmetry": 1.0, "inversion": 0.5, "ring-fit": 0.05}[name]
    assert miss(name, ringed(center, powder=True), center) < limit


def test_rings_give_the_tilt(ringed) -> None:
    center, tilt = (215.7, 209.2), (1.5, -2.0)
    found = METHODS["ring-fit"](ringed(center, tilt, powder=True), (220.0, 205.0))
    assert found.status == "ok"
    assert found.tilt_deg == pytest.approx(tilt, abs=0.15)
    assert found.center_px == pytest.approx(center, abs=0.3)
    assert found.tilt_sigma_deg is not None
    pulls = np.abs(np.subtract(found.tilt_deg, tilt)) / found.tilt_sigma_deg
    assert pulls.max() < 3.5


def test_rings_of_a_steeply_tilted_detector(ringed) -> None:
    center, tilt = (215.7, 209.2), (0.0, 20.0)
    found = METHODS["ring-fit"](ringed(center, tilt, powder=True, level=300.0), (213.0, 211.0))
    assert found.status == "ok"
    assert found.tilt_deg == pytest.approx(tilt, abs=0.5)
    assert found.center_px == pytest.approx(center, abs=1.0)


def test_without_a_distance_rings_give_the_center_alone(ringed) -> None:
    center = (215.7, 209.2)
    found = METHODS["ring-fit"](ringed(center, (1.5, -2.0), powder=True, known_distance=False))
    assert found.tilt_deg is None
    assert found.center_px == pytest.approx(center, abs=0.3)


def test_one_broad_ring_claims_no_tilt(ringed) -> None:
    assert METHODS["ring-fit"](ringed((230.0, 200.0))).tilt_deg is None


def test_pairs_of_spots_share_their_midpoint(paired) -> None:
    center = (238.4, 193.1)
    found = METHODS["friedel"](paired(center))
    assert found.status == "ok", found.reason
    assert found.center_px == pytest.approx(center, abs=0.6)
    alone = METHODS["friedel"](paired(center, pairs=0, lone=90))
    assert alone.status == "uncertain"


@pytest.mark.parametrize("name", ON_BACKGROUND)
def test_symmetries_of_the_frame_are_those_of_the_answer(name: str, ringed) -> None:
    frame = ringed((246.0, 191.0))
    plain = METHODS[name](frame).center_px
    for symmetry in SYMMETRIES[1::4]:
        turned = replace(
            frame,
            data=np.ascontiguousarray(symmetry.image(frame.data)),
            valid=np.ascontiguousarray(symmetry.image(frame.valid)),
            saturated=np.ascontiguousarray(symmetry.image(frame.saturated)),
        )
        expected = symmetry.center(plain, frame.shape)
        assert METHODS[name](turned).center_px == pytest.approx(expected, abs=0.6 * WITHIN[name] + 0.2)


def test_pairs_along_one_line_are_not_believed() -> None:
    counts = np.random.default_rng(5).poisson(1.0, size=(400, 460)).astype(np.float32)
    for k in range(-20, 21):
        counts[200, 230 + 10 * k] += 300.0 + 3.0 * abs(k)
        counts[201, 230 + 10 * k] += 200.0
    everything = np.ones(counts.shape, dtype=bool)
    assert METHODS["friedel"](Frame(counts, everything, ~everything, Metadata())).status == "uncertain"


@pytest.mark.parametrize("name", METHODS)
def test_a_flat_frame_says_nothing(name: str) -> None:
    counts = np.random.default_rng(2).poisson(20.0, size=(400, 460)).astype(np.float32)
    everything = np.ones(counts.shape, dtype=bool)
    found = METHODS[name](Frame(counts, everything, ~everything, Metadata()))
    assert found.status == "uncertain"
    assert found.reason
    assert min(found.center_sigma_px or (0.0,)) > 50


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((300, 300)),
        np.full((300, 300), 7.0),
        np.full((300, 300), np.nan),
        np.full((300, 300), -5.0),
        np.full((300, 300), 4294967295.0),
        np.zeros((1, 1)),
        np.ones((1, 900)),
        np.linspace(0, 1e4, 90000).reshape(300, 300),
        np.eye(300) * 1e5,
    ],
    ids=["zero", "constant", "nan", "negative", "sentinels", "pixel", "row", "slope", "diagonal"],
)
def test_odd_frames_get_an_answer(name: str, image: np.ndarray) -> None:
    everything = np.ones(image.shape, dtype=bool)
    for valid, start in ((everything, None), (everything, (1e6, -1e6)), (~everything, None)):
        found = METHODS[name](Frame(image.astype(np.float32), valid, ~valid, Metadata()), start)
        assert np.isfinite(found.center_px).all()
        assert found.covariance is not None
        assert np.isfinite(found.covariance).all()
        if not valid.any():
            assert found.status == "uncertain"


@settings(max_examples=2)
@given(x=st.floats(180, 280), y=st.floats(160, 240))
def test_error_bars_are_no_boast(ringed, x: float, y: float) -> None:
    frame = ringed((x, y), gaps=False)
    for name in ("circle", "radial-symmetry", "inversion", "midpoint"):
        found = METHODS[name](frame)
        if found.status == "ok":
            off = np.abs(np.subtract(found.center_px, (x, y)))
            assert np.all(off < 4.0 * np.array(found.center_sigma_px)), name


def test_the_list_has_one_line_each() -> None:
    assert len(METHODS) == 7
    for name, method in METHODS.items():
        assert method.name == name
        assert method.when.startswith("works ")
        assert len(method.when) < 110

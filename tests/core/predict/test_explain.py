"""The explanation holds what happened, and its picture is a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xgeom_core.errors import UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import fit_radial
from xgeom_core.predict.lattice.solution import LatticeSolution, spots_in_words
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.sources import background_finding
from xgeom_core.predict.posterior.verdict import reach_verdict
from xgeom_core.predict.posterior.weigh import weigh
from xgeom_core.predict.report.explain import Explanation, explain_figure
from xgeom_core.predict.spots.find import Spots

CENTER = (205.0, 190.0)
META = Metadata(distance_mm=100.0, pixel_mm=(0.2, 0.2), wavelength_A=1.0)


@pytest.fixture(scope="module")
def frame() -> Frame:
    geometry = Geometry(CENTER, 100.0, (0.2, 0.2), 1.0, 0.5, -0.4)
    x, y = np.arange(400) + 0.5, (np.arange(400) + 0.5)[:, None]
    radius = 500.0 * np.tan(geometry.two_theta(x, y))
    counts = np.random.default_rng(4).poisson(5 + 90 * np.exp(-0.5 * ((radius - 110) / 22) ** 2))
    valid = np.ones(counts.shape, dtype=bool)
    valid[100:108] = False
    return Frame(
        np.where(valid, counts, 0).astype(np.float32), valid, ~valid, META, path="run/a.cbf", index=3
    )


def network() -> Estimate:
    return Estimate("network", (209.0, 186.0), covariance=np.eye(2) * 9.0)


def lattice() -> tuple[Spots, LatticeSolution]:
    rng = np.random.default_rng(1)
    places = rng.uniform(20, 380, size=(60, 2))
    ones = np.ones(60)
    spots = Spots(
        places[:, 0], places[:, 1], 0.1 * ones, 100 * ones, 9 * ones, 5 * ones.astype(np.int64), (400, 400)
    )
    indexed = np.arange(60) < 50
    predicted = np.where(indexed[:, None], places + rng.normal(0, 0.1, size=(60, 2)), np.nan)
    covariance = np.diag([0.05, 0.05, 0.03, 0.03]) ** 2
    cell = (50.0, 60.0, 70.0, 90.0, 90.0, 90.0)
    reciprocal = np.diag([1 / 50, 1 / 60, 1 / 70])
    solution = LatticeSolution(
        CENTER,
        (0.5, -0.4),
        covariance,
        cell,
        "oP",
        reciprocal,
        indexed,
        50 / 60,
        0.1,
        (),
        predicted,
        100.0,
    )
    return spots, solution


def pixels(png: bytes) -> np.ndarray:
    image = pytest.importorskip("PIL.Image")
    import io

    return np.asarray(image.open(io.BytesIO(png)).convert("RGB"))


def test_everything_is_gathered_and_drawn(frame: Frame, tmp_path) -> None:
    background = fit_radial(frame, network().center_px)
    spots, solution = lattice()
    assert background is not None
    rough = Finding.of("network", network().center_px, None, np.eye(2))
    said = [
        item
        for item in (
            rough,
            background_finding([background], [np.array([*network().center_px, 0.0, 0.0])], 400),
        )
        if item is not None
    ]
    answer = reach_verdict(weigh(said, frame.shape), None)
    told = Explanation.from_parts(frame, network(), background, solution, answer, spots)
    assert told.title == "a.cbf  [3]"
    assert [mark.name for mark in told.marks] == ["network", "background", "lattice", "answer"]
    assert told.shares()["masked"] == pytest.approx(8 / 400, abs=0.01)
    words = dict(told.lines)
    assert "50.0, 60.0, 70.0 Å" in words["cell"]
    assert "50 of 60 spots" in words["indexed"]
    assert told.spots is not None
    assert told.spots.indexed.sum() == 50
    path = tmp_path / "why.png"
    png = explain_figure(told, path)
    assert path.read_bytes() == png
    assert pixels(png).shape == (1100, 1760, 3)


def test_sectors_disagree_about_a_wrong_center_and_agree_about_the_right_one(frame: Frame) -> None:
    right = Estimate("fit", CENTER, (0.5, -0.4), np.eye(4) * 0.01)
    told = Explanation.from_parts(frame, network(), None, None, right)
    assert told.before is not None
    assert told.after is not None
    # Features lie farther out where the center was put too near to them: -shift . (cos, sin).
    angle = np.radians(told.before.azimuth_deg)
    expected = -(4.0 * np.cos(angle) - 4.0 * np.sin(angle))
    assert told.before.shift_px == pytest.approx(expected, abs=1.2)
    assert np.abs(told.after.shift_px).max() < 0.7


def test_parts_may_be_missing(frame: Frame) -> None:
    unsure = Estimate("network", (209.0, 186.0), None, np.eye(2) * 9.0, "uncertain", "Nothing " * 60)
    for given in (frame, replace(frame, metadata=Metadata(), path="")):
        told = Explanation.from_parts(given, None, None, None, unsure)
        assert told.geometry is None or given is frame
        assert pixels(explain_figure(told)).std() > 5


def test_hostile_frames_are_drawn_too() -> None:
    answer = Estimate("network", (-300.0, 50.0), None, None, "uncertain", "Nothing to see.")
    for image, known in (
        (np.zeros((1, 1)), True),
        (np.full((50, 70), np.nan), True),
        (np.ones((300, 3)), False),
    ):
        valid = np.full(image.shape, known)
        bare = Frame(image.astype(np.float32), valid, ~valid, META)
        png = explain_figure(Explanation.from_parts(bare, None, None, None, answer))
        assert png.startswith(b"\x89PNG")


def test_a_folder_that_is_not_there_is_said(frame: Frame, tmp_path) -> None:
    answer = Estimate("fit", CENTER, None, np.eye(2))
    told = Explanation.from_parts(frame, None, None, None, answer)
    with pytest.raises(UsageError, match=r"why\.png cannot be written"):
        explain_figure(told, tmp_path / "absent" / "why.png")


def test_spots_that_took_no_part_are_not_counted_as_left_over() -> None:
    assert spots_in_words(90, 100, 100) == "90 of 100 spots"
    assert spots_in_words(90, 0, 100) == "90 of 100 spots"
    assert spots_in_words(1429, 1500, 7603) == "1429 of the 1500 strongest of 7603 spots"

"""What scripts can rely on: the list of names, how light it is, and what the calls give."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xgeom_core as xgeom
from xgeom_core.errors import UsageError

PUBLIC = {
    "Answer", "Candidate", "Estimate", "Frame", "Geometry", "Metadata", "Reading", "SharedGeometry",
    "XgeomError",
    "__version__", "example_file", "locate", "locate_each", "open_frames", "open_run", "read_geometry",
    "read_mask", "share_geometry", "simulated_frame", "spacings_A", "write_geometry",
}  # fmt: skip


@pytest.fixture(scope="module")
def made():
    """A simulated frame with spots, its truth, and the answer for it."""
    frame, center, tilt = xgeom.simulated_frame("standard", seed=3)
    return frame, center, tilt, xgeom.locate(frame)


def test_what_is_public_is_pinned() -> None:
    assert set(xgeom.__all__) == PUBLIC == set(dir(xgeom))
    for name in PUBLIC - {"__version__"}:
        found = getattr(xgeom, name)
        assert found.__name__ == name and found.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'find_beam'"):
        xgeom.find_beam  # noqa: B018


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, xgeom_core; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "scipy", "torch", "h5py", "matplotlib", "pydantic"} & set(loaded.split())


def test_a_frame_is_located_with_its_error_bar(made) -> None:
    _, center, tilt, answer = made
    assert answer.ok and answer.reason == "" and "lattice" in answer.evidence
    pulls = np.subtract(answer.center_px, center) / answer.center_sigma_px
    turns = np.subtract(answer.tilt_deg, tilt) / answer.tilt_sigma_deg
    assert np.abs(pulls).max() < 4 and np.abs(turns).max() < 4
    assert max(answer.center_sigma_px) < 0.1 and answer.probability > 0.99
    assert answer.candidates[0].center_px == pytest.approx(answer.center_px, abs=0.05)
    assert json.loads(json.dumps(answer.to_dict()))["status"] == "ok"
    assert answer.geometry.center_px == answer.center_px and answer.geometry.pitch_deg == answer.tilt_deg[0]


def test_an_array_with_numbers_is_as_good_as_a_frame(made) -> None:
    frame, center, _, _ = made
    image = np.where(frame.valid, frame.data, np.nan)
    known = frame.metadata
    answer = xgeom.locate(
        image, distance_mm=known.distance_mm, pixel_mm=known.pixel_mm, wavelength_A=known.wavelength_A
    )
    assert answer.ok and np.hypot(*np.subtract(answer.center_px, center)) < 0.1


def test_without_a_distance_there_is_a_center_but_nothing_to_write(made, tmp_path: Path) -> None:
    frame = made[0]
    answer = xgeom.locate(frame.data, mask=~frame.valid)
    assert answer.tilt_deg is None and answer.geometry is None
    with pytest.raises(UsageError, match="Distance and pixel size are not known"):
        answer.write(tmp_path / "a.poni")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.expt", "XDS.INP", "a.geom", "a.poni", "a.nxs"])
def test_what_is_written_is_read_back(made, tmp_path: Path, name: str) -> None:
    answer = made[3]
    (reading,) = xgeom.read_geometry(answer.write(tmp_path / name))
    assert reading.estimate.center_px == pytest.approx(answer.center_px, abs=1e-3)
    if name != "a.geom":
        assert reading.estimate.tilt_deg == pytest.approx(answer.tilt_deg, abs=1e-3)
    with pytest.raises(UsageError, match="is there already"):
        answer.write(tmp_path / name)
    answer.write(tmp_path / name, overwrite=True)


def test_a_name_that_tells_no_program_is_refused(made, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not tell for which program.*dials"):
        made[3].write(tmp_path / "geometry.dat")


def test_an_answer_draws_itself(made) -> None:
    answer = made[3]
    assert "center (" in repr(answer) and answer.picture().startswith(b"\x89PNG")
    assert "data:image/png;base64," in answer._repr_html_()


def test_every_frame_of_a_file_in_order_and_one_that_is_not_there() -> None:
    found = list(xgeom.locate_each([xgeom.example_file(), "nowhere.cbf"], jobs=2))
    assert [answer.status for answer in found] == ["ok", "ok", "ok", "failed"]
    assert [answer.prediction.index for answer in found[:3]] == [0, 1, 2]
    assert "nowhere.cbf does not exist" in found[3].reason and found[3].center_px is None
    alone = xgeom.locate(xgeom.example_file(), frame=1)
    assert alone.center_px == pytest.approx(found[1].center_px, abs=1e-6)
    shared = xgeom.share_geometry([answer.prediction for answer in found])
    assert shared.status == "ok" and shared.used == 3


def test_a_stack_and_which_of_its_frames() -> None:
    stack = np.stack(
        [xgeom.simulated_frame("background-only", (96, 96), seed=1, index=i)[0].data for i in range(3)]
    )
    found = list(xgeom.locate_each(stack, frames=[2, 0]))
    assert [answer.prediction.index for answer in found] == [2, 0]


@pytest.mark.parametrize(
    ("image", "given", "words"),
    [
        (np.zeros((4, 4, 4, 4)), {}, "two axes"),
        (np.array([["a"]]), {}, "numbers"),
        (7, {}, "not in int"),
        (np.zeros((64, 64)), {"distance_mm": -1.0}, "distance_mm must be a positive number"),
        (np.zeros((64, 64)), {"mask": np.zeros((3, 3))}, "must be the same"),
        ([], {}, "no frame"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(image, given, words) -> None:
    with pytest.raises(UsageError, match=words):
        xgeom.locate(image, **given)


def test_jobs_below_one_are_refused() -> None:
    with pytest.raises(UsageError, match="jobs"):
        next(xgeom.locate_each(np.zeros((8, 8)), jobs=0))

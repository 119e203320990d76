"""What is written is read back, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.errors import FrameFileError
from xgeom_core.estimate import Estimate
from xgeom_core.frames import open_frames, write_nxmx
from xgeom_core.metadata import Metadata

METADATA = Metadata(
    distance_mm=187.3,
    wavelength_A=0.97934,
    pixel_mm=(0.075, 0.0751),
    center_px=(19.123456789, 23.5),
    tilt_deg=(0.5, -1.25),
    saturation=60000.0,
    detector="made up 2k",
)


def test_frames_geometry_mask_and_truth_come_back(tmp_path: Path, images: Any) -> None:
    stack = images(3, dtype="u2")
    stack[2, 10, 10] = 60001
    valid = np.ones((48, 40), bool)
    valid[4, 5] = False
    truth = [Estimate("truth", (19.0, 23.0), tilt_deg=(0.1, -0.2)), Estimate("truth", (18.5, 22.5)), None]

    write_nxmx(tmp_path / "out.h5", stack, METADATA, valid, truth=truth)

    with open_frames(tmp_path / "out.h5") as source:
        for name in (
            "distance_mm",
            "wavelength_A",
            "pixel_mm",
            "center_px",
            "tilt_deg",
            "saturation",
            "detector",
        ):
            assert getattr(source.metadata, name) == getattr(METADATA, name), name
        frame = source.frame(2)
        known = [source.truth(index) for index in range(3)]
    assert np.argwhere(~frame.valid).tolist() == [[4, 5], [10, 10]]
    assert np.argwhere(frame.saturated).tolist() == [[10, 10]]
    np.testing.assert_array_equal(frame.data[frame.valid], stack[2][frame.valid])
    assert known[0] is not None
    assert known[1] is not None
    assert (known[0].source, known[0].center_px, known[0].tilt_deg) == ("truth", (19.0, 23.0), (0.1, -0.2))
    assert (known[1].center_px, known[1].tilt_deg) == ((18.5, 22.5), None)
    assert known[2] is None


def test_without_truth_and_metadata_nothing_is_made_up(tmp_path: Path, images: Any) -> None:
    write_nxmx(tmp_path / "out.h5", images(1), Metadata())

    with open_frames(tmp_path / "out.h5") as source:
        assert source.metadata == Metadata()
        assert source.truth(0) is None
        assert source.frame(0).valid.all()


@given(dtype=st.sampled_from(["u1", "u2", "u4", "i2", "i4"]), seed=st.integers(0, 2**31))
def test_counts_of_every_integer_type_come_back(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, seed: int
) -> None:
    stack = np.random.default_rng(seed).integers(0, 100, size=(2, 17, 23)).astype(dtype)
    path = tmp_path_factory.mktemp("nxmx") / "out.h5"

    write_nxmx(path, stack, Metadata())

    with open_frames(path) as source:
        for index, image in enumerate(stack):
            np.testing.assert_array_equal(source.frame(index).data, image)


def test_one_compressed_chunk_per_frame(tmp_path: Path) -> None:
    write_nxmx(tmp_path / "out.h5", np.zeros((4, 300, 200), np.uint16), Metadata())

    assert (tmp_path / "out.h5").stat().st_size < 4 * 300 * 200 * 2 / 5
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["entry/data/data"].chunks == (1, 300, 200)


def test_a_file_that_fails_leaves_the_old_one_and_no_remains(
    tmp_path: Path, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.h5"
    write_nxmx(path, images(1), METADATA)
    before = path.read_bytes()

    def no_space(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(FrameFileError, match="No space left"):
        write_nxmx(path, images(2), METADATA)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path, images: Any) -> None:
    with pytest.raises(FrameFileError, match="cannot be written"):
        write_nxmx(tmp_path / "nowhere" / "out.h5", images(1), METADATA)


@pytest.mark.parametrize(
    ("stack", "valid", "truth"),
    [
        (np.zeros((4, 4), np.int32), None, None),
        (np.zeros((1, 4, 4), np.float32), None, None),
        (np.zeros((1, 4, 4), np.int32), np.ones((4, 5), bool), None),
        (np.zeros((1, 4, 4), np.int32), None, []),
    ],
)
def test_arrays_that_do_not_fit_are_the_callers_mistake(
    tmp_path: Path, stack: Any, valid: Any, truth: Any
) -> None:
    with pytest.raises(ValueError, match=r"images|valid|centers"):
        write_nxmx(tmp_path / "out.h5", stack, METADATA, valid, truth=truth)

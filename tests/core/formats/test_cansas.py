"""NXcanSAS: the center is where Q is zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.registry import read_geometry
from xgeom_core.frames import open_frames

SHAPE = (60, 80)


def _write(path: Path, qx: Any, qy: Any, **attributes: Any) -> None:
    with h5py.File(path, "w") as file:
        entry = file.create_group("sasentry01")
        entry.attrs["NX_class"] = "SASentry"
        entry["title"] = np.array([b"pure water"])
        data = entry.create_group("sasdata")
        data.attrs.update({"NX_class": "SASdata", "signal": "I", **attributes})
        data["I"], data["Idev"] = np.ones(SHAPE), np.ones(SHAPE)
        data["Qx"], data["Qy"] = qx, qy


@given(
    center=st.tuples(st.floats(-20, 100), st.floats(-20, 80)),
    slopes=st.tuples(st.floats(1e-4, 1e-2), st.floats(1e-4, 1e-2)),
    signs=st.tuples(st.sampled_from([-1, 1]), st.sampled_from([-1, 1])),
    swapped=st.booleans(),
    turn_deg=st.floats(-30, 30),
)
def test_the_center_is_where_q_is_zero(
    tmp_path_factory: pytest.TempPathFactory,
    center: tuple[float, float],
    slopes: tuple[float, float],
    signs: tuple[int, int],
    swapped: bool,
    turn_deg: float,
) -> None:
    y, x = np.indices(SHAPE) + 0.5
    across, down = signs[0] * slopes[0] * (x - center[0]), signs[1] * slopes[1] * (y - center[1])
    turn = np.radians(turn_deg)
    q = across * np.cos(turn) - down * np.sin(turn), across * np.sin(turn) + down * np.cos(turn)
    path = tmp_path_factory.getbasetemp() / "q.h5"
    _write(path, *(q[::-1] if swapped else q))

    (reading,) = read_geometry(path)
    with open_frames(path) as source:
        found = source.metadata

    assert (source.layout, source.dataset) == ("HDF5", "/sasentry01/sasdata/I")
    assert found.center_px == pytest.approx(center, abs=1e-6)
    assert (reading.estimate.center_px, reading.distance_mm, found.pixel_mm) == (found.center_px, None, None)
    assert found.title == "pure water"


def test_q_along_the_axes_alone(tmp_path: Path) -> None:
    along_y, along_x = np.arange(60) + 0.5 - 12.25, np.arange(80) + 0.5 - 33.0
    for name, order, qx, qy in (("a", "Qx,Qy", along_y, along_x), ("b", "Qy,Qx", along_x, along_y)):
        _write(tmp_path / name, qx, qy, I_axes=order)
        with open_frames(tmp_path / name) as source:
            assert source.metadata.center_px == pytest.approx((33.0, 12.25))
            assert [one.sense for one in source.metadata.verdicts] == ["plausible"]


def test_a_grid_that_tells_nothing_gives_no_center(tmp_path: Path) -> None:
    _write(tmp_path / "q.h5", np.ones(SHAPE), np.ones(SHAPE))
    with open_frames(tmp_path / "q.h5") as source:
        assert source.metadata.center_px is None
        assert "grid of Q" in source.frame(0).warnings[0]
    with pytest.raises(MissingDatasetError, match="states no beam center"):
        read_geometry(tmp_path / "q.h5")


def test_a_real_one(frames_dir: Path) -> None:
    path = frames_dir.parent / "frames2" / "33837rear_2D_1.75_16.5_NXcanSAS.h5"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the reference frames")
    with open_frames(path) as source:
        assert source.metadata.center_px == pytest.approx((75.0, 75.0), abs=1e-6)
        assert (source.metadata.distance_mm, source.metadata.title) == (None, "MH4_5deg_16T_SLOW")


def test_a_newer_file_with_nexus_classes_is_a_grid_too(tmp_path: Path) -> None:
    """Later versions of the definition name NXentry, NXdata and NXdetector beside their own classes."""
    y, x = np.indices(SHAPE) + 0.5
    _write(tmp_path / "q.h5", x - 30.0, y - 20.0)
    with h5py.File(tmp_path / "q.h5", "r+") as file:
        entry = file["sasentry01"]
        entry.attrs["NX_class"], entry["definition"] = "NXentry", "NXcanSAS"
        entry.create_group("instrument/detector").attrs["NX_class"] = "NXdetector"
        entry["instrument"].attrs["NX_class"] = "NXinstrument"
        entry["instrument/detector/beam_center_x"] = entry["instrument/detector/beam_center_y"] = 5.0
    (reading,) = read_geometry(tmp_path / "q.h5")
    with open_frames(tmp_path / "q.h5") as source:
        assert source.metadata.center_px == reading.estimate.center_px == pytest.approx((30.0, 20.0))

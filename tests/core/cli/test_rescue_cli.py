"""``xgeom rescue``: corrected copies for DIALS, XDS and CrystFEL; nothing where the frames are not sure."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from xgeom_core.formats.format import Writing
from xgeom_core.formats.registry import read_geometry, write_geometry
from xgeom_core.geometry import Geometry
from xgeom_core.resources import resource

EXAMPLE = resource("example/frame.h5")
SIZE = (1475, 1679)
TRUE_PX = (768.475, 874.759)


def stated(folder: Path, key: str, name: str, center: tuple[float, float], size=SIZE) -> Path:
    geometry = Geometry(center, 215.0, (0.172, 0.172), 0.9795)
    return write_geometry(key, Writing(geometry, size), folder / name)


@pytest.mark.parametrize(
    ("key", "name", "new", "command"),
    [
        ("dials", "imported.expt", "xgeom.expt", "dials.index {new} strong.refl"),
        ("xds", "XDS.INP", "XDS.INP.xgeom", "cp {new} XDS.INP"),
        ("crystfel", "a.geom", "xgeom.geom", "indexamajig -g {new} -i files.lst"),
    ],
)
def test_a_center_10_px_off_is_corrected_in_a_copy(xgeom, tmp_path, key, name, new, command) -> None:
    file = stated(tmp_path, key, name, (TRUE_PX[0] + 7.1, TRUE_PX[1] - 7.1))
    before = file.read_bytes()
    code, out, err = xgeom("rescue", file, EXAMPLE, "--count", "1", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert record["file"] == str(tmp_path / new) and file.read_bytes() == before
    (reading,) = read_geometry(tmp_path / new)
    assert reading.estimate.center_px == pytest.approx(TRUE_PX, abs=0.1)
    assert reading.estimate.tilt_deg == pytest.approx((0.55, -0.85), abs=0.05)
    assert record["off_px"] == pytest.approx(10.0, abs=0.2)
    assert record["indexed"][0] > 0.9 * record["indexed"][1] > 300
    assert any(line.startswith(command.format(new=tmp_path / new)) for line in record["commands"])
    assert len(record["commands"]) == 2
    code, _, err = xgeom("rescue", file, EXAMPLE, "--count", "1")
    assert code == 2 and "is there already" in err


def test_swapped_axes_are_named(xgeom, tmp_path) -> None:
    file = stated(tmp_path, "dials", "imported.expt", TRUE_PX[::-1])
    code, out, _ = xgeom("rescue", file, EXAMPLE, "--count", "1")
    assert code == 0 and "has x and y swapped" in out


def test_frames_that_tell_nothing_leave_no_file(xgeom, tmp_path) -> None:
    image = tmp_path / "dark.h5"
    with h5py.File(image, "w") as file:
        file["data"] = np.random.default_rng(0).poisson(1.0, (1, 280, 240)).astype(np.int32)
    expt = stated(tmp_path, "dials", "imported.expt", (120.0, 140.0), (240, 280))
    code, out, err = xgeom("rescue", expt, image)
    assert (code, out) == (1, "") and "nothing was written" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dark.h5", "imported.expt"]


def test_what_does_not_belong_together_is_told(xgeom, tmp_path) -> None:
    small = stated(tmp_path, "dials", "small.expt", (120.0, 140.0), (240, 280))
    poni = stated(tmp_path, "pyfai", "a.poni", TRUE_PX)
    for arguments, words in [
        ((small, EXAMPLE), "is for images of 240 x 280 px"),
        ((poni, EXAMPLE), "is no .expt of DIALS, XDS.INP or .geom of CrystFEL"),
        ((small,), "names no frames that are there"),
        ((small, EXAMPLE, "--cell", "1,2"), "--cell takes six numbers"),
    ]:
        code, out, err = xgeom("rescue", *arguments)
        assert (code, out) == (2, "") and words in err and err.count("\n") == 1, err

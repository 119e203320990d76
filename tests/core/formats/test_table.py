"""Tables of centers: xgeom's own, other people's columns, and what they leave open."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from any_geometry import geometries
from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.tables import table
from xgeom_core.geometry import Geometry

# As `xgeom predict --out` writes them.
COLUMNS = (
    "file,dataset,frame,status,source,evidence,x_px,y_px,x_sigma_px,y_sigma_px,pitch_deg,yaw_deg,pitch_sigma_deg,"
    "yaw_sigma_deg,network_x_px,network_y_px,header_x_px,header_y_px,spots,indexed,bravais,"
    "a_A,b_A,c_A,alpha_deg,beta_deg,gamma_deg,reason,elapsed_s"
)
OWN_CSV = f"""{COLUMNS}
run.h5,/entry/data/data,0,ok,fit,lattice,1041.2,1115.7,0.05,0.06,0.1,-0.2,0.01,0.02,1040.0,1116.0,1041.0,1115.0,\
99,90,tP,78.9,78.9,38.1,90,90,90,,0.5
run.h5,/entry/data/data,1,uncertain,network,network,1041.9,1116.7,1.5,1.6,,,,,1041.9,1116.7,,,\
3,0,,,,,,,,"few, weak spots",0.5
run.h5,/entry/data/data,2,failed,,,,,,,,,,,,,,,,,,,,,,,,nothing to be seen,0.5
"""


def own_record(frame: int, center: list[float] | None) -> dict:
    """As `xgeom predict --json` prints them."""
    return {
        "file": "run.h5",
        "dataset": None,
        "frame": frame,
        "status": "ok" if center else "failed",
        "reason": None if center else "nothing",
        "center_px": center,
        "center_sigma_px": [0.05, 0.06] if center else None,
        "tilt_deg": [0.1, -0.2] if center else None,
        "tilt_sigma_deg": [0.01, 0.02] if center else None,
        "source": "fit",
        "evidence": "background",
        "background": None,
        "lattice": None,
        "crystal": None,
        "network": {
            "center_px": [1.0, 2.0],
            "center_sigma_px": None,
            "tilt_deg": None,
            "tilt_sigma_deg": None,
        },
        "header": {"center_px": [3.0, 4.0]},
        "warnings": ["a note"],
        "elapsed_s": 0.5,
    }


def read(folder: Path, text: str, name: str = "centers.csv", hints: Hints = Hints()) -> list[Reading]:  # noqa: B008
    path = folder / name
    path.write_text(text)
    assert table.recognizes(path, text.encode()[:65536])
    return table.read(path, hints)


def test_own_csv(tmp_path: Path) -> None:
    first, second = read(tmp_path, OWN_CSV)
    assert (first.frame, second.frame) == (0, 1)
    assert first.estimate.center_px == (1041.2, 1115.7)
    assert first.estimate.tilt_deg == (0.1, -0.2)
    np.testing.assert_allclose(first.estimate.covariance, np.diag([0.05**2, 0.06**2, 0.01**2, 0.02**2]))
    assert first.choices == () and first.estimate.warnings == ()
    assert first.where == "run.h5 frame 0"
    assert second.estimate.tilt_deg is None
    np.testing.assert_allclose(second.estimate.covariance, np.diag([1.5**2, 1.6**2]))
    assert (second.estimate.status, second.estimate.reason) == ("uncertain", "few, weak spots")


@pytest.mark.parametrize("form", ["list", "lines", "wrapped"])
def test_own_json(tmp_path: Path, form: str) -> None:
    records = [own_record(0, [1041.2, 1115.7]), own_record(1, None), own_record(5, [7.0, 8.0])]
    text = {
        "list": json.dumps(records, indent=1),
        "lines": "\n".join(json.dumps(record) for record in records),
        "wrapped": json.dumps({"frames": records}),
    }[form]
    first, second = read(tmp_path, text, "centers.json")
    assert (first.frame, second.frame) == (0, 5)
    assert first.estimate.center_px == (1041.2, 1115.7)
    np.testing.assert_allclose(first.estimate.covariance, np.diag([0.05**2, 0.06**2, 0.01**2, 0.02**2]))
    assert second.choices == ()


def test_predict_still_writes_these_columns() -> None:
    """The table above is what the command writes today."""
    output = importlib.import_module("xgeom_core.cli.answer_file")
    assert list(output._flat(own_record(0, [1.0, 2.0]))) == COLUMNS.split(",")


@pytest.mark.parametrize(
    "text",
    [
        "frame,x,y\n3,100.5,200.25\n",
        "frame;center_x;center_y\n3;100.5;200.25\n",
        "# frame\tbeam_x\tbeam_y\n3\t100.5\t200.25\n",
        "# made by hand\n\n# frame  cx   cy\n    3  100.5  200.25\n",
        'Frame , "Beam Center X" , "Beam Centre Y"\n 3 , 100.5 , 200.25\n',
        "index,beamcenterx,beamcentery,cc\n3,100.5,200.25,0.9\n",
        '[{"frame": 3, "beam_center": [100.5, 200.25]}]',
        '[{"frame": 3, "cx": "100.5", "cy": 200.25}]',
        '{"index": 3, "center_x": 100.5, "center_y": 200.25}',
        "\ufeffevent,x_center,y_center\r\n3,100.5,200.25\r\n",
    ],
)
def test_other_peoples_columns(tmp_path: Path, text: str) -> None:
    """Whether they count from the corner or from the center of a pixel is left to choose."""
    (found,) = read(tmp_path, text)
    assert (found.frame, found.estimate.center_px) == (3, (100.5, 200.25))
    assert found.choices[1].center_px == (101.0, 200.75)
    assert found.estimate.covariance is None
    assert len(found.estimate.warnings) == 1


def test_millimeters_need_the_pixel_size(tmp_path: Path) -> None:
    text = "frame,beam_x_mm,beam_y_mm\n0,20.0,40.0\n"
    with pytest.raises(MissingDatasetError, match="pixel size"):
        read(tmp_path, text)
    (found,) = read(tmp_path, text, hints=Hints(pixel_mm=(0.1, 0.2)))
    assert found.estimate.center_px == pytest.approx((200.0, 200.0))
    (found,) = read(tmp_path, "beam_x_mm,beam_y_mm,pixel_um\n20.0,40.0,100\n")
    assert found.estimate.center_px == pytest.approx((200.0, 400.0))


def test_images_count_from_one_unless_there_is_a_zero(tmp_path: Path) -> None:
    assert [item.frame for item in read(tmp_path, "image,x,y\n1,5,6\n2,5,6\n")] == [0, 1]
    assert [item.frame for item in read(tmp_path, "image,x,y\n0,5,6\n1,5,6\n")] == [0, 1]
    assert [item.frame for item in read(tmp_path, "image,x,y\n101,5,6\n102,5,6\n")] == [100, 101]
    assert [item.where for item in read(tmp_path, "image,x,y\na.cbf,5,6\n")] == ["a.cbf"]


def test_sigmas_and_gaps(tmp_path: Path) -> None:
    text = "frame,x,y,sigma_x,y_err,pitch,yaw\n0,5,6,0.1,0.2,1,2\n1,nan,6,0.1,0.2,1,2\n2,7,8,0,0.2,,\n"
    first, second = read(tmp_path, text)
    np.testing.assert_allclose(first.estimate.covariance, np.diag([0.01, 0.04]))
    assert first.estimate.tilt_deg == (1.0, 2.0)
    assert second.estimate.covariance is None
    assert second.estimate.tilt_deg is None


@given(geometries)
def test_round_trip(tmp_path_factory, wanted: Geometry) -> None:
    (found,) = read(tmp_path_factory.mktemp("table"), table.FORMAT.write(Writing(wanted, (1475, 1679))))
    assert found.estimate.center_px == pytest.approx(wanted.center_px, abs=1e-5)
    assert found.estimate.tilt_deg == pytest.approx((wanted.pitch_deg, wanted.yaw_deg), abs=1e-6)
    assert found.distance_mm == pytest.approx(wanted.distance_mm, abs=1e-5)
    assert found.pixel_mm == pytest.approx(wanted.pixel_mm)
    assert found.image_size == (1475, 1679)
    assert found.choices == ()


def test_many_readings_round_trip(tmp_path: Path) -> None:
    """What was read and written again says the same, sigmas and doubts included."""
    readings = read(tmp_path, OWN_CSV)
    again = read(tmp_path, table.table_text(readings))
    assert [item.estimate.center_px for item in again] == [item.estimate.center_px for item in readings]
    assert [item.estimate.status for item in again] == ["ok", "uncertain"]
    for one, two in zip(readings, again, strict=True):
        np.testing.assert_allclose(one.estimate.covariance, two.estimate.covariance)
    awkward = Estimate('odd, "name"\n', (1.0, 2.0), None, None, "failed", "a, b")
    (found,) = read(tmp_path, table.table_text([Reading(awkward, "dir, with comma/x.h5", frame=3)]))
    assert (found.estimate.reason, found.where) == ("a, b", "dir, with comma/x.h5 frame 3")


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("frame,x,y\n0,abc,5\n", UnreadableFileError, "row 2"),
        ("frame,x,y\n0,1e30,5\n", UnreadableFileError, "damaged"),
        ("frame,x,y\n", MissingDatasetError, "no row"),
        ('[{"x": 1, "y": 2}, 5]', UnreadableFileError, "something else"),
        ('[{"x": 1, "y": 2}', UnreadableFileError, "JSON"),
        ("[" * 100_000, UnreadableFileError, "JSON"),
        ('{"x": 1' + "0" * 5000 + ', "y": 2}', UnreadableFileError, "JSON"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, text: str, kind: type[Exception], words: str) -> None:
    path = tmp_path / "some.csv"
    path.write_text(text)
    with pytest.raises(kind, match=words):
        table.read(path, Hints())


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2,3\n",
        "plot of x against y for all the frames\n",
        '{"__id__": "ExperimentList", "x": 1, "y": 2}',
        '{"name": "something", "value": 3}',
        "",
        "\x00\x01\x02",
    ],
)
def test_other_text_is_no_table(tmp_path: Path, text: str) -> None:
    assert not table.recognizes(tmp_path / "some.csv", text.encode())

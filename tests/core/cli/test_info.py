"""``xgeom info`` and ``xgeom geometry`` tell what headers leave open."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sample_files import SAMPLES

XGeom = Callable[..., tuple[int, str, str]]
# DENZO's fields tell that BEAM_CENTER counts rows from the last one (48 rows of 0.1 mm).
ADXV = {"BEAM_CENTER_X": 1.95, "BEAM_CENTER_Y": 2.45, "DENZO_X_BEAM": 2.35, "DENZO_Y_BEAM": 1.95}


def test_info_tells_doubts_and_other_readings(xgeom: XGeom, tmp_path: Path) -> None:
    path = SAMPLES["smv"](tmp_path, ADXV)

    code, out, _ = xgeom("info", path)
    assert code == 0
    lines = out.splitlines()
    assert any(line.startswith("header center_px") and "19.5, 23.5" in line for line in lines)
    (doubt,) = [line for line in lines if line.startswith("!")]
    assert "center doubtful" in doubt
    assert "ADXV" in doubt
    assert any(line.startswith("read otherwise") and "(24.500, 19.500) px" in line for line in lines)
    assert any("silver behenate" in line for line in lines)

    code, out, _ = xgeom("info", path, "--json")
    record = json.loads(out)
    assert record["header center_px"] == [19.5, 23.5]
    assert {one["quantity"]: one["sense"] for one in record["verdicts"]} == {
        "center": "doubtful",
        **dict.fromkeys(("distance", "wavelength", "pixel size"), "plausible"),
    }
    assert record["choices"][0]["center_px"] == [24.5, 19.5]
    assert record["rotation"] == {"name": "phi", "start_deg": 10.0, "step_deg": 0.5, "axis": None}


def test_geometry_shows_the_judged_reading_with_its_notes(xgeom: XGeom, tmp_path: Path) -> None:
    path = SAMPLES["smv"](tmp_path, ADXV)

    _, out, _ = xgeom("geometry", path)
    assert out.startswith("SMV  center (19.500, 23.500) px")
    assert "note: BEAM_CENTER_X and _Y give" in out
    assert "--choice 0: BEAM_CENTER_X and _Y as MOSFLM's: (24.500, 19.500) px" in out
    assert "doubtful" not in out  # it is said once

    middle = SAMPLES["mar345"](tmp_path, {"CENTER": "X 20.0  Y 24.0"})
    _, out, _ = xgeom("geometry", middle)
    assert "center doubtful: The stated center is exactly the middle" in out
    _, out, _ = xgeom("geometry", middle, "--json")
    assert json.loads(out)["verdicts"][0]["sense"] == "doubtful"


def test_a_placeholder_is_shown_as_one(xgeom: XGeom, tmp_path: Path) -> None:
    unset = {"Beam_xy": "(0.00, 0.00) pixels", "Detector_distance": "1.00000 m", "Wavelength": "1.54000 A"}
    _, out, _ = xgeom("info", SAMPLES["pilatus tiff"](tmp_path, unset))
    assert "distance placeholder: " in out
    assert "distance 1000 mm, wavelength 1.54 Å" in out

"""``xgeom geometry`` and ``xgeom compare`` as a user meets them."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from xgeom_core.errors import ModelError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.format import Writing
from xgeom_core.formats.registry import read_geometry, write_geometry
from xgeom_core.geometry import Geometry

GEOMETRY = Geometry((120.25, 140.75), 100.0, (0.1, 0.1), 1.0, 0.5, -1.5)
SIZE = (240, 280)
FIELDS = {
    *("source", "where", "frame", "center_px", "tilt_deg", "distance_mm", "pixel_mm", "wavelength_A"),
    *("image_size", "panels", "convention", "native", "choices", "warnings"),
}


@pytest.fixture
def expt(tmp_path) -> Path:
    return write_geometry("dials", Writing(GEOMETRY, SIZE), tmp_path / "a.expt")


@pytest.fixture
def frames(tmp_path) -> Path:
    """Three frames that say nothing of their geometry."""
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.random.default_rng(0).poisson(5, (3, SIZE[1], SIZE[0])).astype(np.int32)
    return path


def one_sentence(text: str) -> bool:
    return text.startswith("xgeom: ") and text.count("\n") == 1 and "Traceback" not in text


# ---------------------------------------------------------------------------------------- geometry


def test_json_has_one_object_a_reading_with_every_field(xgeom, expt) -> None:
    code, out, err = xgeom("geometry", expt, "--json")
    (record,) = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert set(record) >= FIELDS
    assert record["source"] == "DIALS"
    assert record["center_px"] == pytest.approx(GEOMETRY.center_px)
    assert record["tilt_deg"] == pytest.approx((0.5, -1.5))
    assert record["distance_mm"] == pytest.approx(100.0)
    assert record["image_size"] == [240, 280]


def test_words_show_the_native_value_the_convention_and_the_choices(xgeom, tmp_path) -> None:
    path = write_geometry("mosflm", Writing(GEOMETRY, SIZE), tmp_path / "beam.dat")
    code, out, _ = xgeom("geometry", path, "--pixel-um", 100, "--image-size", "240x280")
    assert code == 0
    assert "(120.250, 140.750) px" in out
    assert "MOSFLM" in out and "--choice 0" in out and "tilt not stated" in out
    code, out, _ = xgeom("geometry", path, "--pixel-um", 100, "--json")
    names = [choice["name"] for choice in json.loads(out)["choices"]]
    half = next(i for i, choice in enumerate(json.loads(out)["choices"]) if choice["center_px"][0] > 120.7)
    code, out, _ = xgeom("geometry", path, "--pixel-um", 100, "--json", "--choice", half)
    assert json.loads(out)["center_px"] == pytest.approx((120.75, 141.25))
    assert json.loads(out)["convention"] == names[half]


@pytest.mark.parametrize("key", ["dials", "xds", "crystfel", "pyfai", "nxmx"])
def test_a_file_is_converted(xgeom, expt, tmp_path, key: str) -> None:
    out = tmp_path / f"new.{'nxs' if key == 'nxmx' else 'txt'}"
    code, _, err = xgeom("geometry", expt, "--to", key, "--out", out)
    assert code == 0, err
    (reading, *_) = read_geometry(out)
    assert reading.estimate.center_px == pytest.approx(GEOMETRY.center_px, abs=0.01)
    assert reading.estimate.tilt_deg == pytest.approx((0.5, -1.5), abs=1e-3)


def test_without_out_the_text_goes_to_standard_output_alone(xgeom, expt, tmp_path) -> None:
    code, out, err = xgeom("geometry", expt, "--to", "crystfel")
    assert (code, err) == (0, "")
    copy = tmp_path / "copy.geom"
    copy.write_text(out)
    assert read_geometry(copy)[0].estimate.center_px == pytest.approx(GEOMETRY.center_px, abs=0.01)


def test_options_of_dials_import_and_tables_of_all_readings(xgeom, expt, tmp_path) -> None:
    code, out, _ = xgeom("geometry", expt, "--to", "dials-import")
    assert code == 0
    assert "geometry.detector.fast_slow_beam_centre=120.2500,140.7500" in out
    table = tmp_path / "centers.csv"
    table.write_text("frame,x_px,y_px\n0,10,20\n1,11,21\n")
    new = tmp_path / "new.csv"
    code, _, _ = xgeom("geometry", table, "--to", "csv", "--out", new)
    assert code == 0
    assert [r.estimate.center_px for r in read_geometry(new)] == [(10.0, 20.0), (11.0, 21.0)]
    code, _, err = xgeom("geometry", table, "--to", "csv", "--out", new)
    assert code == 2 and "--overwrite" in err


def test_a_template_keeps_what_is_not_geometry(xgeom, expt, tmp_path) -> None:
    template = write_geometry("xds", Writing(GEOMETRY, SIZE), tmp_path / "XDS.INP")
    template.write_text("JOB= ALL\nUNTRUSTED_RECTANGLE= 1 2 3 4\n" + template.read_text())
    new = tmp_path / "NEW.INP"
    code, _, _ = xgeom("geometry", expt, "--to", "xds", "--out", new, "--template", template)
    assert code == 0
    assert "UNTRUSTED_RECTANGLE= 1 2 3 4" in new.read_text()


def test_one_of_several_readings_is_chosen(xgeom, frames_dir, tmp_path) -> None:
    path = frames_dir / "lcysteine_i19" / "indexed.expt.gz"
    code, out, _ = xgeom("geometry", path, "--json")
    centers = [json.loads(line)["center_px"] for line in out.splitlines()]
    assert code == 0
    assert any(center == pytest.approx((191.77, 866.10), abs=0.01) for center in centers)
    assert any(center == pytest.approx((729.01, 866.07), abs=0.01) for center in centers)
    code, _, err = xgeom("geometry", path, "--to", "xds")
    assert code == 2 and one_sentence(err) and "--reading" in err
    swept = next(i for i, center in enumerate(centers) if center[0] > 700)
    new = tmp_path / "XDS.INP"
    code, _, _ = xgeom("geometry", path, "--to", "xds", "--out", new, "--reading", swept)
    assert code == 0
    assert read_geometry(new)[0].estimate.center_px == pytest.approx((729.01, 866.07), abs=0.01)


def test_the_sweep_of_an_image_is_chosen_by_its_name(xgeom, frames_dir, tmp_path) -> None:
    sweeps = frames_dir / "lcysteine_i19" / "indexed.expt.gz"
    new = tmp_path / "XDS.INP"
    code, _, _ = xgeom(
        "geometry", sweeps, "--for", "anywhere/l-cyst_04_00003.cbf.gz", "--to", "xds", "--out", new
    )
    assert code == 0
    assert read_geometry(new)[0].estimate.center_px == pytest.approx((729.01, 866.07), abs=0.01)
    code, _, err = xgeom("geometry", sweeps, "--for", "l-cyst_05_00003.cbf")
    assert code == 2 and one_sentence(err) and "it names l-cyst_01_#####.cbf" in err
    image = frames_dir / "lcysteine_i19" / "l-cyst_04_00003.cbf.gz"
    code, out, _ = xgeom("compare", image, "--with", sweeps, "--no-predict", "--json")
    (row,) = [row for row in json.loads(out)["rows"] if row["source"].startswith("DIALS")]
    assert code == 0 and row["center_px"] == pytest.approx((729.01, 866.07), abs=0.01)


def test_formats_and_programs_are_listed(xgeom, tmp_path, monkeypatch) -> None:
    # As on a machine without DIALS, whatever is installed here.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    code, out, _ = xgeom("geometry", "--list", "--json")
    rows = {row["key"]: row for row in map(json.loads, out.splitlines())}
    assert code == 0
    assert rows["dials"]["writable"] and not rows["smv"]["writable"]
    assert all(row["convention"] for row in rows.values())
    code, words, _ = xgeom("geometry", "--list")
    assert code == 0 and "foot of the normal" in words
    code, out, _ = xgeom("geometry", "--programs", "--json")
    rows = {row["key"]: row for row in map(json.loads, out.splitlines())}
    assert set(rows) == {"dials", "pyfai", "xds", "bblib"}
    assert all(row["needs"] and row["tried"] for row in rows.values())
    code, words, _ = xgeom("geometry", "--programs")
    assert code == 0 and "XGEOM_DIALS" in words


def test_bad_requests_get_one_sentence(xgeom, expt, tmp_path) -> None:
    (tmp_path / "letter").write_text("dear sir")
    (tmp_path / "bare.csv").write_text("x_px,y_px\n1,2\n")
    for arguments, word in [
        (("geometry",), "FILE"),
        (("geometry", tmp_path / "absent"), "absent"),
        (("geometry", tmp_path / "letter"), "DIALS"),
        (("geometry", expt, "--to", "word"), "no format 'word'"),
        (("geometry", expt, "--to", "nxmx"), "--out"),
        (("geometry", expt, "--to", "smv", "--out", tmp_path / "x"), "does not write"),
        (("geometry", expt, "--to", "dials", "--out", expt), "--overwrite"),
        (("geometry", expt, "--out", tmp_path / "x"), "--to"),
        (("geometry", expt, "--reading", 7), "readings 0 to 0"),
        (("geometry", expt, "--choice", 0), "none"),
        (("geometry", expt, "--image-size", "big"), "FASTxSLOW"),
        (("geometry", expt, "--image-size", "0x5"), "FASTxSLOW"),
        (("geometry", expt, "--pixel-um", -1), "positive"),
        (("geometry", tmp_path / "bare.csv", "--to", "xds"), "--distance-mm"),
        (
            ("geometry", tmp_path / "bare.csv", "--to", "xds", "--distance-mm", 1, "--pixel-um", 1),
            "--image-size",
        ),
    ]:
        code, out, err = xgeom(*arguments)
        assert code == 2, arguments
        assert one_sentence(err), err
        assert word in err, (arguments, err)
        assert out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.expt", "bare.csv", "letter"]


# ----------------------------------------------------------------------------------------- compare


def test_tools_are_compared_frame_by_frame_without_the_network(xgeom, frames, expt, tmp_path) -> None:
    table = tmp_path / "centers.csv"
    table.write_text("frame,x_px,y_px\n0,120.75,141.25\n1,120.75,141.25\n2,120.75,141.25\n")
    report, out_csv = tmp_path / "r.html", tmp_path / "r.csv"
    code, out, err = xgeom(
        *("compare", frames, "--with", expt, "--with", table, "--no-predict", "--json"),
        *("--html", report, "--out", out_csv),
    )
    record = json.loads(out)
    assert (code, err) == (0, "")
    assert record["reference"] == "DIALS"
    assert len(record["rows"]) == 6
    (summary,) = record["summaries"]
    assert summary["median_px"] == pytest.approx((0.5, 0.5))
    assert summary["median_mm"] == pytest.approx((0.05, 0.05))
    assert summary["findings"][0]["cause"] == "half pixel"
    assert "half a pixel" in report.read_text()
    rows = list(csv.DictReader(out_csv.read_text().splitlines()))
    assert [row["frame"] for row in rows if row["source"] == "table"] == ["0", "1", "2"]


def test_words_end_with_the_likely_cause(xgeom, frames, expt, tmp_path) -> None:
    swapped = write_geometry(
        "crystfel",
        Writing(Geometry((140.75, 120.25), 100.0, (0.1, 0.1), 1.0, 0.5, -1.5), SIZE),
        tmp_path / "s.geom",
    )
    code, out, _ = xgeom(
        "compare",
        frames,
        "--with",
        expt,
        "--with",
        swapped,
        "--no-predict",
        "--reference",
        "dials",
        "--frames",
        1,
    )
    assert code == 0
    assert "[1]" in out and "[0]" not in out
    assert "likely: CrystFEL has x and y swapped with respect to DIALS." in out


class _FakePredictor:
    def predict(self, frame):
        x, y = GEOMETRY.center_px
        fit = Estimate("fit", (x + 0.1, y - 0.1), (0.5, -1.5), np.diag([0.01, 0.04, 0.01, 0.01]))
        network = Estimate("network", (x + 3, y), covariance=np.diag([9.0, 9.0]))
        return SimpleNamespace(estimates=(network, fit))


@pytest.fixture
def predictor(monkeypatch):
    """A predictor that needs no model."""
    from xgeom_core.predict import predictor as module

    def load(model):
        if model != "default":
            raise ModelError(f"there is no model {model}")
        return _FakePredictor()

    monkeypatch.setattr(module.Predictor, "load", load)


def test_network_and_fit_take_part(xgeom, frames, expt, predictor) -> None:
    code, out, _ = xgeom("compare", frames, "--with", expt, "--json", "--frames", "0:2", "--pixel-um", 100)
    record = json.loads(out)
    assert code == 0
    assert record["sources"] == ["network", "fit", "DIALS"]
    fit = next(row for row in record["rows"] if row["source"] == "fit")
    assert fit["difference_px"] == pytest.approx((0.1, -0.1))
    assert fit["combined_sigma_px"] == pytest.approx((0.1, 0.2))
    assert fit["tilt_difference_deg"] == pytest.approx((0, 0), abs=1e-9)
    assert all(not summary["findings"] for summary in record["summaries"])


def test_the_header_of_a_swung_detector_is_recognized(xgeom, frames_dir, tmp_path) -> None:
    folder = frames_dir / "lcysteine_i19"
    # Under a name of none of the sweeps, so that each of them takes part.
    image = shutil.copy(folder / "l-cyst_04_00003.cbf.gz", tmp_path / "image.cbf.gz")
    code, out, _ = xgeom(
        *("compare", image, "--with", folder / "indexed.expt.gz"),
        *("--no-predict", "--json", "--reference", "DIALS experiments 0-2"),
    )
    record = json.loads(out)
    assert code == 0
    header = next(summary for summary in record["summaries"] if summary["source"] == "header")
    assert header["findings"][0]["cause"] == "swung detector ignored"
    code, out, _ = xgeom(
        *("compare", image, "--with", folder / "indexed.expt.gz"),
        *("--no-predict", "--json", "--reference", "DIALS experiment 3"),
    )
    header = next(s for s in json.loads(out)["summaries"] if s["source"] == "header")
    assert header["findings"] == [], "a header that is one pixel off, honestly"


def test_the_poni_of_a_flipped_image_is_recognized(xgeom, frames_dir) -> None:
    folder = frames_dir / "ceo2_pilatus1m"
    native = Estimate("truth", (487.26, 530.45))
    code, out, _ = xgeom("geometry", folder / "CeO2_Pilatus1M.poni", "--json")
    assert code == 0
    from xgeom_core.compare.convention_diagnosis import Claim, explain

    poni = Claim("pyFAI", tuple(json.loads(out)["center_px"]))
    assert [finding.cause for finding in explain(poni, Claim.of(native), (981, 1043))] == ["flip y"]


def test_one_bad_file_does_not_lose_the_others(xgeom, frames, expt, tmp_path) -> None:
    (tmp_path / "letter").write_text("dear sir")
    code, out, err = xgeom(
        "compare", frames, "--with", tmp_path / "letter", "--with", expt, "--no-predict", "--json"
    )
    assert code == 1
    assert json.loads(out)["sources"] == ["DIALS"]
    assert err.startswith("note: ") and "letter" in err


def test_programs_run_and_take_part(xgeom, frames, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    found = write_geometry("dials", Writing(GEOMETRY, SIZE), tmp_path / "found.expt")
    copy = f"shutil.copy({str(found)!r}, given['output.experiments'])"
    for name, body in {
        "dials.import": copy,
        "dials.slice_sequence": "",
        "dials.find_spots": "open('strong.refl', 'w'); print('Saved 9 reflections')",
        "dials.search_beam_position": f"'-c' in sys.argv and sys.exit()\n{copy}",
        "dials.index": "sys.exit('No suitable lattice could be found.')",
        "dials.refine": "",
    }.items():
        path = folder / name
        path.write_text(
            f"#!{sys.executable}\nimport shutil, sys\n"
            f"given = dict(a.split('=', 1) for a in sys.argv[1:] if '=' in a)\n{body}\n"
        )
        path.chmod(0o755)
    monkeypatch.setenv("XGEOM_DIALS", str(folder))
    work = tmp_path / "work"
    code, out, err = xgeom(
        "compare", frames, "--no-predict", "--run", "dials", "--run-folder", work, "--json", "--frames", "0:1"
    )
    assert code == 0, err
    *events, record = map(json.loads, out.splitlines())
    assert "DIALS search" in record["sources"]
    steps = [event["label"] for event in events if event["event"] == "step"]
    assert steps == [
        "dials.import",
        "dials.find_spots",
        "dials.search_beam_position",
        "dials.index fft3d frame.expt",
        "dials.index fft1d frame.expt",
        "dials.index fft3d optimised_default.expt",
        "dials.index fft1d optimised_default.expt",
    ]
    (answer,) = [event for event in events if event["event"] == "answer"]
    assert answer["source"] == "DIALS search" and answer["spots"] == 9 and answer["tilt_deg"] is None
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert ["No suitable lattice could be found." in note for note in notes] == [True] * 4
    (log,) = [event for event in events if event["event"] == "log"]
    assert Path(log["log"]).is_file() and len(log["commands"]) == 7
    code, _, err = xgeom("compare", frames, "--no-predict", "--run", "dials", "--run-folder", work)
    assert code == 2 and "nothing to compare" in err and "is not empty" in err, (
        "a folder in use is not used again"
    )


def test_bad_comparisons_get_one_sentence(xgeom, frames, expt, tmp_path) -> None:
    for arguments, word in [
        (("compare", tmp_path / "absent.h5", "--no-predict"), "absent.h5"),
        (("compare", frames, "--no-predict"), "nothing to compare"),
        (("compare", frames, "--with", expt, "--no-predict", "--out", "x.txt"), ".csv"),
        (("compare", frames, "--with", expt, "--no-predict", "--html", "x.pdf"), ".html"),
        (("compare", frames, "--with", expt, "--no-predict", "--frames", 9), "frames 0 to 2"),
        (("compare", frames, "--with", expt, "--no-predict", "--reference", "XDS"), "none of the sources"),
        (("compare", frames, "--with", expt, "--no-predict", "--run", "word"), "xgeom can run"),
        (("compare", frames, "--with", expt, "--no-predict", "--out", tmp_path / "no" / "x.csv"), "x.csv"),
    ]:
        code, _, err = xgeom(*arguments)
        assert code == 2, (arguments, err)
        assert word in err, (arguments, err)
        assert "Traceback" not in err

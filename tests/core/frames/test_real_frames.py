"""Real frames: their headers, as `README.md` and `truth.json` beside them state them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xgeom_core.errors import MissingSourceError, UnreadableFileError
from xgeom_core.frames import FrameSource, open_frames

# What the header itself says: layout, pixels (slow, fast), center, name of the detector.
HEADERS: dict[str, tuple[str, tuple[int, int], tuple[float, float], str]] = {
    "i04_thaumatin/thau_3_2_0003.cbf.bz2": ("CBF", (2527, 2463), (1261.61, 1306.96), "PILATUS3 6M"),
    "i04_thaumatin/thau_3_2_0016.cbf.bz2": ("CBF", (2527, 2463), (1261.61, 1306.96), "PILATUS3 6M"),
    "home_pilatus300k/in16c_010001.cbf": ("CBF", (619, 487), (244.0, 308.0), "PILATUS 300K"),
    "eiger2_4m/image000044.h5": ("HDF5", (2162, 2068), (1041.247, 1115.747), ""),
    "rayonix_sfx/hit-20181213155134902.h5": ("HDF5", (1920, 1920), (960.0, 960.0), ""),
    "lcysteine_i19/l-cyst_04_00003.cbf.gz": ("CBF", (1679, 1475), (730.0, 865.0), "PILATUS 2M"),
    "bruker_ceo2/powCeO2_00.sfrm": ("Bruker", (1024, 768), (380.27, 516.33), "CMOS-PHOTONIII-C14"),
    "bruker_ceo2/powCeO2_02.sfrm": ("Bruker", (1024, 768), (35.38, 516.14), "CMOS-PHOTONIII-C14"),
    "ceo2_pilatus1m/CeO2_Pilatus1M.tif": ("TIFF", (1043, 981), (498.18, 515.77), "PILATUS 1M-F"),
}
# A header is no calibration: by how much its distance may be off, relative.
DISTANCE_TOLERANCE = 0.015


def truth_of(frames_dir: Path, name: str) -> dict[str, Any]:
    entries = json.loads((frames_dir / "truth.json").read_text(encoding="utf-8"))
    return next(entry for entry in entries if entry["file"] == name)


def check_geometry(source: FrameSource, truth: dict[str, Any]) -> None:
    metadata = source.metadata
    distance = metadata.distance_mm
    assert distance is not None
    if "normal" in truth.get("note", ""):
        assert metadata.tilt_deg is not None
        distance *= np.cos(np.radians(metadata.tilt_deg[1]))
    assert distance == pytest.approx(truth["distance_mm"], rel=DISTANCE_TOLERANCE)
    assert metadata.pixel_mm == pytest.approx((truth["pixel_mm"],) * 2, rel=1e-5)
    if source.layout != "TIFF":  # this one does not state it
        assert metadata.wavelength_A == pytest.approx(truth["wavelength_A"], rel=1e-5)


def test_every_real_frame_with_a_truth_is_checked(frames_dir: Path) -> None:
    entries = json.loads((frames_dir / "truth.json").read_text(encoding="utf-8"))
    assert {entry["file"] for entry in entries} == set(HEADERS)


@pytest.mark.parametrize("name", list(HEADERS))
def test_headers_of_real_frames(frames_dir: Path, name: str) -> None:
    layout, shape, center, detector = HEADERS[name]

    with open_frames(frames_dir / name) as source:
        assert (source.layout, len(source), source.shape) == (layout, 1, shape)
        assert source.metadata.center_px == pytest.approx(center, abs=0.006)
        assert "0.5 px" in source.metadata.center_convention
        assert source.metadata.detector == detector
        check_geometry(source, truth_of(frames_dir, name))
        frame = source.frame(0)

    assert frame.data[frame.valid].min() >= 0
    assert 0.9 < frame.valid.mean() <= 1.0
    assert not frame.data[~frame.valid].any()


@pytest.mark.parametrize(
    ("name", "masked", "saturation", "saturated"),
    [
        ("i04_thaumatin/thau_3_2_0003.cbf.bz2", 526101 + 625, 115897.0, 2),
        ("home_pilatus300k/in16c_010001.cbf", 16558 + 19, 1302749.0, 0),
        ("lcysteine_i19/l-cyst_04_00003.cbf.gz", 197365 + 267, 388705.0, 0),
        ("eiger2_4m/image000044.h5", 260886, None, 0),
        ("rayonix_sfx/hit-20181213155134902.h5", 0, None, 0),
    ],
)
def test_gaps_and_saturation_of_real_frames(
    frames_dir: Path, name: str, masked: int, saturation: float | None, saturated: int
) -> None:
    with open_frames(frames_dir / name) as source:
        frame = source.frame(0)

    assert frame.metadata.saturation == saturation
    assert frame.saturated.sum() == saturated
    assert (~frame.valid).sum() == masked + saturated


@pytest.mark.parametrize("name", ["powCeO2_00.sfrm", "powCeO2_02.sfrm"])
def test_a_swung_bruker_header_agrees_with_its_rings(frames_dir: Path, name: str) -> None:
    """The swing is 28 degrees and moves the center by 345 px, so that a wrong sign would show."""
    truth = truth_of(frames_dir, f"bruker_ceo2/{name}")

    with open_frames(frames_dir / "bruker_ceo2" / name) as source:
        found = source.metadata

    assert found.center_px == pytest.approx(truth["center_px"], abs=0.75)
    # A swing of zero says nothing of the tilt; the other one is a yaw of +28 where the header has -28.
    assert (found.tilt_deg or (0.0, 0.0)) == pytest.approx((0.0, truth["tilt_total_deg"]), abs=0.1)


@pytest.mark.parametrize("number", range(7))
def test_nanobragg_frames(frames_dir: Path, number: int) -> None:
    path = frames_dir / "nanobragg" / f"frame_{number:02d}.h5"
    truth = json.loads((path.parent / "truth.json").read_text(encoding="utf-8"))[number]

    with open_frames(path) as source:
        frame = source.frame(0)
        assert (source.layout, source.dataset, source.shape) == ("NXmx", "/entry/data/data", (2527, 2463))
        check_geometry(source, truth)

    assert source.metadata.center_px == (1231.5, 1263.5)
    assert (~frame.valid).sum() == 526101
    assert set(np.unique(frame.data)) == {0.0, 1.0} or truth["kind"] != "binary"


@pytest.mark.parametrize(("name", "count"), [("centering.2", 64), ("centering.2_6", 192)])
def test_masters_whose_shards_are_gone(frames_dir: Path, name: str, count: int) -> None:
    with pytest.raises(MissingSourceError, match=rf"{count} other files, none of which .*compressed27\.h5"):
        open_frames(frames_dir / "training_masters" / f"{name}.master.h5")


@pytest.mark.parametrize(
    "name",
    [
        "lcysteine_i19/indexed.expt.gz",
        "rayonix_sfx/experiments_000.json",
        "ceo2_pilatus1m/CeO2_Pilatus1M.poni",
    ],
)
def test_other_files_beside_the_frames_are_refused(frames_dir: Path, name: str) -> None:
    with pytest.raises(UnreadableFileError, match=Path(name).name):
        open_frames(frames_dir / name)


def test_a_truncated_real_cbf(frames_dir: Path, tmp_path: Path) -> None:
    content = (frames_dir / "home_pilatus300k" / "in16c_010001.cbf").read_bytes()
    path = tmp_path / "cut.cbf"
    for size in (100, 1000, 2000, 5000, len(content) // 2):
        path.write_bytes(content[:size])
        with pytest.raises(UnreadableFileError, match=r"cut\.cbf"):
            open_frames(path)


@pytest.mark.parametrize(
    ("name", "known", "within", "doubted"),
    [
        # DENZO's fields tell that BEAM_CENTER counts rows from the last one, along other axes than MOSFLM's.
        ("adsc.img.bz2", (1217.0, 1145.0), 6.0, True),
        # Pixels where the format has mm.
        ("TIMEPIX_SU_512-stdgoni_0001.img", (246.65, 240.9), 1.2, True),
        # A zero byte before the brace; DENZO's fields are 23 px off.
        ("snc_newhead_00001.img", (532.61, 500.53), 0.6, True),
        ("snc_reindex_001.img", (532.61, 500.53), 0.6, False),
        # What nobody set: the middle of the image, which is 90 and 27 px off.
        ("agbe_60sec_006.mar1200", (600.18, 690.83), 91.0, True),
        ("nx09_strain_001.mar2300", (1123.97, 1143.51), 27.0, True),
        ("powCeO2_01.sfrm", (379.17, 517.06), 1.6, False),
        # Outside of the image in every reading but one, which is wrong as well.
        ("AgBe_Quantum.img", (622.5, 1098.0), 1200.0, True),
    ],
)
def test_centers_of_headers_are_right_or_doubted(
    frames_dir: Path, name: str, known: tuple[float, float], within: float, doubted: bool
) -> None:
    path = frames_dir.parent / "frames2" / name
    if not path.exists():
        pytest.skip(f"no reference frame at {path}")
    with open_frames(path) as source:
        metadata = source.metadata
        assert source.frame(0).valid.any()
    assert metadata.center_px is not None
    assert np.hypot(*np.subtract(metadata.center_px, known)) < within
    senses = {verdict.quantity: verdict.sense for verdict in metadata.verdicts}
    assert (senses["center"] == "doubtful") is doubted

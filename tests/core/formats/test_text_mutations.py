"""Broken files of the formats of text: an answer or one sentence, never another exception, never a hang."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from xgeom_core.errors import XgeomError
from xgeom_core.formats import adxv, denzo, mosflm, registry, text
from xgeom_core.formats.crystfel import geometry as crystfel
from xgeom_core.formats.crystfel import stream as crystfel_stream
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.pyfai import fit2d
from xgeom_core.formats.pyfai import poni as pyfai
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.tables import table
from xgeom_core.geometry import Geometry

COPIES = 2000
HINTS = Hints(pixel_mm=(0.1, 0.1), image_size=(400, 500))
WRITING = Writing(Geometry((210.25, 240.75), 120.5, (0.1, 0.1), 1.25, 2.5, -3.5), (400, 500))
NUMBER = re.compile(rb"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
ODD_NUMBERS = (
    *(
        b"nan",
        b"inf",
        b"-inf",
        b"1e308",
        b"-1e308",
        b"1e-320",
        b"0",
        b"-0.0",
        b"",
        b"-1",
        b"1e5000",
        b"1" * 5000,
    ),
    *(
        b"1_000",
        b"0x10",
        b"\xc2\xb2",
        b"1,5",
        b"None",
        b"null",
        b"true",
        b"{}",
        b"[[1]]",
        b"\x00",
        b"1e9",
        b"99999999",
    ),
)

PANELS = b"".join(
    b"res = 10000\nclen = 0.1 m\nphoton_energy = 9000 eV\ndetector_shift_x = 0.1 mm\n" * (name == b"a")
    + b"%b/min_fs = 0\n%b/max_fs = 399\n%b/min_ss = %d\n%b/max_ss = %d\n%b/corner_x = -200.5\n"
    % (*[name] * 3, low, name, low + 199, name)
    + b"%b/corner_y = %d\n%b/fs = +0.999x -0.01y\n%b/ss = +0.01x +0.999y\n%b/coffset = 0.001\n"
    % (name, low - 200, *[name] * 3)
    for name, low in ((b"a", 0), (b"b", 210))
)
STREAM = (
    b"CrystFEL stream format 2.3\n----- Begin geometry file -----\n"
    + PANELS
    + b"----- End geometry file -----\n"
    + b"".join(
        b"----- Begin chunk -----\nImage filename: run.h5\nEvent: //%d\nImage serial number: %d\n"
        b"photon_energy_eV = 8000.0\naverage_camera_length = 0.1 m\n--- Begin crystal\n"
        b"predict_refine/det_shift x = 0.0%d y = -0.012 mm\n--- End crystal\n----- End chunk -----\n"
        % (n, n, n)
        for n in range(1, 4)
    )
)
PONI = (
    b'poni_version: 2.1\nDetector: Detector\nDetector_config: {"pixel1": 0.0001, "pixel2": 0.0001, '
    b'"max_shape": [500, 400], "orientation": 2}\nDistance: 0.1\nPoni1: 0.02\nPoni2: 0.03\nRot1: 0.01\n'
    b"Rot2: 0.02\nRot3: 0.0\nWavelength: 1e-10\n"
)
PONI_1 = b"PixelSize1: 0.0001\nPixelSize2: 0.0001\n" + b"\n".join(PONI.split(b"\n")[3:])
NAMED = PONI.replace(b"Detector: Detector", b"Detector: Pilatus1M").replace(
    b'"pixel1": 0.0001, "pixel2": 0.0001, ', b""
)
MOSFLM = (
    b"TITLE x\nBEAM 94.4 92.25\nDISTANCE 180.5\nWAVELENGTH 0.98\nPIXEL 0.1\nSIZE 400 500\n"
    b"DISTORTION TILT 3 TWIST 4\n"
)
SESSION = (
    b'<?xml version=\'1.0\'?><session beam_x="94.4" beam_y="92.2" distance="180" pixel_size="0.1" tilt="2">'
)
DENZO = (
    b"cassette rotx 0.1 roty 0.2 rotz 0 2 theta 0.00\ndistance 250.5\nwavelength 0.98\n"
    b"x beam 40.0 y beam 20.0\n"
)
SUMMARY = (
    "DirectBeamDist= 208.689 mm\tCenter: x=487.259, y=512.548 pix\tTilt= 1.083\u00b0 "
    "tiltPlanRotation= 12.6\u00b0 \u03bb= 0.4\u00c5\n"
)
CSV = b"file,frame,status,x_px,y_px,x_sigma_px,y_sigma_px,pitch_deg,yaw_deg,pixel_mm,reason\n" + b"".join(
    b'run.h5,%d,ok,210.5,240.%d,0.1,0.2,1.5,-2.5,0.1,"a, b"\n' % (n, n) for n in range(6)
)
JSON = json.dumps(
    [
        {"frame": n, "center_px": [210.5, 240.25], "center_sigma_px": [0.1, 0.2], "tilt_deg": [1, 2]}
        for n in range(4)
    ]
).encode()

SAMPLES: dict[str, tuple[Format, list[bytes]]] = {
    "crystfel": (crystfel.FORMAT, [PANELS, crystfel.FORMAT.write(WRITING).encode()]),
    "stream": (crystfel_stream.STREAM, [STREAM]),
    "pyfai": (pyfai.FORMAT, [PONI, PONI_1, NAMED]),
    "fit2d": (
        fit2d.FORMAT,
        [fit2d.FORMAT.write(WRITING).encode(), SUMMARY.encode(), b"{'centerX': 1.0, 'centerY': 2}"],
    ),
    "mosflm": (mosflm.FORMAT, [MOSFLM, SESSION]),
    "denzo": (denzo.FORMAT, [DENZO]),
    "adxv": (adxv.FORMAT, [b"ADXV_CENTER_X=20.5\nADXV_CENTER_Y=60.25\n", b"210.5 180.25 400 500\n"]),
    "table": (table.FORMAT, [CSV, JSON, CSV.replace(b",", b"\t"), b"frame x y\n0 1.5 2.5\n1 1.5 2.5\n"]),
}


def flip_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        out[rng.integers(len(out))] = rng.integers(256)
    return bytes(out)


def truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data))]


def shuffle_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    at = rng.integers(len(lines))
    match rng.integers(4):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[rng.integers(len(lines))]] * int(rng.integers(1, 4))
        case 2:
            other = rng.integers(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            lines[at] = lines[at][::-1]
    return b"\n".join(lines)


def replace_number(data: bytes, rng: np.random.Generator) -> bytes:
    found = list(NUMBER.finditer(data))
    for match in sorted(rng.choice(len(found), min(len(found), 3), replace=False), reverse=True):
        odd = ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))]
        data = data[: found[match].start()] + odd + data[found[match].end() :]
    return data


def insert(data: bytes, rng: np.random.Generator) -> bytes:
    junk = (
        b"[" * 3000,
        b'{"a":' * 2000,
        b"\x00" * 8,
        b"\xff\xfe",
        b"=" * 50,
        b"x" * 5000,
        b"\n" * 40,
        b"/",
        b"\r",
        b'"',
    )
    at = rng.integers(len(data) + 1)
    return data[:at] + junk[rng.integers(len(junk))] + data[at:]


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    *(flip_bytes, truncate, shuffle_lines, replace_number, replace_number, insert),
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Bytes that every reader gets in place of a file's; opening thousands of files takes seconds."""
    content = {"data": b""}
    monkeypatch.setattr(text, "read_bytes", lambda path, limit=0: content["data"])
    monkeypatch.setattr(crystfel_stream, "_lines", lambda path: iter(io.BytesIO(content["data"])))
    return content


@pytest.mark.parametrize("key", SAMPLES)
def test_mutated_copies(served: dict[str, bytes], key: str) -> None:
    """2,000 of each; the whole files are read, and some of the copies still are."""
    known, samples = SAMPLES[key]
    path = Path("folder/.adxv_beam_center")
    for sample in samples:
        served["data"] = sample
        assert known.read(path, HINTS)
    rng = np.random.default_rng(7)
    outcomes = {"answer": 0, "sentence": 0}
    slowest = 0.0
    for number in range(COPIES):
        data = samples[number % len(samples)]
        for _ in range(rng.integers(1, 3)):
            data = MUTATIONS[rng.integers(len(MUTATIONS))](data, rng) or b" 0 "
        served["data"] = data
        start = time.perf_counter()
        outcomes[outcome(known, path, data)] += 1
        slowest = max(slowest, time.perf_counter() - start)
    assert min(outcomes.values()) > COPIES // 50, outcomes
    assert slowest < 5.0


def outcome(known: Format, path: Path, data: bytes) -> str:
    """Read a file; whatever is answered must be usable, whatever is refused must be one sentence."""
    assert known.recognizes(path, data[:65536]) in (True, False)
    try:
        readings = known.read(path, HINTS)
    except XgeomError as error:
        message = str(error)
        assert str(path) in message and "\n" not in message and len(message) < 500, message
        return "sentence"
    assert readings
    for reading in readings:
        assert np.isfinite(reading.estimate.center_px).all()
        assert reading.geometry is None or reading.geometry.distance_mm > 0
        assert reading.image_size is None or min(reading.image_size) > 0
    return "answer"


@pytest.mark.parametrize("junk", [b"1", b" ", b"x/", b"<session ", b"[", b"x beam ", b"=", b'"'], ids=repr)
@pytest.mark.parametrize("key", SAMPLES)
def test_no_search_takes_forever(served: dict[str, bytes], key: str, junk: bytes) -> None:
    """Rows of one character or word, as long as files of geometry ever are, beside a whole file."""
    known, samples = SAMPLES[key]
    served["data"] = samples[0] + junk * (300_000 // len(junk)) + b"\n" + samples[0]
    start = time.perf_counter()
    outcome(known, Path("folder/.adxv_beam_center"), served["data"])
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("key", SAMPLES)
def test_each_is_found_by_its_content(tmp_path: Path, key: str) -> None:
    """Whatever the file is called, no other format takes it; ADXV's own file alone goes by its name."""
    known, samples = SAMPLES[key]
    for sample in samples:
        path = tmp_path / (".adxv_beam_center" if sample.startswith(b"210.5 ") else "file.txt")
        if b"directDist" in sample or b"centerX" not in sample:
            path.write_bytes(sample)
            assert registry.recognize(path).key == known.key


@pytest.mark.parametrize("key", ["crystfel", "pyfai"])
def test_mutated_templates(served: dict[str, bytes], key: str) -> None:
    """A broken template gives a text that can be read again, or one sentence."""
    known, samples = SAMPLES[key]
    path = Path("folder/template")
    rng = np.random.default_rng(8)
    done = 0
    for number in range(600):
        mutate = (replace_number, shuffle_lines)[number % 2]
        served["data"] = mutate(samples[number % len(samples)], rng)
        try:
            served["data"] = known.write(Writing(WRITING.geometry, (400, 500), path)).encode()
        except XgeomError as error:
            assert "\n" not in str(error)
            continue
        done += 1
        try:
            (found,) = known.read(path, HINTS)
        except XgeomError as error:
            assert "\n" not in str(error)
            continue
        assert np.isfinite(found.estimate.center_px).all()
    assert done > 20

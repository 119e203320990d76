"""Images of CBF files in every way they are stored, whole and damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cbf_files import START, axes_header, byte_offsets, cbf, packed, section
from xgeom_core.errors import FrameFileError, MissingDatasetError, UnreadableFileError
from xgeom_core.formats.cbf.images import open_frames
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.registry import recognize
from xgeom_core.frames import open_frames as open_any

MINI = "_array_data.header_contents\n;\n# Beam_xy (9.5, 8.25) pixels\n# Count_cutoff 4000 counts\n;\n"


def _image(dtype: str = "i4", shape: tuple[int, int] = (24, 20)) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(5)
    if dtype.startswith("f"):
        return rng.normal(50.0, 3.0, shape).astype(dtype)
    return rng.poisson(30.0, shape).astype(dtype)


def _opened(path: Path, data: bytes) -> np.ndarray[Any, Any]:
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    with open_any(path) as source:
        assert (source.layout, source.path) == ("CBF", str(path))
        return np.stack([source.frame(number).data for number in range(len(source))])


@pytest.mark.parametrize("conversion", ["x-CBF_BYTE_OFFSET", "x-CBF_PACKED", "x-CBF_PACKED_V2", "x-CBF_NONE"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4"])
def test_elements_of_all_kinds(tmp_path: Path, conversion: str, dtype: str) -> None:
    image = _image(dtype)
    found = _opened(tmp_path / "a.cbf", cbf(image, MINI, conversion))
    np.testing.assert_array_equal(found, image[np.newaxis])


@pytest.mark.parametrize("dtype", ["f8", "i8"])
@pytest.mark.parametrize("conversion", ["x-CBF_BYTE_OFFSET", ""])
def test_elements_of_64_bits(tmp_path: Path, dtype: str, conversion: str) -> None:
    image = _image(dtype)
    found = _opened(tmp_path / "a.cbf", cbf(image, MINI, conversion))
    np.testing.assert_array_equal(found[0], image.astype(np.float32))


def test_bytes_in_the_other_order(tmp_path: Path) -> None:
    image = _image("i4")
    data = cbf(image.byteswap(), MINI, "x-CBF_NONE", X_Binary_Element_Byte_Order="BIG_ENDIAN")
    np.testing.assert_array_equal(_opened(tmp_path / "a.cbf", data)[0], image)


def test_steps_of_more_than_32_bits(tmp_path: Path) -> None:
    image = _image("u4")
    image[3, 4], image[3, 5], image[3, 6] = 0, 3999, 2**32 - 1
    with open_frames(_put(tmp_path / "a.cbf", cbf(image, MINI))) as source:
        frame = source.frame(0)
    assert np.argwhere(~frame.valid).tolist() == [[3, 6]]
    assert frame.data[3, 5] == 3999


def _put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def test_one_line_of_packed_pixels(tmp_path: Path) -> None:
    """As programs before 2007 wrote it; the rows are told by the CIF."""
    image = np.arange(1475 * 2, dtype="i4").reshape(2, 1475)
    header = axes_header("X general . . 1 0 0 0 0 0", "F X 0 0").replace("1679", "2")  # and no axes
    data = (START + header).encode() + b"_array_data.data"
    body = section(
        packed(image, 1, flat=True),
        image,
        "x-CBF_PACKED",
        X_Binary_Size_Fastest_Dimension="",
        X_Binary_Size_Second_Dimension="",
    )
    np.testing.assert_array_equal(_opened(tmp_path / "a.cbf", data + body)[0], image)
    with pytest.raises(MissingDatasetError, match="how many pixels a row"):
        _opened(tmp_path / "b.cbf", START.encode() + b"_array_data.data" + body)


def test_several_images(tmp_path: Path) -> None:
    images = [_image("i2") + number for number in range(3)]
    head = f"{START}loop_\n_array_data.array_id\n_array_data.binary_id\n_array_data.data\n".encode()
    parts = [
        f"ARRAY1 {number}".encode() + section(byte_offsets(image), image, "x-CBF_BYTE_OFFSET")
        for number, image in enumerate(images)
    ]
    np.testing.assert_array_equal(_opened(tmp_path / "a.cbf", head + b"".join(parts)), images)
    stack = np.stack(images)
    whole = section(byte_offsets(stack), stack, "x-CBF_BYTE_OFFSET", X_Binary_Size_Third_Dimension="3")
    np.testing.assert_array_equal(_opened(tmp_path / "b.cbf", head + whole), images)
    other = _image("i2", (24, 21))
    with pytest.raises(MissingDatasetError, match="several sizes"):
        parts[1] = b"ARRAY1 1" + section(byte_offsets(other), other, "x-CBF_BYTE_OFFSET")
        _opened(tmp_path / "c.cbf", head + b"".join(parts))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_files_packed_once_more(tmp_path: Path, pack: Any) -> None:
    """Told by their first bytes, whatever they are called."""
    image, data = _image(), pack(cbf(_image(), MINI))
    np.testing.assert_array_equal(_opened(tmp_path / "a.cbf", data)[0], image)
    with pytest.raises(UnreadableFileError, match=r"truncated|damaged|complete"):
        _opened(tmp_path / "b.cbf", data[: len(data) // 2])


# -------------------------------------------------------------------------------------------- damaged


def test_a_checksum_that_differs(tmp_path: Path) -> None:
    data = bytearray(cbf(_image(), MINI))
    data[data.index(b"\x0c\x1a\x04\xd5") + 200] ^= 1
    with pytest.raises(UnreadableFileError, match="Content-MD5"):
        _opened(tmp_path / "a.cbf", bytes(data))
    assert _opened(tmp_path / "b.cbf", bytes(data).replace(b"Content-MD5", b"Content-Old")).shape == (
        1,
        24,
        20,
    )


@pytest.mark.parametrize(
    ("conversion", "fields", "sentence"),
    [
        ("x-CBF_CANONICAL", {}, "compressed as x-CBF_CANONICAL"),
        ("x-CBF_NONE", {"Content-Transfer-Encoding": "BASE64"}, "holds its image as text"),
        ("x-CBF_NONE", {"X-Binary-Element-Type": '"signed 32-bit complex IEEE"'}, "elements of type"),
        ("x-CBF_NONE", {"X-Binary-Size-Second-Dimension": "25"}, "end after 480 pixels of 500"),
        ("x-CBF_BYTE_OFFSET", {"X-Binary-Size-Second-Dimension": "50"}, "end after"),
        ("x-CBF_PACKED", {"X-Binary-Size-Second-Dimension": "25"}, "end after"),
        ("x-CBF_PACKED", {"X-Binary-Size-Third-Dimension": "2"}, "2 x 24 x 20 elements"),
        ("x-CBF_NONE", {"X-Binary-Size": "999999"}, "999999 bytes"),
        ("x-CBF_NONE", {"X-Binary-Size": "90000"}, "90000 bytes of image data are stated"),
        ("x-CBF_NONE", {"X-Binary-Size": ""}, "no bytes of image data are stated"),
        ("x-CBF_NONE", {"X-Binary-Size-Fastest-Dimension": "1000000000"}, "million are the most"),
    ],
)
def test_what_is_not_read_is_said(
    tmp_path: Path, conversion: str, fields: dict[str, str], sentence: str
) -> None:
    data = cbf(_image(), MINI, conversion, **{"Content-MD5": "", **fields})
    with pytest.raises(UnreadableFileError, match=sentence):
        _opened(tmp_path / "a.cbf", data)


def test_every_cut_and_many_changes_are_a_sentence(tmp_path: Path) -> None:
    rng, data = np.random.default_rng(2), cbf(_image(shape=(8, 9)), MINI, "x-CBF_PACKED")
    end = data.rindex(bytes(4095))
    for size in (*range(0, end, 13), end - 1):
        with pytest.raises(FrameFileError, match=r"a\.cbf") as caught:
            _opened(tmp_path / "a.cbf", data[:size])
        assert "\n" not in str(caught.value)
    outcomes = []
    for _ in range(300):
        changed = np.frombuffer(data, np.uint8).copy()
        at = rng.integers(0, end, 4)
        changed[at] = rng.integers(0, 256, 4)
        try:
            outcomes.append(str(_opened(tmp_path / "a.cbf", changed.tobytes()).shape))
        except FrameFileError as error:
            outcomes.append(str(error))
            assert "\n" not in outcomes[-1] and "a.cbf" in outcomes[-1]
    assert 20 < outcomes.count("(1, 8, 9)") < 280


def test_a_closed_source_gives_no_frames(tmp_path: Path) -> None:
    source = open_frames(_put(tmp_path / "a.cbf", cbf(_image(), MINI)))
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.frame(0)


# ----------------------------------------------------------------------------------------- real files


def test_a_packed_frame_of_an_xfel(frames_dir: Path) -> None:
    """The same shot was converted to HDF5 by other hands."""
    path = frames_dir.parent / "frames2" / "hit-20181213155134902.cbf"
    with h5py.File(frames_dir / "rayonix_sfx" / "hit-20181213155134902.h5") as file:
        expected = np.squeeze(file["data"][()])
    start = time.process_time()
    with open_any(path) as source:
        frame = source.frame(0)
    taken = time.process_time() - start
    assert frame.valid.all()
    np.testing.assert_array_equal(frame.data, expected)
    assert source.metadata.center_px == pytest.approx((960.0, 960.0), abs=1e-6)
    assert source.metadata.distance_mm == pytest.approx(124.0)
    assert (source.metadata.wavelength_A, source.metadata.saturation) == (1.30375729885, 65535.0)
    assert taken < 3.0


def test_a_bomb_is_read_no_further_than_its_image(frames_dir: Path) -> None:
    path = frames_dir.parent / "hostile" / "bomb-1GiB.cbf.gz"
    start = time.process_time()
    try:
        with open_any(path) as source:
            assert np.prod(source.shape) < 1e8
    except FrameFileError as error:
        assert path.name in str(error)
    assert time.process_time() - start < 5.0


def test_frames_and_comparisons_read_the_same(frames_dir: Path) -> None:
    """Of each real file, what its frames say of the geometry and what `xgeom geometry` does."""
    paths = sorted(frames_dir.parent.glob("frames*/**/*.cbf*"))
    assert len(paths) >= 12
    for path in paths:
        with open_any(path) as source:
            stated = source.metadata
        reading = recognize(path).read(path, Hints())[0]
        assert reading.estimate.center_px == stated.center_px
        assert reading.estimate.tilt_deg == stated.tilt_deg
        assert (reading.distance_mm, reading.pixel_mm) == (stated.distance_mm, stated.pixel_mm)
        assert (reading.wavelength_A, reading.choices) == (stated.wavelength_A, stated.choices)
        assert reading.image_size == source.shape[::-1]

"""The formats of other detectors, whole and damaged."""

from __future__ import annotations

import bz2
import gc
import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage
from fabio.tifimage import TifImage

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.frames import open_frames

MINI_HEADER = "# Beam_xy (19.5, 23.5) pixels\r\n# Detector_distance 0.2 m\r\n# Count_cutoff 4000 counts"


def write_cbf(path: Path, image: Any) -> Path:
    CbfImage(image.astype(np.int32), {"_array_data.header_contents": MINI_HEADER}).write(str(path))
    return path


def write_tiff(path: Path, image: Any) -> Path:
    TifImage(image.astype(np.uint16)).write(str(path))
    return path


def write_edf(path: Path, image: Any) -> Path:
    EdfImage(
        image.astype(np.uint16), {"SampleDistance": "0.2", "Center_1": "19.5", "Center_2": "23.5"}
    ).write(str(path))
    return path


def write_smv(path: Path, image: Any) -> Path:
    head = (
        f"{{\nHEADER_BYTES=  512;\nDIM=2;\nBYTE_ORDER=little_endian;\nTYPE=unsigned_short;\n"
        f"SIZE1={image.shape[1]};\nSIZE2={image.shape[0]};\nPIXEL_SIZE=0.1;\nDISTANCE=200.0;\n"
        f"BEAM_CENTER_X=2.35;\nBEAM_CENTER_Y=1.95;\nWAVELENGTH=1.1;\n}}\n"
    )
    path.write_bytes(head.encode().ljust(512) + image.astype("<u2").tobytes())
    return path


def write_marccd(path: Path, image: Any) -> Path:
    """A TIFF with one directory and MarCCD's own header at byte 1024."""
    slow, fast = image.shape
    tags = [
        (256, fast),
        (257, slow),
        (258, 16),
        (259, 1),
        (262, 1),
        (273, 4096),
        (278, slow),
        (279, 2 * slow * fast),
    ]
    head = bytearray(4096)
    struct.pack_into("<2sHIH", head, 0, b"II", 42, 8, len(tags))
    for number, (tag, value) in enumerate(tags):
        struct.pack_into("<HHII", head, 10 + 12 * number, tag, 4, 1, value)
    struct.pack_into("<I16s", head, 1024, 2, b"MMX")
    struct.pack_into("<III", head, 1024 + 80, fast, slow, 2)
    struct.pack_into("<I", head, 1024 + 104, 65000)
    struct.pack_into("<iii", head, 1024 + 640, 200_000, 19_500, 23_500)
    struct.pack_into("<ii", head, 1024 + 772, 79_000, 80_000)
    struct.pack_into("<i", head, 1024 + 908, 110_000)
    path.write_bytes(bytes(head) + image.astype("<u2").tobytes())
    return path


WRITERS: dict[str, Callable[[Path, Any], Path]] = {
    "a.cbf": write_cbf,
    "a.tif": write_tiff,
    "a.edf": write_edf,
    "a.img": write_smv,
    "a_001.mccd": write_marccd,
    "a_mar.tif": write_marccd,
}
LAYOUTS = ["CBF", "TIFF", "EDF", "SMV", "MarCCD", "MarCCD"]


@pytest.fixture
def image(images: Any) -> Any:
    return images(1)[0] % 4000


@pytest.mark.parametrize(("name", "layout"), list(zip(WRITERS, LAYOUTS, strict=True)))
def test_each_format_gives_its_counts_and_geometry(
    tmp_path: Path, image: Any, name: str, layout: str
) -> None:
    path = WRITERS[name](tmp_path / name, image)

    with open_frames(path) as source:
        frame = source.frame(0)

    assert (source.layout, len(source), source.shape) == (layout, 1, (48, 40))
    assert (source.dataset, source.datasets, source.path) == ("", (), str(path))
    np.testing.assert_array_equal(frame.data, image)
    assert frame.valid.all()
    if layout != "TIFF":
        assert frame.metadata.center_px == pytest.approx((19.5, 23.5))
        assert frame.metadata.distance_mm == 200.0
        assert frame.metadata.center_convention


def test_marccd_numbers_are_in_their_own_units(tmp_path: Path, image: Any) -> None:
    with open_frames(write_marccd(tmp_path / "a.mccd", image)) as source:
        metadata = source.metadata

    assert metadata.pixel_mm == (0.079, 0.08)
    assert metadata.wavelength_A == pytest.approx(1.1)
    assert metadata.saturation == 65000.0


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_files_are_read(
    tmp_path: Path, image: Any, name: str, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    plain = WRITERS[name](tmp_path / name, image)
    packed = tmp_path / f"{name}{suffix}"
    packed.write_bytes(compress(plain.read_bytes()))

    with open_frames(packed) as source:
        np.testing.assert_array_equal(source.frame(0).data, image)

    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    with pytest.raises(UnreadableFileError, match=r"damaged|truncated|complete"):
        open_frames(packed)


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("keep", [0.002, 0.05, 0.5, 0.98])
def test_truncated_files_are_one_sentence(
    tmp_path: Path,
    image: Any,
    name: str,
    keep: float,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Wherever the file ends: fabio waits forever for a CBF's data, pads an EDF, logs a TIFF."""
    path = WRITERS[name](tmp_path / name, image)
    content = path.read_bytes()
    path.write_bytes(content[: max(4, int(len(content) * keep))])

    with pytest.raises(UnreadableFileError) as caught:
        open_frames(path)
    gc.collect()

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_saturation_and_sentinels_of_a_pilatus(tmp_path: Path, image: Any) -> None:
    marked = image.astype(np.int32)
    marked[1, 1], marked[2, 2], marked[3, 3], marked[4, 4] = -1, -2, 4000, 1046527

    with open_frames(write_cbf(tmp_path / "a.cbf", marked)) as source:
        frame = source.frame(0)

    assert np.argwhere(~frame.valid).tolist() == [[1, 1], [2, 2], [3, 3], [4, 4]]
    assert np.argwhere(frame.saturated).tolist() == [[3, 3], [4, 4]]


def test_overloads_of_a_ccd_are_saturated_not_gaps(tmp_path: Path, image: Any) -> None:
    image[5, 5] = 65535

    with open_frames(write_smv(tmp_path / "a.img", image)) as source:
        assert np.argwhere(source.frame(0).saturated).tolist() == [[5, 5]]


def test_several_frames_in_one_file(tmp_path: Path, images: Any) -> None:
    stack = images(3, dtype="u2")
    np.save(tmp_path / "a.npy", stack)

    with open_frames(tmp_path / "a.npy") as source:
        assert len(source) == 3
        np.testing.assert_array_equal(source.frame(2).data, stack[2])
        np.testing.assert_array_equal(source.frame(0).data, stack[0])
        with pytest.raises(MissingDatasetError, match="numbered 0 to 2"):
            source.frame(3)


def test_several_frames_in_an_edf(tmp_path: Path, images: Any) -> None:
    stack = images(3, dtype="u2")
    file = EdfImage(stack[0])
    file.append_frame(data=stack[1])
    file.append_frame(data=stack[2])
    file.write(str(tmp_path / "a.edf"))

    with open_frames(tmp_path / "a.edf") as source:
        assert len(source) == 3
        for index in (2, 0, 1):
            np.testing.assert_array_equal(source.frame(index).data, stack[index])


def test_a_closed_source_gives_no_frames_and_closes_again(tmp_path: Path, image: Any) -> None:
    source = open_frames(write_cbf(tmp_path / "a.cbf", image))
    source.close()
    source.close()

    with pytest.raises(ValueError, match="closed"):
        source.frame(0)

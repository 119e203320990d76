"""The formats of other detectors, whole and damaged."""

from __future__ import annotations

import bz2
import gc
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage

import sample_files
from sample_files import write_tags
from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.frames import open_frames

MINI_HEADER = "# Beam_xy (19.5, 23.5) pixels\r\n# Detector_distance 0.2 m\r\n# Count_cutoff 4000 counts"


def write_cbf(path: Path, image: Any) -> Path:
    CbfImage(image.astype(np.int32), {"_array_data.header_contents": MINI_HEADER}).write(str(path))
    return path


def write_edf(path: Path, image: Any) -> Path:
    EdfImage(
        image.astype(np.uint16), {"SampleDistance": "0.2", "Center_1": "19.5", "Center_2": "23.5"}
    ).write(str(path))
    return path


def _own(write: Callable[..., None]) -> Callable[[Path, Any], Path]:
    """A writer of the samples with other pixels."""

    def written(path: Path, image: Any) -> Path:
        write(path, {}, data=image.astype("<u2"))
        return path

    return written


write_tiff, write_smv = _own(write_tags), _own(sample_files.write_smv)
write_marccd = _own(sample_files.write_marccd)

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


def test_overloads_of_a_ccd_are_saturated_not_gaps(tmp_path: Path) -> None:
    image = sample_files.image()
    image[5, 5] = 65535
    sample_files.write_smv(tmp_path / "a.img", {"CCD_IMAGE_SATURATION": None}, data=image)

    with open_frames(tmp_path / "a.img") as source:
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

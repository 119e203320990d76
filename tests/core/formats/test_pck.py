"""Packed images of the Mar345: the pixels that fabio packs, and no damage brings anything down."""

from __future__ import annotations

from pathlib import Path

import fabio
import numpy as np
import pytest
from fabio.compression import compPCK

from sample_files import SAMPLES, mar345_noise
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.pck import unpack
from xgeom_core.frames import open_frames


@pytest.mark.parametrize("shape", [(48, 40), (2, 2), (17, 300)])
@pytest.mark.parametrize("highest", [3, 4000, 30000])
def test_what_fabio_packs_is_unpacked(shape: tuple[int, int], highest: int) -> None:
    image = np.random.default_rng(highest).integers(0, highest, shape).astype("<i4")
    np.testing.assert_array_equal(unpack(b"before" + compPCK(image)), image)


def _packed(blocks: list[tuple[int, int, list[int]]], fast: int, slow: int) -> bytes:
    """A stream from blocks of (code of the count, code of the bits, differences), lowest bit first."""
    sizes, number, at = (0, 4, 5, 6, 7, 8, 16, 32), 0, 0
    for count, code, differences in blocks:
        for value, bits in ((count, 3), (code, 3), *((one, sizes[code]) for one in differences)):
            number |= (value & (1 << bits) - 1) << at
            at += bits
    head = f"\nCCP4 packed image, X: {fast:04d}, Y: {slow:04d}\n".encode()
    return head + number.to_bytes(at // 8 + 1, "little")


def test_counts_beyond_15_bits_are_negative_in_the_mean() -> None:
    """Random differences by the rule as it is written down, pixel after pixel, without regard to speed."""
    rng, (slow, fast) = np.random.default_rng(3), (8, 8)
    differences = rng.integers(-30000, 30000, slow * fast).tolist()
    blocks = [(3, 6, differences[at : at + 8]) for at in range(0, slow * fast, 8)]
    pixels: list[int] = []
    for at, difference in enumerate(differences):
        before = pixels[at - 1] if at else 0
        if at > fast:
            before = int((before + sum(pixels[at - fast - 1 : at - fast + 2]) + 2) / 4)
        pixels.append((difference + before + 2**15) % 2**16 - 2**15)
    found = unpack(_packed(blocks, fast, slow))
    assert found is not None
    assert found.ravel().tolist() == [pixel % 2**16 for pixel in pixels]
    assert min(pixels) < 0 < max(pixels)


@pytest.mark.parametrize("name", ["agbe_60sec_006.mar1200", "nx09_strain_001.mar2300"])
def test_real_image_plates(name: str, frames_dir: Path) -> None:
    """One of them has counts beyond 16 bits; fabio unpacks both without harm."""
    path = frames_dir.parent / "frames2" / name
    if not path.exists():
        pytest.skip(f"no reference frame at {path}")
    with open_frames(path) as source:
        np.testing.assert_array_equal(source.frame(0).data, fabio.open(str(path)).data)


def test_high_counts_stand_before_the_stream(tmp_path: Path) -> None:
    noise = mar345_noise()
    noise[3, 5] = 123456
    noise[40, 39] = 70000
    with open_frames(SAMPLES["mar345"](tmp_path, {"pixels": noise})) as source:
        np.testing.assert_array_equal(source.frame(0).data, noise)


def test_damage_is_a_sentence_or_other_pixels(tmp_path: Path) -> None:
    path = SAMPLES["mar345"](tmp_path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(7), 0
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(4096, len(data), 4):
            data[at] = rng.integers(256)
        path.write_bytes(data[: rng.integers(4200, len(data))] if rng.random() < 0.5 else data)
        try:
            with open_frames(path) as source:
                source.frame(0)
        except UnreadableFileError as error:
            refused += 1
            assert str(path) in str(error)
    assert 100 < refused < 250

"""Text of other programs' files: compressed or not, limited, never a decoding error."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.text import HEAD_BYTES, read_bytes, read_head, read_text

TEXT = "ORGX= 1\r\nORGY= 2 Å\rEND\n"
PLAIN = "ORGX= 1\nORGY= 2 Å\nEND\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_told_by_content(tmp_path: Path, pack) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(pack(TEXT.encode()))
    assert read_text(path) == PLAIN
    assert read_head(path, 4) == b"ORGX"


def test_old_encodings_and_byte_order_marks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(TEXT.encode("latin-1"))
    assert read_text(path) == PLAIN
    path.write_bytes(b"\xef\xbb\xbfJOB")
    assert read_text(path) == "JOB"


def test_damage_is_a_sentence_for_the_text_and_no_obstacle_for_the_head(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    whole = gzip.compress(b"line of text %d\n" * 50_000, compresslevel=1)
    path.write_bytes(whole[: len(whole) // 2])
    assert read_head(path, 10) == b"line of te"
    with pytest.raises(UnreadableFileError, match=r"cut\.gz is damaged"):
        read_text(path)
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        packed = bytearray(pack(TEXT.encode() * 500))
        for i in range(len(packed) // 2, len(packed)):
            packed[i] ^= 0x55
        path.write_bytes(packed)
        with pytest.raises(UnreadableFileError):
            read_text(path)


def test_limits_and_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(gzip.compress(b"0" * 2_000_000))
    with pytest.raises(UnreadableFileError, match=r"more than 0\.954 MiB"):
        read_text(path, limit=1_000_000)
    assert len(read_bytes(path, 2_000_000)) == 2_000_000
    assert len(read_head(path)) == HEAD_BYTES
    path.write_bytes(b"a\x00b")
    with pytest.raises(UnreadableFileError, match="not a text file"):
        read_text(path)


def test_absent_unreadable_and_impossible_names(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no", "not there"), (tmp_path, "a folder"), (Path("a\0b"), "a\0b")):
        with pytest.raises(UnreadableFileError, match=words):
            read_text(path)
        with pytest.raises(UnreadableFileError, match=words):
            read_head(path)

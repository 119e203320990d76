"""Text files of other programs: compressed or not, never too large, never a decoding error.

Compression is told by the first bytes, not by the name: a ``.expt`` that somebody gzipped without
renaming it is read as well.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.limits import LARGEST_UNPACKED

HEAD_BYTES = 64 * 1024
TEXT_LIMIT = 64 * 1024 * 1024
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"
# What the decompressors raise on damaged data; gzip's BadGzipFile and bz2's are OSErrors.
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError)


def read_text(path: Path, limit: int = TEXT_LIMIT) -> str:
    """The whole text of a file, decompressed if it is gzip, bzip2 or xz.

    Parameters
    ----------
    path : Path
        The file.
    limit : int
        Most bytes of text (after decompression) that are accepted.

    Returns
    -------
    str
        Lines end with ``\\n``; a byte-order mark is dropped.

    Raises
    ------
    UnreadableFileError
        If the file is absent, damaged, larger than the limit, or not text.
    """
    data = read_bytes(path, limit)
    if b"\x00" in data:
        raise UnreadableFileError(
            f"{path} is not a text file (it holds zero bytes); give the program's own text file."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Old programs write comments and paths in Latin-1; every byte is a character there.
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_bytes(path: Path, limit: int = TEXT_LIMIT) -> bytes:
    """The whole content of a file, decompressed; raises UnreadableFileError as :func:`read_text`."""
    data = _read(path, limit + 1, strict=True)
    if len(data) > limit:
        raise UnreadableFileError(
            f"{path} holds more than {limit / 2**20:.3g} MiB, too much for a file of geometry; "
            "was an image or a reflection table meant?"
        )
    return data


def read_head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """The first ``size`` bytes, decompressed, of a file that may be damaged further on.

    Raises
    ------
    UnreadableFileError
        If the file is absent or cannot be opened.
    """
    return _read(path, size, strict=False)


def read_part(path: Path, start: int, size: int) -> bytes:
    """At most ``size`` bytes from ``start``, counted in the unpacked file; fewer where it ends.

    Raises
    ------
    UnreadableFileError
        If the file is absent, or its compressed data are damaged so far.
    """
    return _read(path, size, strict=True, start=start)


@contextmanager
def parts_of(path: Path) -> Iterator[Callable[[int, int], bytes]]:
    """Many parts of one file: within this, ``part(start, size)`` gives what :func:`read_part` gives.

    Raises
    ------
    UnreadableFileError
        As :func:`read_part`; also if a packed file, which is unpacked whole, is larger than any frame.
    """
    if path.is_file() and is_packed(path):
        data = read_part(path, 0, LARGEST_UNPACKED + 1)
        _check_unpacked(path, len(data))
        yield lambda start, wanted: data[start : start + wanted]
        return
    with unpacked(path) as file:
        size = path.stat().st_size

        def part(start: int, wanted: int) -> bytes:
            file.seek(start)
            return file.read(min(wanted, size))

        yield part


def unpacked_size(path: Path) -> int:
    """Bytes of a file once it is unpacked, for which a packed one is read to its end.

    Raises
    ------
    UnreadableFileError
        If the file is absent, or a packed one is damaged or larger than any frame.
    """
    if path.is_file() and not is_packed(path):
        return path.stat().st_size
    size = 0
    with unpacked(path) as stream:
        while piece := stream.read(HEAD_BYTES):
            size += len(piece)
            _check_unpacked(path, size)
    return size


def _check_unpacked(path: Path, size: int) -> None:
    if size > LARGEST_UNPACKED:
        raise UnreadableFileError(
            f"{path} unpacks to more than {LARGEST_UNPACKED / 2**20:.0f} MiB, too much for any frame."
        )


def is_packed(path: Path) -> bool:
    """Whether a file is gzip, bzip2 or xz, by its first bytes."""
    with path.open("rb") as raw:
        return _decompressed(raw) is not raw


def _read(path: Path, size: int, strict: bool, start: int = 0) -> bytes:
    """At most ``size`` decompressed bytes; without ``strict``, damage ends the data instead of raising."""
    parts: list[bytes] = []
    try:
        with unpacked(path) as stream:
            stream.seek(start)
            left = size
            # Small pieces, so that what lies before the damage is kept.
            while left > 0 and (piece := stream.read(min(left, HEAD_BYTES))):
                parts.append(piece)
                left -= len(piece)
    except UnreadableFileError:
        if strict or not parts:
            raise
    return b"".join(parts)


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """The content of a file, whatever it is compressed with, to be read.

    Raises
    ------
    UnreadableFileError
        If the file is absent or cannot be opened, or where reading it comes upon damage.
    """
    try:
        if not path.is_file():
            what = "a pipe or a device, no regular file" if path.exists() else "not there"
            raise UnreadableFileError(
                f"{path} is {'a folder' if path.is_dir() else what}; a file was expected."
            )
        with path.open("rb") as raw, _decompressed(raw) as stream:
            yield stream
    except _DAMAGED as error:
        raise UnreadableFileError(
            f"{path} is damaged: its compressed data cannot be unpacked ({error})."
        ) from error
    except (OSError, ValueError, OverflowError) as error:
        # A ValueError comes from names that no file can have, such as one with a zero byte.
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"{path} cannot be read: {reason}.") from error


def _decompressed(raw: BinaryIO) -> BinaryIO:
    """The stream itself, or one that unpacks it."""
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if magic.startswith(_BZIP2) and magic[3:4].isdigit():
        return cast(BinaryIO, bz2.BZ2File(raw))
    if magic.startswith(_XZ):
        return cast(BinaryIO, lzma.LZMAFile(raw))
    return raw

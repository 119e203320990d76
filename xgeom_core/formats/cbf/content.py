"""The content of a CBF file, looked at before it is decoded."""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats import packed
from xgeom_core.formats.cbf.checksum import check_md5
from xgeom_core.formats.limits import check_size

_STARTER = b"\x0c\x1a\x04\xd5"
_SECTION = b"--CIF-BINARY-FORMAT-SECTION--"
# Headers of detectors of many panels are long; after the data comes little.
_HEADER, _AFTER = 2**22, 2**16


def is_cbf(path: str) -> bool:
    """Whether a file is a CBF by its name or by its first bytes."""
    inner = Path(path).stem if packed.is_packed(path) else path
    return Path(inner).suffix.lower() == ".cbf" or packed.read_head(path, 16).startswith(b"###CBF")


def read_cbf(path: str) -> bytes:
    """The content of a CBF: of a packed one only as much as its binary section needs.

    Raises
    ------
    UnreadableFileError
        If the section is not whole, not as it was written, or of a size or kind that is not read.
    """
    with packed.open_unpacked(path) as file:
        head = file.read(_HEADER)
        _check_header(path, head)
        size = _number(rb"X-Binary-Size", head)
        if size is None or not packed.is_packed(path):
            content = head + packed.read_up_to(path, file)
        else:
            content = head + file.read(max(0, head.find(_STARTER) + size + _AFTER - len(head)))
    _check_data(path, content)
    return content


def _check_header(path: str, head: bytes) -> None:
    """Make sure that a CBF has a binary section of a size and kind that is read."""
    section = head.find(_SECTION)
    start = head.find(_STARTER, max(section, 0))
    if section < 0 or start < 0:
        what = "it ends within its header" if head.startswith(b"###CBF") else "it has no image data"
        if len(head) == _HEADER:
            what = f"its first {_HEADER >> 20} MiB have no image data"
        raise UnreadableFileError(f"{path} is not a complete CBF file ({what}): copy it again.")
    header = head[section:start]
    sides = [_number(rb"X-Binary-Size-%s-Dimension" % name, header) for name in (b"Fastest", b"Second")]
    check_size(path, [side or 0 for side in sides])
    scheme = re.search(rb'conversions="?\s*([\w-]+)', header)
    if scheme and scheme.group(1) != b"x-CBF_BYTE_OFFSET":
        raise UnreadableFileError(
            f"{path} is compressed as {scheme.group(1).decode()}: only x-CBF_BYTE_OFFSET is read; "
            f"convert the file."
        )


def _check_data(path: str, content: bytes) -> None:
    """Make sure that a CBF holds the whole of its binary section, as it was written."""
    section = content.find(_SECTION)
    start = content.find(_STARTER, section) + len(_STARTER)
    header, data = content[section:start], memoryview(content)[start:]
    size = _number(rb"X-Binary-Size", header)
    if size is None:
        return
    if len(data) < size:
        raise UnreadableFileError(
            f"{path} is truncated: {len(data)} bytes of image data of {size}: copy it again."
        )
    check_md5(path, header, data[:size])


def _number(name: bytes, header: bytes) -> int | None:
    """A whole number that a section's header states."""
    stated = re.search(name + rb":\s*(\d{1,18})\b", header)
    return int(stated.group(1)) if stated else None

"""What an EDF file states before fabio believes it: dimensions that exist, and data in the same folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.limits import check_size

HEAD_BYTES = 2**16
"""Of a file; longer headers are left to the limits of the reading process."""

_START = re.compile(rb"\s*\{")
_DIMENSION = re.compile(rb"\bDim_(\d+)\s*=\s*([^;\s]*)", re.IGNORECASE)
_ELSEWHERE = re.compile(rb"\bEDF_BinaryFileName\s*=\s*([^;]*?)\s*;")
_MOST_DIMENSIONS = 9
_DIGITS = 18


def check_edf(path: str, head: bytes) -> None:
    """Make sure that an EDF file can be read; nothing to do for another.

    fabio counts up to the highest dimension that a header names, and reads data from another file if the
    header says so.

    Parameters
    ----------
    path : str
        The file.
    head : bytes
        Its first `HEAD_BYTES` bytes, unpacked.

    Raises
    ------
    UnreadableFileError
        If it names dimensions beyond reason, more pixels than are read, or data that are no file beside it.
    """
    if not _START.match(head):
        return
    header = head[: head.find(b"}")] if b"}" in head else head
    sides = dict(_DIMENSION.findall(header))
    odd = next((name for name in sides if len(name) > 1 or int(name) > _MOST_DIMENSIONS), None)
    if odd is not None:
        raise UnreadableFileError(
            f"{path} names a dimension Dim_{_short(odd)}, and images have two: it is damaged; copy it again."
        )
    check_size(path, [_side(value) for value in sides.values()])
    elsewhere = _ELSEWHERE.search(header)
    if elsewhere is not None:
        _check_beside(path, os.fsdecode(elsewhere.group(1)))


def _side(text: bytes) -> float:
    """A side that makes no sense is fabio's to complain of."""
    return float(int(text[:_DIGITS])) if text.isdigit() else 0.0


def _short(digits: bytes) -> str:
    text = digits.decode()
    return text if len(text) <= _DIGITS else f"{text[:_DIGITS]}…"


def _check_beside(path: str, name: str) -> None:
    folder = Path(path).resolve().parent
    # fabio takes the name's last part, in the folder of the header.
    data = folder / os.path.basename(name)  # noqa: PTH119 - a name from elsewhere is no Path
    if not data.is_file() or data.resolve().parent != folder:
        raise UnreadableFileError(
            f"{path} keeps its image in another file, {name!r}, and only a file in the same folder is read: "
            "put that file beside it."
        )

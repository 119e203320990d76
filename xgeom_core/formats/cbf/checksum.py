"""The checksum of a CBF's binary section: its Content-MD5 as RFC 1864 has it, over the packed data."""

from __future__ import annotations

import base64
import hashlib
import re

from xgeom_core.errors import UnreadableFileError

_STATED = re.compile(rb"^Content-MD5:[ \t]*([A-Za-z0-9+/]{22}==)[ \t]*\r?$", re.MULTILINE)


def check_md5(path: str, header: bytes, data: bytes | memoryview) -> None:
    """Make sure that the data of a section are those that were written.

    Parameters
    ----------
    path : str
        For the sentence.
    header : bytes
        Header of the section; without a Content-MD5 there is nothing to check.
    data : bytes
        The section's X-Binary-Size bytes.

    Raises
    ------
    UnreadableFileError
        If they differ.
    """
    stated = _STATED.search(header)
    if stated is None:
        return
    found = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest())
    if found != stated.group(1):
        raise UnreadableFileError(
            f"{path} is damaged: its image data have the checksum {found.decode()} and its header states "
            f"Content-MD5 {stated.group(1).decode()}; copy it again."
        )

"""Large arrays in memory that two processes share: written once, and mapped without a copy.

The memory is a file without a name (memfd_create), sealed after writing: its size and content can then
never change, so that a child that has gone astray cannot pull it away under the parent's feet. Where a
system has no such files, bytes go through the channel instead.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence
from itertools import islice

if sys.platform == "linux":
    import fcntl

    _SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL

AVAILABLE = sys.platform == "linux" and hasattr(os, "memfd_create")
_MOST_PIECES = 512  # the system takes up to 1024 at once
_LARGEST_WRITE = 2**30


def put(pieces: Sequence[memoryview]) -> int:
    """Write pieces of bytes one after the other into shared memory; the descriptor of its file.

    Raises
    ------
    OSError
        If there is no more memory.
    """
    file = os.memfd_create("xgeom", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        # Written, not mapped: a page that a write fills whole need not be cleared first.
        rest = [
            piece[at : at + _LARGEST_WRITE] for piece in pieces for at in range(0, len(piece), _LARGEST_WRITE)
        ]
        while rest:
            written = os.writev(file, list(islice(rest, _MOST_PIECES)))
            while rest and written >= len(rest[0]):
                written -= len(rest.pop(0))
            if rest:
                rest[0] = rest[0][written:]
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(file)
        raise
    return file


def take(file: int, most_bytes: int) -> memoryview:
    """The content of shared memory, to read and to change in this process alone; closes the descriptor.

    Raises
    ------
    ValueError
        If it is not sealed, empty or larger than it may be.
    """
    try:
        sealed = fcntl.fcntl(file, fcntl.F_GET_SEALS)
        size = os.fstat(file).st_size
        if sealed & _SEALS != _SEALS or not 0 < size <= most_bytes:
            raise ValueError(f"shared memory of {size} bytes with seals {sealed}")
        return memoryview(
            mmap.mmap(file, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        )
    except OSError as error:
        raise ValueError(f"not shared memory ({error})") from error
    finally:
        os.close(file)

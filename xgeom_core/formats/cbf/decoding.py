"""The pixels of a binary section of a CBF."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.cbf.content import Section
from xgeom_core.formats.cbf.packing import unpack

_PACKED = {"x-CBF_PACKED": 1, "x-CBF_PACKED_V2": 2}
_PLAIN = {"", "x-CBF_NONE"}
_BYTE_OFFSET = "x-CBF_BYTE_OFFSET"
# What comes before an offset of more than 32 bits.
_EIGHT_BYTES = b"\x80\x00\x80\x00\x00\x00\x80"
_READ = f"{_BYTE_OFFSET}, {' and '.join(_PACKED)} are"


def decoded(path: str, section: Section, image_size: tuple[int, int]) -> NDArray[np.generic]:
    """The images of a section.

    Parameters
    ----------
    path : str
        For sentences.
    section : Section
        With its data.
    image_size : tuple of int
        Pixels ``(fast, slow)`` of each image.

    Returns
    -------
    ndarray, shape (images, slow, fast)

    Raises
    ------
    UnreadableFileError
        If the data end early, or are stored in a way that is not read.
    """
    fast, slow = image_size
    count = section.images * slow * fast
    found = _elements(path, section, fast, count)
    if found.size < count:
        raise UnreadableFileError(
            f"{path} is damaged: its image data end after {found.size} pixels of {count}: copy it again."
        )
    return found[:count].reshape(section.images, slow, fast)


def _elements(path: str, section: Section, fast: int, count: int) -> NDArray[np.generic]:
    """So many pixels in one line; fewer if the data end early."""
    dtype, how = section.dtype, section.conversion
    if dtype is None:
        stated = section.fields.get("x-binary-element-type", "")[:60]
        raise UnreadableFileError(f"{path} holds elements of type {stated!r}: integers and reals are read.")
    if section.fields.get("content-transfer-encoding", "binary").lower() != "binary":
        raise UnreadableFileError(f"{path} holds its image as text, which is not read: convert the file.")
    size, native = dtype.itemsize, dtype.newbyteorder("=")
    if how in _PLAIN:
        return np.frombuffer(section.data[: len(section.data) // size * size], dtype)
    if how == _BYTE_OFFSET:
        return _from_byte_offsets(section.data, count, size).view(native)
    # Narrower rows have no neighbors to pack by; wider elements and stacks, nobody packs.
    if how in _PACKED and size <= 4 and section.images == 1 and (fast > 2 or section.is_flat):
        return unpack(section.data, _PACKED[how], fast, count, size, section.is_flat).view(native)
    raise UnreadableFileError(
        f"{path} is compressed as {how} ({section.images} x {count // fast // section.images} x {fast} "
        f"elements of {size} bytes), which is not read; frames compressed as {_READ}: convert the file."
    )


def _from_byte_offsets(data: bytes, count: int, element_bytes: int) -> NDArray[np.signedinteger]:
    # Imported here because it takes 0.1 s, which programs that read other formats need not wait for.
    from fabio.compression import decByteOffset  # noqa: PLC0415

    short = element_bytes == 4 and _EIGHT_BYTES not in data
    # It looks up to 14 bytes beyond the end if the last offset is cut.
    found = decByteOffset(data + bytes(16), count, "int32" if short else "int64")
    return np.asarray(found).astype(f"i{element_bytes}", copy=False)

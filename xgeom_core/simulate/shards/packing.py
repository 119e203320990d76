"""One frame as bytes: compressed where it was rendered, checked where it is read.

The images are deflated without HDF5's shuffle filter: square roots of counts are few different numbers
of four bytes that come again and again, and those repetitions are what deflate finds. Splitting them
into byte planes makes the file almost twice as large.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from xgeom_core.simulate.render import SimulatedFrame
from xgeom_core.simulate.shards.layout import (
    GEOM,
    LABELS,
    TRUTH,
    experiment_json,
    geom_row,
    label_row,
    truth_row,
)

# Of ISA-L's levels, 2 is as quick as 1 for such images, and a little smaller.
LEVEL = 2
MARK = b"FRAM"
# Mark, frame number, and the lengths of image, known, tables and experiment; then a checksum of it all.
_HEAD = struct.Struct("<4sQIIII")
_CHECK = struct.Struct("<I")
_ROWS = ((len(LABELS), "<f4"), (len(GEOM), "<f4"), (len(TRUTH), "<f8"))


@dataclass(frozen=True, eq=False)
class Packed:
    """A frame as it lies in the file.

    Parameters
    ----------
    index : int
        Number of the frame in its data set.
    image, known : bytes
        Deflated chunks: float32 square roots of the counts; uint8, 1 where the detector is sensitive.
    labels, geom, truth : ndarray
        Rows of the tables.
    experiment : str
        Full truth as JSON.
    """

    index: int
    image: bytes
    known: bytes
    labels: NDArray[np.float32]
    geom: NDArray[np.float32]
    truth: NDArray[np.float64]
    experiment: str

    @classmethod
    def of(cls, frame: SimulatedFrame, index: int) -> Packed:
        """Compress a frame."""
        roots = np.sqrt(np.ascontiguousarray(frame.counts, dtype="<f4"))
        known = np.ascontiguousarray(frame.known).view(np.uint8)
        return cls(
            index,
            isal_zlib.compress(roots, LEVEL),
            isal_zlib.compress(known, LEVEL),
            label_row(frame),
            geom_row(frame),
            truth_row(frame),
            experiment_json(frame),
        )

    def record(self) -> bytes:
        """The frame as one stretch of bytes with its lengths and checksum."""
        rows: tuple[NDArray[Any], ...] = (self.labels, self.geom, self.truth)
        tables = b"".join(row.astype(kind).tobytes() for row, (_, kind) in zip(rows, _ROWS, strict=True))
        text = self.experiment.encode()
        head = _HEAD.pack(MARK, self.index, len(self.image), len(self.known), len(tables), len(text))
        body = b"".join((head, self.image, self.known, tables, text))
        return body + _CHECK.pack(isal_zlib.crc32(body))


def record_index(record: bytes) -> int:
    """Number of the frame in a record."""
    return int(_HEAD.unpack_from(record)[1])


def read_record(file: BinaryIO) -> Packed | None:
    """The next frame of a file of records; None at its end, or where it is torn or damaged."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    mark, index, *lengths = _HEAD.unpack(head)
    if mark != MARK:
        return None
    parts = [file.read(length) for length in lengths]
    check = file.read(_CHECK.size)
    total = isal_zlib.crc32(head)
    for part in parts:
        total = isal_zlib.crc32(part, total)
    if check != _CHECK.pack(total):
        return None
    image, known, tables, text = parts
    rows, place = [], 0
    for length, kind in _ROWS:
        rows.append(np.frombuffer(tables, kind, length, place))
        place += rows[-1].nbytes
    return Packed(index, image, known, rows[0], rows[1], rows[2], text.decode())

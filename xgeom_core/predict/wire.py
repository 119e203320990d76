"""Messages between a program and the process that predicts for it: pickles, arrays beside them.

Both ends are this program and the pipe belongs to them alone, so a pickle is as safe as a function call;
nothing that comes from a file is ever read this way.
"""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO, Literal

Verb = Literal["load", "predict", "sight"]
Outcome = Literal["done", "refused", "unknown", "fault"]
"""What came of a request: a result; the sentence of an XgeomError; no such model; words for anything else."""

_COUNT = struct.Struct("<Q")


def send(stream: BinaryIO, message: object) -> None:
    """Write one message; arrays go as they lie in memory.

    Raises
    ------
    OSError
        If the other end is gone.
    """
    arrays: list[pickle.PickleBuffer] = []
    text = pickle.dumps(message, protocol=5, buffer_callback=arrays.append)
    parts = [memoryview(text), *(array.raw() for array in arrays)]
    _write(stream, memoryview(_COUNT.pack(len(parts)) + b"".join(_COUNT.pack(len(part)) for part in parts)))
    for part in parts:
        _write(stream, part)


def receive(stream: BinaryIO) -> Any:
    """Read one message.

    Raises
    ------
    EOFError
        If the other end is gone.
    """
    (count,) = _COUNT.unpack(_read(stream, _COUNT.size))
    sizes = [_COUNT.unpack(_read(stream, _COUNT.size))[0] for _ in range(count)]
    text, *arrays = [_read(stream, size) for size in sizes]
    return pickle.loads(text, buffers=arrays)


def _write(stream: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[stream.write(data) :]
    stream.flush()


def _read(stream: BinaryIO, size: int) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        got = stream.readinto(rest)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        rest = rest[got:]
    return data

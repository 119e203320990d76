"""Messages through a pipe: arrays come out as they went in, and a broken pipe is told apart."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict.wire import receive, send


def carried(message: object) -> object:
    """A message after its way through a pipe, which holds less than the message."""
    out, into = os.pipe()
    with os.fdopen(out, "rb", buffering=0) as reader, os.fdopen(into, "wb", buffering=0) as writer:
        sender = threading.Thread(target=send, args=(writer, message))
        sender.start()
        found = receive(reader)
        sender.join()
    return found


def test_a_frame_arrives_whole() -> None:
    rng = np.random.default_rng(0)
    data = rng.poisson(3.0, (300, 401)).astype(np.float32)
    valid = rng.random((300, 401)) < 0.9
    # A view with strides, as a turned or cut frame has them.
    saturated = np.zeros((401, 300), dtype=bool).T
    frame = Frame(data, valid, saturated, Metadata(distance_mm=200.0), "f.h5", "/data", 3, ("odd",))
    number, found, nothing = carried((7, frame, np.zeros((0, 2))))
    assert number == 7
    assert np.array_equal(found.data, data) and np.array_equal(found.valid, valid)
    assert np.array_equal(found.saturated, saturated)
    assert (found.metadata, found.path, found.index) == (frame.metadata, "f.h5", 3)
    assert nothing.shape == (0, 2)
    found.data[0, 0] = 1.0  # not read-only, as frames from a file are not


def test_a_message_cut_off_is_an_end_not_a_message() -> None:
    out, into = os.pipe()
    with os.fdopen(into, "wb", buffering=0) as writer:
        send(writer, "x" * 100)
    whole = os.read(out, 10_000)
    os.close(out)
    for cut in (0, 5, 20, len(whole) - 1):
        out, into = os.pipe()
        os.write(into, whole[:cut])
        os.close(into)
        with os.fdopen(out, "rb", buffering=0) as reader, pytest.raises(EOFError):
            receive(reader)

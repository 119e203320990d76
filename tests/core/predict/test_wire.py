"""Messages to the process that predicts: arrays come out as they went in, a lost connection is told apart."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict.service.wire import receive, send
from xgeom_core.process.channel import Channel, connected


def carried(message: object) -> object:
    """A message after its way through a channel, which holds less than the message."""
    own, other = connected()
    sender = threading.Thread(target=send, args=(own, message))
    sender.start()
    far = Channel(other)
    found = receive(far)
    sender.join()
    own.close()
    far.close()
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
    own, other = connected()
    send(own, "x" * 100)
    whole = other.recv(10_000)
    other.close()
    own.close()
    for cut in (0, 5, 20, len(whole) - 1):
        own, other = connected()
        other.sendall(whole[:cut])
        other.close()
        with pytest.raises(EOFError):
            receive(own)
        own.close()

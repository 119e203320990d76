"""Messages and shared memory: whole or an error, never more than was expected."""

from __future__ import annotations

import fcntl
import os
import struct
import threading

import numpy as np
import pytest

from xgeom_core.process import shared_memory
from xgeom_core.process.channel import Channel, MessageError, connected

linux = pytest.mark.skipif(not shared_memory.AVAILABLE, reason="shared memory is handed over on Linux only")


@pytest.fixture
def ends():
    own, other = connected()
    far = Channel(other)
    yield own, far
    own.close()
    far.close()


def test_parts_and_files_arrive(ends, tmp_path) -> None:
    own, far = ends
    (tmp_path / "a").write_bytes(b"content")
    with (tmp_path / "a").open("rb") as file:
        own.send([b"", b"text", memoryview(b"more")], [file.fileno()])
    own.send([])
    parts, (number,) = far.receive()
    assert parts == [b"", b"text", b"more"]
    assert not os.get_inheritable(number)
    with os.fdopen(number, "rb") as file:
        assert file.read() == b"content"
    assert far.receive() == ([], [])


def test_a_message_larger_than_expected_is_not_read(ends) -> None:
    own, far = ends
    threading.Thread(target=own.send, args=([bytes(1000)],)).start()
    with pytest.raises(MessageError, match="1000 bytes"):
        far.receive(999)
    own.close()


def test_a_count_that_makes_no_sense_is_no_message(ends) -> None:
    own, far = ends
    own._end.sendall(struct.pack("<Q", 2**60))
    with pytest.raises(MessageError):
        far.receive()


def test_a_message_that_stops_in_the_middle_is_not_waited_for(ends) -> None:
    own, far = ends
    far.patience(0.05)
    own._end.sendall(struct.pack("<QQ", 1, 100))
    with pytest.raises(TimeoutError):
        far.receive()


@linux
def test_shared_memory_gives_what_was_put_there() -> None:
    pieces = [np.arange(n, dtype=np.uint8).data for n in (5, 1, 250)]
    many = [memoryview(b"ab")] * 3000
    found = shared_memory.take(shared_memory.put([*pieces, *many]), 10_000)
    assert bytes(found) == b"".join(map(bytes, pieces)) + b"ab" * 3000
    found[0] = 7  # a private copy, which nobody else sees


@linux
def test_shared_memory_that_could_change_later_is_refused() -> None:
    unsealed = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.write(unsealed, b"x" * 100)
    with pytest.raises(ValueError, match="seals"):
        shared_memory.take(unsealed, 1000)
    with pytest.raises(OSError):
        os.fstat(unsealed)
    half = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.write(half, b"x" * 100)
    fcntl.fcntl(half, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    with pytest.raises(ValueError, match="seals"):
        shared_memory.take(half, 1000)


@linux
def test_shared_memory_of_another_size_and_other_files_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="100 bytes"):
        shared_memory.take(shared_memory.put([memoryview(bytes(100))]), 99)
    with pytest.raises(ValueError, match="not shared memory"):
        shared_memory.take(os.open(tmp_path, os.O_RDONLY), 1000)

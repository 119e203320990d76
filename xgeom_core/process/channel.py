"""Messages between this program and a child process: parts of bytes, and open files beside them."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

_COUNT = struct.Struct("<Q")
_MOST_PARTS, _MOST_FILES = 4096, 8


class MessageError(Exception):
    """The other end sent what is no message."""


class Channel:
    """One end of a connection; one thread at a time uses it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, parts: Sequence[memoryview | bytes | bytearray], files: Sequence[int] = ()) -> None:
        """Write one message.

        Parameters
        ----------
        parts : sequence of bytes or contiguous memoryview of bytes
        files : sequence of int
            Descriptors of open files; the other end gets its own.

        Raises
        ------
        OSError
            If the other end is gone.
        """
        head = _COUNT.pack(len(parts)) + b"".join(_COUNT.pack(len(part)) for part in parts)
        sent = socket.send_fds(self._end, [head], files) if files else 0
        self._end.sendall(head[sent:])
        for part in parts:
            self._end.sendall(part)

    def receive(self, most: int | None = None) -> tuple[list[bytearray], list[int]]:
        """Read one message: its parts, and descriptors of the files beside it.

        Parameters
        ----------
        most : int, optional
            Bytes that a message may have.

        Raises
        ------
        EOFError
            If the other end is gone.
        MessageError
            If a message is larger than it may be, or none.
        TimeoutError
            If it stops within a message for longer than `patience` allows.
        """
        head, files = self._first(_COUNT.size)
        try:
            (count,) = _COUNT.unpack(head)
            if count > _MOST_PARTS:
                raise MessageError(f"{count} parts")
            sizes = [_COUNT.unpack(self._read(_COUNT.size))[0] for _ in range(count)]
            if most is not None and sum(sizes) > most:
                raise MessageError(f"{sum(sizes)} bytes")
            return [self._read(size) for size in sizes], files
        except BaseException:
            for file in files:
                os.close(file)
            raise

    def wait(self, seconds: float) -> bool:
        """Whether something has come, or the other end has gone, within so many seconds."""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def patience(self, seconds: float | None) -> None:
        """How long the other end may pause within a message; None for ever."""
        self._end.settimeout(seconds)

    def close(self) -> None:
        """Let go; the other end finds its messages at an end."""
        with suppress(OSError):
            self._end.close()

    def _first(self, size: int) -> tuple[bytes, list[int]]:
        """The first bytes of a message, with which files come."""
        try:
            head, files, _, _ = socket.recv_fds(self._end, size, _MOST_FILES)
        except ConnectionError:
            raise EOFError from None
        for file in files:
            # Not for programs that this one starts.
            os.set_inheritable(file, False)
        try:
            return head + self._read(size - len(head), begun=bool(head)), files
        except BaseException:
            for file in files:
                os.close(file)
            raise

    def _read(self, size: int, begun: bool = True) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            try:
                got = self._end.recv_into(rest) if begun else 0
            except ConnectionError:
                got = 0
            if not got:
                raise EOFError
            rest = rest[got:]
        return data


def connected() -> tuple[Channel, socket.socket]:
    """One end of a new connection, and the other end for a child process."""
    own, other = socket.socketpair()
    return Channel(own), other


def inherited() -> Channel:
    """The end that the parent gave to this process as its standard input."""
    # Whatever a library reads from the standard input must not be a message.
    end = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Channel(end)

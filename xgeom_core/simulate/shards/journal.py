"""Frames kept safe until their file is whole.

A journal is a line of JSON that says what is being simulated, and after it one record per frame,
appended in order. Whatever kills the writer, at most the last record is torn; it is dropped when the
journal is opened again, and the work goes on there.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from xgeom_core.errors import FrameFileError
from xgeom_core.simulate.shards.packing import Packed, read_record
from xgeom_core.simulate.shards.plan import FrameSet, Shard
from xgeom_core.system.lock import try_lock
from xgeom_core.system.records import parse_json
from xgeom_core.system.safe_files import handle_to_write

_MAGIC = b"xgeom journal 1 "


class Journal:
    """The open journal of one shard; close it, or use it in a ``with`` statement.

    Parameters
    ----------
    shard : Shard
        The file that is to be written.
    frames : FrameSet
        What is being simulated.

    Attributes
    ----------
    count : int
        Number of whole frames in it.

    Raises
    ------
    FrameFileError
        If the journal belongs to other frames, is no journal, cannot be written, or another process is
        writing it.
    """

    def __init__(self, shard: Shard, frames: FrameSet) -> None:
        self._shard = shard
        try:
            self._file = io.FileIO(handle_to_write(shard.journal, os.O_RDWR), "r+")
        except OSError as error:
            raise FrameFileError(f"{shard.path} cannot be written: {error.strerror}.") from None
        try:
            self._lock()
            self.count, self._end = self._go_on(frames)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Bytes of whole frames."""
        return self._end

    def close(self) -> None:
        """Close the file; the frames in it stay."""
        self._file.close()

    def append(self, record: bytes) -> None:
        """Add the record of the next frame.

        Raises
        ------
        FrameFileError
            If it cannot be written, such as on a full disk; the frames before it are kept.
        """
        try:
            self._write(record)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._end)
            kept = f"{self.count} of {self._shard.count} frames are kept in {self._shard.journal.name}"
            raise FrameFileError(
                f"{self._shard.path} cannot be written: {error.strerror}. {kept}; make room and run the "
                "same command again."
            ) from None
        self._end += len(record)
        self.count += 1

    def packed(self) -> Iterator[Packed]:
        """The frames in order, read anew through a handle of their own."""
        with self._shard.journal.open("rb") as file:
            _read_identity(file)
            for _ in range(self._shard.count):
                frame = read_record(file)
                if frame is None:
                    raise FrameFileError(f"{self._shard.journal} is damaged; remove it and begin anew.")
                yield frame

    def _lock(self) -> None:
        """Two writers of one file would ruin each other's work; the lock dies with its process."""
        # Some network file systems know no locks.
        if try_lock(self._file.fileno()) is False:
            raise FrameFileError(f"Another process is writing {self._shard.path} already.")

    def _go_on(self, frames: FrameSet) -> tuple[int, int]:
        """Whole frames and bytes of the journal as it was left, without what is torn; begins a new one."""
        wanted = wanted_identity(self._shard, frames)
        try:
            found = _read_identity(self._file)
        except ValueError:
            raise FrameFileError(
                f"{self._shard.journal} is not a journal of xgeom; move it away, or choose another file."
            ) from None
        count, end = 0, self._file.tell()
        if found is None:
            self._file.truncate(0)
            end = self._begin(wanted)
        elif found != wanted:
            raise FrameFileError(_other(self._shard, found, wanted))
        else:
            reader = io.BufferedReader(io.FileIO(os.dup(self._file.fileno())))
            with reader:
                reader.seek(end)
                while (frame := read_record(reader)) is not None and frame.index == self._shard.first + count:
                    count, end = count + 1, reader.tell()
            self._file.truncate(end)
        self._file.seek(end)
        return count, end

    def _begin(self, wanted: dict[str, Any]) -> int:
        line = _MAGIC + json.dumps(wanted).encode() + b"\n"
        try:
            self._file.seek(0)
            self._write(line)
        except OSError as error:
            raise FrameFileError(f"{self._shard.path} cannot be written: {error.strerror}.") from None
        return len(line)

    def _write(self, data: bytes) -> None:
        # A full disk may take a part of what it is given, and refuse only the rest.
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def wanted_identity(shard: Shard, frames: FrameSet) -> dict[str, Any]:
    """What the journal of a shard must say it holds."""
    return {**frames.identity(), "first frame": shard.first}


def journal_identity(shard: Shard) -> dict[str, Any] | None:
    """What the journal of a shard says it holds; None if it is empty, torn or no journal."""
    try:
        with shard.journal.open("rb") as file:
            return _read_identity(file)
    except ValueError:
        return None


def _read_identity(file: Any) -> dict[str, Any] | None:
    """The first line of a journal; None if it is torn. Leaves the file at the first record."""
    start = file.read(len(_MAGIC))
    if start != _MAGIC[: len(start)]:
        raise ValueError("not a journal")
    line = file.readline()
    if len(start) < len(_MAGIC) or not line.endswith(b"\n"):
        return None
    try:
        found: dict[str, Any] = parse_json(line)
    except RecursionError:
        raise ValueError("not a journal") from None
    return found


def _other(shard: Shard, found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Why a journal is not the one to go on with."""
    return (
        f"{shard.journal} holds the beginning of {shard.path.name} {difference(found, wanted)}. "
        "Go on with the same command, choose another file, or begin anew with --overwrite."
    )


def difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """In words, what tells frames that are there from those that are wanted."""
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if "recipe" in differing:
        return "made by another recipe"
    return "with " + ", ".join(f"{name} {found.get(name)}, not {wanted[name]}" for name in differing)

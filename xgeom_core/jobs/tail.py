"""Follow a run's events: new whole lines since the last look, never the whole file again."""

from __future__ import annotations

import os
from pathlib import Path

from xgeom_core.training.events import Event, from_line

# A look takes in no more than this, so that an old, long run comes in several, none of them slow.
_MOST_BYTES = 1_000_000


class EventTail:
    """New events of a file that another process appends to.

    Parameters
    ----------
    path : Path
        ``events.jsonl``; may not be there yet.
    most_bytes : int
        Read at most so much in one look; `more` says whether that cut it short.
    """

    def __init__(self, path: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._path, self._most = path, most_bytes
        self._offset = self._inode = 0
        self._pending = b""
        self.more = False

    def read(self) -> list[Event]:
        """Events that came since the last call, in order.

        A line that is still being written waits for its end; one cut off by a kill is passed over. A
        file that became shorter or was replaced is read from its start.
        """
        # Asked first: it forgets what is pending when the file is another one.
        fresh = self._new_bytes()
        *lines, self._pending = (self._pending + fresh).split(b"\n")
        events = (from_line(line.decode("utf-8", errors="replace")) for line in lines)
        return [event for event in events if event is not None]

    def _new_bytes(self) -> bytes:
        self.more = False
        try:
            with self._path.open("rb") as stream:
                stat = os.fstat(stream.fileno())
                if stat.st_size < self._offset or stat.st_ino != self._inode:
                    self._offset, self._inode, self._pending = 0, stat.st_ino, b""
                stream.seek(self._offset)
                data = stream.read(self._most)
        except OSError:
            return b""
        self._offset += len(data)
        self.more = self._offset < stat.st_size
        return data

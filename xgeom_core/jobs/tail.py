"""Follow a run's events: new whole lines since the last look, never the whole file again."""

from __future__ import annotations

import os
from pathlib import Path

from xgeom_core.system.safe_files import open_to_read
from xgeom_core.training.events import LONGEST_LINE, Event, from_line

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
        self._passing_over = False
        self.more = False

    def read(self) -> list[Event]:
        """Events that came since the last call, in order.

        A line that is still being written waits for its end; one cut off by a kill is passed over. A
        file that became shorter or was replaced is read from its start.
        """
        # Asked first: it forgets what is pending when the file is another one.
        fresh = self._new_bytes()
        if self._passing_over:
            _, end, fresh = fresh.partition(b"\n")
            self._passing_over = not end
        *lines, self._pending = (self._pending + fresh).split(b"\n")
        if len(self._pending) > LONGEST_LINE:
            # Longer than any event.
            self._pending, self._passing_over = b"", True
        return [event for line in lines if (event := from_line(line)) is not None]

    def _new_bytes(self) -> bytes:
        self.more = False
        try:
            with open_to_read(self._path, follow=False) as stream:
                stat = os.fstat(stream.fileno())
                if stat.st_size < self._offset or stat.st_ino != self._inode:
                    self._offset, self._inode, self._pending = 0, stat.st_ino, b""
                    self._passing_over = False
                stream.seek(self._offset)
                data = stream.read(self._most)
        except OSError:
            return b""
        self._offset += len(data)
        self.more = self._offset < stat.st_size
        return data

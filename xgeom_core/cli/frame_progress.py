"""Progress of frames being made: a bar with rate and time left, or a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xgeom_core.cli.terminal import say
from xgeom_core.system.text import visible

# Seconds between lines where standard error is no terminal, such as the log of a job.
_EVERY_S = 30.0


@contextmanager
def frame_progress(text: str, total: int, every_s: float = _EVERY_S) -> Iterator[Callable[[int], None]]:
    """Show on standard error how many of `total` frames are there.

    Yields a function of the number that are there. What its first call says was there before: it
    counts as done, but not for the rate. Where standard error is no terminal there is a line every
    `every_s` seconds.
    """
    if not sys.stderr.isatty():
        yield _Lines(text, total, every_s)
        return
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
    )

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(visible(text)), total=total, pace="starting")
        pace = Pace(total, time.monotonic)

        def tell(done: int) -> None:
            bar.update(task, completed=done, pace=pace.at(done) or "starting")

        yield tell


class Pace:
    """Frames per second since the first call, and the time that the rest will take."""

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._total, self._clock = total, clock
        self._first: tuple[int, float] | None = None

    def at(self, done: int) -> str:
        """Such as ``"31.2 frames/s, 58 min left"``; empty as long as nothing can be said."""
        now = self._clock()
        if self._first is None:
            self._first = done, now
        made, seconds = done - self._first[0], now - self._first[1]
        if not made or seconds <= 0:
            return ""
        rate = made / seconds
        return f"{rate:.3g} frames/s, {_duration((self._total - done) / rate)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class _Lines:
    """A line now and then."""

    def __init__(self, text: str, total: int, every_s: float) -> None:
        self._text, self._total, self._every_s = text, total, every_s
        self._pace = Pace(total, time.monotonic)
        self._next = time.monotonic() + every_s

    def __call__(self, done: int) -> None:
        pace = self._pace.at(done)
        now = time.monotonic()
        if pace and now >= self._next:
            self._next = now + self._every_s
            say(f"{self._text}: {done} of {self._total}, {pace}")

"""How long a window's thread keeps its event loop waiting; shared by the benchmarks of the window."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, QTimer

TICK_MS, LATE_S = 5, 0.05
SCHEDULE = Path("/proc/thread-self/schedstat")


def in_line_s() -> float:
    """How long this thread has stood in line for a processor, in seconds; 0 where nobody counts."""
    try:
        return int(SCHEDULE.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Watchdog:
    """Notes the longest time between two ticks of the window's thread, and what that thread worked."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._spans: list[tuple[float, float, float]] = []
        self._last = self._first = (0.0, 0.0, 0.0)

    def start(self) -> None:
        """Begin to watch."""
        self._spans, self._last = [], self._now()
        self._first = self._last
        self._timer.start()

    def stop(self) -> str:
        """The worst in ms: processor time, own time, on the clock; and how many ticks came late."""
        cpu, own, wall = self.worst_ms()
        late = sum(span[1] > LATE_S for span in self._spans)
        return f"{cpu:4.0f} {own:5.0f} {wall:6.0f}   {late:3d} of {len(self._spans)}"

    def report(self, label: str) -> None:
        """Print the work per second and the worst, in ms."""
        cpu, own, wall = self.worst_ms()
        load = 1000 * (self._last[0] - self._first[0]) / (self._last[2] - self._first[2])
        print(f"{label:34s}{load:12.0f} {cpu:30.0f} {own:5.0f} {wall:6.0f}", flush=True)

    def worst_ms(self) -> tuple[float, float, float]:
        """End watching; the longest of processor time, own time (not in line) and time on the clock."""
        self._tick()
        self._timer.stop()
        cpu, own, wall = (1000 * max(column) for column in zip(*self._spans, strict=True))
        return cpu, own, wall

    @staticmethod
    def _now() -> tuple[float, float, float]:
        return time.thread_time(), in_line_s(), time.perf_counter()

    def _tick(self) -> None:
        now = self._now()
        cpu, line, wall = (later - earlier for later, earlier in zip(now, self._last, strict=True))
        self._last = now
        self._spans.append((cpu, wall - line, wall))

"""Processor time that another process has taken."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

_SCHEDULED = 2  # CPUCLOCK_SCHED in the number by which the system knows a process's clock


def processor_time(pid: int | None) -> float | None:
    """Seconds of processor time of a process; None if there is none.

    It changes with the least that the process does: it is in nanoseconds on Linux.
    """
    if pid is None:
        return None
    if sys.platform == "linux":
        # As clock_getcpuclockid(3) makes it.
        with suppress(OSError):
            return time.clock_gettime((~pid << 3) | _SCHEDULED)
    import psutil  # noqa: PLC0415 - only where it is needed

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)

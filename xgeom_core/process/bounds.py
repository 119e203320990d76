"""What a child process says to itself: end with the parent, take so much memory, so much time."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_GIB = 2**30


def end_with_parent(parent: int) -> None:
    """Have the system end this process when its parent ends, in the middle of anything.

    Elsewhere than on Linux a process ends when it finds its requests at an end.

    Parameters
    ----------
    parent : int
        Its process id; if it is gone already, this process ends here.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def leave_signals_to_parent() -> None:
    """Ignore what a terminal sends to the whole group: when to end is the parent's to say."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def limit_memory(most_bytes: int) -> None:
    """Have requests for more memory fail; where memory runs short all the same, this process goes first."""
    # Linux counts under RLIMIT_DATA what a process writes to; libraries reserve far more addresses.
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (most_bytes, most_bytes))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def machine_memory() -> int:
    """Bytes of memory of this machine; 8 GiB where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 8 * _GIB


def leave_no_core() -> None:
    """Crashes are expected here and must not fill the user's folder with images of memory."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_processor_time(seconds: float) -> None:
    """End this process by SIGPROF once it has used so much processor time from now on; 0: no limit.

    The system does this, whatever a library is at.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)

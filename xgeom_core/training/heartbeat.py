"""The heartbeat of a run: a thread that tells every few seconds that it lives, and what it uses."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from xgeom_core.system.processes import Identity
from xgeom_core.training.events import EventLog, Heartbeat
from xgeom_core.training.gpu import GpuUse, gpu_use
from xgeom_core.training.trial_processes import orphaned

BEAT_S = 5.0
_GIGA = 1e9


@contextmanager
def beating(log: EventLog, speaks: bool = True, every_s: float = BEAT_S) -> Iterator[None]:
    """Tell `log` now and every `every_s` seconds that the run lives; not in a process that does not speak."""
    if not speaks:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(log, over, every_s), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(log: EventLog, over: threading.Event, every_s: float) -> None:
    who = str(Identity.of() or "")
    while True:
        gpu = gpu_use() or GpuUse(None, None, None)
        event = Heartbeat(
            process=who,
            clock=time.monotonic(),
            quiet_s=round(log.quiet_s, 1),
            memory_gb=round(memory_gb(), 3),
            gpu_percent=gpu.percent,
            gpu_memory_gb=gpu.memory_gb,
            gpu_total_gb=gpu.total_gb,
        )
        # A full disk is the loop's to report.
        with suppress(OSError):
            log.write(event)
        if over.wait(every_s):
            return
        if orphaned():
            # Nobody would read the result: save, and leave the folder to the sweep when it goes on.
            os.kill(os.getpid(), signal.SIGTERM)


def memory_gb() -> float:
    """Memory of this run: its processes, what they share counted once."""
    try:
        first = psutil.Process()
        if "TORCHELASTIC_RUN_ID" in os.environ:
            # torchrun stands above the processes that share the run.
            first = first.parent() or first
        total = first.memory_info().rss
        children = first.children(recursive=True)
    except psutil.Error:
        return 0.0
    for child in children:
        with suppress(psutil.Error):
            memory = child.memory_info()
            total += memory.rss - getattr(memory, "shared", 0)
    return float(total) / _GIGA

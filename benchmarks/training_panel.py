"""How light the Training tab is: python benchmarks/training_panel.py [--events N] [--seconds S]

A run of N events is read, then another process adds an event every 50 ms for S seconds while the curves
are in sight. Real desk, real files, the whole tab; no training.

"GUI" is processor time of the window's thread, painting included: for so long it cannot answer. A stall
is what passes between two ticks of a timer of that thread which should tick every 5 ms: its processor
time; "own", the time on the clock less what the kernel says the thread stood in line for a processor
(Linux; it still counts waiting for Python's lock); and the time on the clock. On a busy machine, judge
by the first two.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")

from PySide6.QtCore import QEventLoop, QTimer
from watchdog import Watchdog

from xgeom_core.training.events import Event, RunStarted, Step, Validation, to_line
from xgeom_gui.app.launch import blank_settings, make_application
from xgeom_gui.services.jobs_owner import JobsOwner
from xgeom_gui.services.predictor import PredictorThread
from xgeom_gui.state.session import Session
from xgeom_gui.state.settings import Settings
from xgeom_gui.training.panel import JobsPanel
from xgeom_gui.training.training_desk import TrainingDesk

EVERY_S, PLANNED, PATIENCE_S = 0.05, 1_000_000, 300
# Runs in a process of its own, as a training does.
WRITER = """
import sys, time
path, first, seconds, every = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
lines = open(path).read().splitlines()
template = next(line for line in reversed(lines) if '"event": "step"' in line)
with open(path, "a", buffering=1) as file:
    end, at = time.monotonic() + seconds, first
    while time.monotonic() < end:
        file.write(template.replace('"step": %d,' % (first - 1), '"step": %d,' % at) + "\\n")
        at += 1
        time.sleep(every)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    make_application()
    root = Path(tempfile.mkdtemp(prefix="xgeom-"))
    path = write_run(root / "run", options.events)
    session, owner = Session(), JobsOwner(root)
    desk, thread = TrainingDesk(owner, root), PredictorThread()
    panel = JobsPanel(session, desk, Settings(blank_settings(root)), thread)
    panel.resize(640, 690)
    panel.show()
    dog = Watchdog()
    desk.start()
    wait(lambda: bool(desk.jobs))
    print(f"{'':34s}     GUI ms per s    longest stall, ms: GUI   own  clock")
    dog.start()
    desk.select("run")
    wait(lambda: counted(desk) >= options.events)
    wait(lambda: panel.page.curves.settled)
    dog.report(f"reading {options.events} events")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(options.events + 1), str(options.seconds), str(EVERY_S)]
    )
    wait(lambda: counted(desk) > options.events)
    dog.start()
    before = counted(desk)
    wait(lambda: writer.poll() is not None)
    dog.report("an event every 50 ms")
    print(f"{'':34s}     {counted(desk) - before} events came")
    points = desk.history("run").loss.points().shape[1]
    print(f"points kept of the training loss       {points}")
    print(f"one redraw of everything, GUI ms       {redraw_ms(panel):.1f}")
    panel.shutdown()
    thread.shutdown()
    desk.shutdown()
    sys.stdout.flush()
    os._exit(0)


def counted(desk: TrainingDesk) -> int:
    """Steps that have arrived."""
    last = desk.history("run").last
    return last.step if last is not None else 0


def write_run(folder: Path, events: int) -> Path:
    """A run folder as a training begun in a terminal leaves it."""
    folder.mkdir(parents=True)
    path = folder / "events.jsonl"
    scores = {"center_constant_px": 22.0, "tilt_deg": 0.4, "tilt_constant_deg": 0.9}
    with path.open("w", encoding="utf-8") as file:

        def tell(event: Event) -> None:
            file.write(to_line(event) + "\n")

        tell(RunStarted(pid=1, command="xgeom train", xgeom_version="0", steps=PLANNED))
        for at in range(1, events + 1):
            loss = 3.0 * 0.99997**at + 0.1 * ((at * 7919) % 100) / 100
            tell(
                Step(
                    step=at,
                    steps=PLANNED,
                    frames=32 * at,
                    loss=loss,
                    center_px=2 + 5 * loss,
                    learning_rate=1e-3,
                    frames_per_s=83.0,
                )
            )
            if at % 1000 == 0:
                for name in ("flat", "standard"):
                    tell(Validation(step=at, data=name, loss=loss, center_px=2 + 5 * loss, **scores))
    return path


def redraw_ms(panel: JobsPanel) -> float:
    """Median processor time of drawing and painting header, list and curves once."""
    curves, times = panel.page.curves, []
    for _ in range(15):
        began = time.thread_time()
        panel.refresh()
        curves._redraw()
        while not curves.settled:
            curves._draw_next()
        for plot in curves.plots:
            plot.viewport().repaint()
        panel.repaint()
        times.append(time.thread_time() - began)
    return 1000 * sorted(times)[len(times) // 2]


def wait(condition: Callable[[], bool]) -> None:
    """Let the window live until a condition holds."""
    loop, timer, end = QEventLoop(), QTimer(), time.monotonic() + PATIENCE_S
    timer.setInterval(20)
    timer.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > end else None)
    timer.start()
    loop.exec()
    timer.stop()
    if not condition():
        raise SystemExit("The window did not come to what is measured.")


if __name__ == "__main__":
    main()

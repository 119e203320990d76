"""How quick the window is: python benchmarks/viewer.py [--frames N]

For each size and type of pixels: from opening to the first picture, to the next frame, a step of the
contrast's handle, a step of the wheel. "GUI" is processor time of the window's thread, painting
included: for so long it cannot answer. "wall" also counts the reader's thread and whatever else the
machine does. The longest stall is the most that passes between two ticks of a timer of the window's
thread that should tick every 5 ms: processor time and wall.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import h5py
import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer

from xgeom_core.files import write_nxmx
from xgeom_core.frame import Metadata
from xgeom_gui.launch import blank_settings, make_application, make_window
from xgeom_gui.main_window import MainWindow
from xgeom_gui.session import Session
from xgeom_gui.settings import Settings

SIZES = ((2527, 2463), (4371, 4150))
TYPES = ("uint16", "int32", "uint32", "float32")
STEPS, PATIENCE_MS, TICK_MS = 20, 120_000, 5


class Watchdog:
    """Notes the longest time between two ticks of the window's thread."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.worst = self._last = (0.0, 0.0)

    def start(self) -> None:
        """Begin to watch."""
        self.worst, self._last = (0.0, 0.0), (time.thread_time(), time.perf_counter())
        self._timer.start()

    def stop(self) -> tuple[float, float]:
        """The worst, in ms of processor time and on the clock."""
        self._tick()
        self._timer.stop()
        return 1000 * self.worst[0], 1000 * self.worst[1]

    def _tick(self) -> None:
        now = (time.thread_time(), time.perf_counter())
        cpu, wall = (later - earlier for later, earlier in zip(now, self._last, strict=True))
        self.worst, self._last = (max(self.worst[0], cpu), max(self.worst[1], wall)), now


def wait(condition: Callable[[], bool]) -> None:
    """Let the window live until a condition holds."""
    loop, timer = QEventLoop(), QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start()
    QTimer.singleShot(PATIENCE_MS, loop.quit)
    loop.exec()
    timer.stop()


def make_file(path: Path, shape: tuple[int, int], kind: str, frames: int) -> None:
    """Background that falls with the radius, spots, gaps."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(x - shape[1] / 2, y - shape[0] / 2)
    valid = np.ones(shape, dtype=bool)
    valid[195::212] = valid[:, 487::494] = False
    images = np.empty((frames, *shape), dtype=kind)
    for i in range(frames):
        image = rng.poisson(25 * np.exp(-radius / 800) + 1)
        image[rng.integers(0, shape[0], 2000), rng.integers(0, shape[1], 2000)] += rng.integers(
            50, 20_000, 2000
        )
        images[i] = np.where(valid, image, np.iinfo(kind).max if kind.startswith("uint") else -1)
    metadata = Metadata(200.0, 1.0, (0.172, 0.172), (shape[1] / 2, shape[0] / 2))
    if kind == "float32":
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=images, chunks=(1, *shape))
    else:
        write_nxmx(path, images, metadata, valid)


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the window's thread, and on the clock."""
    cpu, wall = time.thread_time(), time.perf_counter()
    act()
    return 1000 * (time.thread_time() - cpu), 1000 * (time.perf_counter() - wall)


def measure(window: MainWindow, session: Session, path: Path, frames: int) -> dict[str, tuple[float, float]]:
    """Each figure as (GUI ms, wall ms); medians of the repeated ones."""
    canvas = window.image.box.scene().views()[0].viewport()

    def open_it() -> None:
        window.open(str(path))
        wait(lambda: session.source is not None and session.source.path == str(path) and not session.activity)
        canvas.repaint()

    found = {"open": timed(open_it)}
    flips = []
    for i in range(1, frames):

        def flip(index: int = i) -> None:
            session.show_index(index)
            wait(lambda: session.index == index and not session.activity)
            canvas.repaint()

        flips.append(timed(flip))
    drags, zooms = [], []
    low, high = session.display.levels(0)
    for i in range(STEPS):

        def drag(step: int = i) -> None:
            session.display.set_levels(low, high * (1 + 0.05 * step) + 1)
            canvas.repaint()

        drags.append(timed(drag))
        wait(lambda: True)
    for i in range(STEPS):

        def zoom(step: int = i) -> None:
            window.image.box.scaleBy((0.85, 0.85) if step < STEPS // 2 else (1 / 0.85, 1 / 0.85))
            canvas.repaint()

        zooms.append(timed(zoom))
        wait(lambda: True)
    for name, times in (("flip", flips), ("drag", drags), ("zoom", zooms)):
        found[name] = (
            float(np.median([gui for gui, _ in times])),
            float(np.median([wall for _, wall in times])),
        )
    window.image.reset_view()
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=6, help="frames in each file")
    parser.add_argument(
        "--docks", action="store_true", help="with the display panel and the radial profile open"
    )
    options = parser.parse_args()
    app = make_application()
    folder = Path(tempfile.mkdtemp())
    window, session, coordinator = make_window(Settings(blank_settings(folder)))
    session.set_automatic(False)
    window.resize(1366, 768)
    window.show()
    if options.docks:
        window.actions_by_name["display"].trigger()
        window.actions_by_name["radial_profile"].trigger()
    print(f"{'pixels':>11} {'type':>8} | {'open':>11} | {'flip':>11} | {'drag':>9} | {'zoom':>9} | stall")
    print(f"{'':>11} {'':>8} | {'GUI  wall':>11} | {'GUI  wall':>11} | {'GUI wall':>9} | {'GUI wall':>9} |")
    watchdog = Watchdog()
    for shape in SIZES:
        for kind in TYPES:
            path = folder / f"{kind}-{shape[0]}.h5"
            make_file(path, shape, kind, options.frames)
            watchdog.start()
            found = measure(window, session, path, options.frames)
            stall = watchdog.stop()
            cells = [f"{gui:4.0f} {wall:6.0f}" for gui, wall in (found["open"], found["flip"])]
            cells += [f"{gui:4.1f} {wall:4.1f}" for gui, wall in (found["drag"], found["zoom"])]
            stalls = f"{stall[0]:.0f} ms, {stall[1]:.0f} ms wall"
            print(f"{shape[0]:>5}x{shape[1]:<5} {kind:>8} | {' | '.join(cells)} | {stalls}", flush=True)
            path.unlink()
    coordinator.shutdown()
    app.quit()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())

"""How quick the window is: python benchmarks/viewer.py [--frames N] [--sizes 6 18] [--types uint16 ...]

For each size and type of pixels: from opening to the first picture; to the next frame, when it was
looked ahead for ("flip") and when it was not ("jump"); a step of the contrast's handle; a step of the
wheel. Then, once for each size: a step of a center dragged with rings, radial profile and score open,
and the longest stall while a frame and a run are predicted.

"GUI" is processor time of the window's thread, painting included: for so long it cannot answer. "wall"
also counts the reader's thread and whatever else the machine does. A stall is what passes between two
ticks of a timer of the window's thread that should tick every 5 ms: its processor time; "own", the time on
the clock less what the kernel says the thread stood in line for a processor (Linux; it still counts
waiting for Python's lock); and the time on the clock. On a busy machine, judge by the first two.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import h5py
import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from watchdog import Watchdog

from xgeom_core.frames import write_nxmx
from xgeom_core.metadata import Metadata
from xgeom_gui.app.launch import blank_settings, make_application, make_window, spare_collector
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.settings import Settings

SIZES = {"6": (2527, 2463), "18": (4371, 4150)}
TYPES = ("uint16", "uint32", "float32", "int32")
STEPS, PATIENCE_MS = 20, 120_000


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


def repeated(act: Callable[[int], object], steps: Iterable[int]) -> tuple[float, float]:
    """Medians of (GUI ms, wall ms) of an action, the event loop running in between."""
    times = []
    for step in steps:
        times.append(timed(lambda step=step: act(step)))
        wait(lambda: True)
    gui, wall = zip(*times, strict=True)
    return float(np.median(gui)), float(np.median(wall))


def measure(bench: Bench, path: Path, frames: int) -> dict[str, tuple[float, float]]:
    """Each figure as (GUI ms, wall ms); medians of the repeated ones."""
    window, session = bench.window, bench.session
    canvas = window.image.canvas.viewport()

    def show(index: int) -> None:
        session.show_index(index)
        wait(lambda: session.index == index and not session.activity)
        canvas.repaint()

    def open_it() -> None:
        window.open(str(path))
        wait(lambda: session.source is not None and session.source.path == str(path) and not session.activity)
        canvas.repaint()

    found = {"open": timed(open_it)}
    flips = []
    for index in range(1, frames):
        bench.wait_for_lookahead(index)
        flips.append(timed(lambda index=index: show(index)))
    found["flip"] = (
        float(np.median([gui for gui, _ in flips])),
        float(np.median([wall for _, wall in flips])),
    )
    # Back to the first and straight to the last but one: neither was looked ahead for.
    found["jump"] = repeated(show, [0, frames - 2] if frames > 3 else [0])
    low, high = session.display.levels(0)

    def drag(step: int) -> None:
        session.display.set_levels(low, high * (1 + 0.05 * step) + 1)
        canvas.repaint()

    def zoom(step: int) -> None:
        window.image.box.scaleBy((0.85, 0.85) if step < STEPS // 2 else (1 / 0.85, 1 / 0.85))
        canvas.repaint()

    found["drag"] = repeated(drag, range(STEPS))
    found["zoom"] = repeated(zoom, range(STEPS))
    window.image.reset_view()
    return found


class Bench:
    """The window under test."""

    def __init__(self, folder: Path) -> None:
        self.app = make_application()
        self.window, self.session, self.controller = make_window(Settings(blank_settings(folder)))
        self.session.set_automatic(False)
        self.window.resize(1366, 768)
        self.window.show()
        spare_collector()

    def wait_for_lookahead(self, index: int) -> None:
        """Until the next frame is ready: a user looks at a frame for a moment."""
        reader, wanted = self.controller.reader, self.session.wanted
        assert wanted is not None
        wait(lambda: reader.is_ready(replace(wanted, index=index)))

    def center_drag(self) -> tuple[float, float]:
        """A step of a center by hand, everything that follows it open."""
        session = self.session
        session.rings.choose(resolution=True, ice=True)
        self.window.actions_by_name["radial_profile"].trigger()
        origin = session.estimates[0]
        x, y = origin.center_px

        def step(number: int) -> None:
            session.user_centers.drag(origin, (x + 3.0 * number, y + 2.0 * number))

        # Everything that follows counts, what comes back from threads and its painting as well.
        gui, wall = timed(lambda: [(step(number), wait(lambda: True)) for number in range(1, STEPS + 1)])
        found = gui / STEPS, wall / STEPS
        session.user_centers.drop()
        session.user_centers.reset()
        session.rings.choose(resolution=False, ice=False)
        self.window.actions_by_name["radial_profile"].trigger()
        return found

    def stall_of_prediction(self) -> str:
        """While the frame shown is predicted."""
        dog, session = Watchdog(), self.session
        dog.start()
        self.controller.predict_now()
        wait(lambda: session.prediction is not None and not session.activity)
        return dog.stop()

    def stall_of_run(self) -> str:
        """While a run is predicted and the user flips through it."""
        dog, session, run = Watchdog(), self.session, self.window.run_tools.panel
        self.window.actions_by_name["run"].trigger()
        dog.start()
        run.start()
        wait(lambda: not session.batch.running and session.batch.done > 0)
        self.window.tabs.setCurrentIndex(0)
        return dog.stop()


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=5, help="frames in each file")
    parser.add_argument("--sizes", nargs="*", choices=list(SIZES), default=list(SIZES), help="megapixels")
    parser.add_argument("--types", nargs="*", choices=TYPES, default=list(TYPES))
    parser.add_argument("--docks", action="store_true", help="with display panel and radial profile open")
    parser.add_argument("--no-prediction", action="store_true", help="leave the stalls of prediction out")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="xgeom-"))
    bench = Bench(folder)
    if options.docks:
        bench.window.actions_by_name["display"].trigger()
        bench.window.actions_by_name["radial_profile"].trigger()
    names = ("open", "flip", "jump", "drag", "zoom")
    print("ms: GUI thread and wall; stalls: processor, own, wall and late ticks (own > 50 ms)")
    print(f"{'pixels':>11} {'type':>8} | " + " | ".join(f"{name:>11}" for name in names) + " | stall")
    for size in options.sizes:
        shape = SIZES[size]
        for kind in options.types:
            path = folder / f"{kind}-{shape[0]}.h5"
            make_file(path, shape, kind, options.frames)
            dog = Watchdog()
            dog.start()
            found = measure(bench, path, options.frames)
            stall = dog.stop()
            cells = [f"{gui:5.1f} {wall:5.0f}" for gui, wall in (found[name] for name in names)]
            print(f"{shape[0]:>5}x{shape[1]:<5} {kind:>8} | {' | '.join(cells)} | {stall}", flush=True)
            if kind == options.types[-1]:
                more(bench, shape, path, not options.no_prediction)
            path.unlink()
    bench.controller.shutdown()
    sys.stdout.flush()
    os._exit(0)


def more(bench: Bench, shape: tuple[int, int], path: Path, predicting: bool) -> None:
    """What is asked once for a size: a center dragged, and stalls of prediction."""
    name = f"{shape[0]:>5}x{shape[1]:<5}"
    if bench.session.metadata.center_px is None:
        bench.session.set_experiment(Experiment(200.0, (0.172, 0.172), 1.0))
    if bench.session.estimates:
        gui, wall = bench.center_drag()
        print(f"{name} center dragged by a step: {gui:.1f} ms GUI, {wall:.0f} ms wall", flush=True)
    if predicting:
        print(f"{name} stall while predicting:   {bench.stall_of_prediction()}", flush=True)
        print(f"{name} stall during a run:       {bench.stall_of_run()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

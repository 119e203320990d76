"""How fast the simulator is, where its time goes, and whether its memory stays flat.

python benchmarks/simulator.py [--kinds standard,varied,realistic] [--workers 2] [--count 200]
    frames/s written to compressed HDF5, the share of each stage, and how the cost grows
python benchmarks/simulator.py --memory 5000
    memory of all processes while so many frames are written

Rates are by the clock, from the first frame to the last, so that they hold for a machine that does
nothing else. Stages and growth are CPU time of one process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import psutil

from xgeom_core.simulate import KINDS, Recipe, load_recipe
from xgeom_core.simulate.shards import FrameSet, Shard, plan_shards, write_shards
from xgeom_core.simulate.shards.journal import Journal
from xgeom_core.simulate.shards.packing import Packed
from xgeom_core.simulate.shards.training_file import assemble
from xgeom_core.simulate.stream import simulate_frame

POOLED, FULL = (820, 820), (2527, 2463)
# What code belongs to which stage, by its place; everything else belongs to whoever called it.
STAGES = {
    "simulate/scattering/": "background",
    "simulate/background": "background",
    "simulate/crystals/": "crystals",
    "simulate/crystal": "crystals",
    "simulate/spot": "spots",
    "simulate/shadows/": "shadows",
    "simulate/detector": "detector, counting",
    "shards/packing": "compression",
    "shards/layout": "compression",
    "shards/journal": "writing",
    "shards/training_file": "writing",
    "simulate/render": "the rest",
    "simulate/draw": "the rest",
    "simulate/stream": "the rest",
}


def written(frames: FrameSet, count: int, workers: int) -> tuple[float, float, float]:
    """Frames per second, CPU seconds per frame and megabytes per frame of a file being written."""
    ticks: list[float] = []
    before = _cpu()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.h5"
        write_shards(
            frames, [Shard(path, 0, count)], workers=workers, tell=lambda _: ticks.append(time.monotonic())
        )
        end = time.monotonic()
        size = path.stat().st_size
    # The first frames come when the processes are up, all at once: begin after one round of them.
    begin = min(2 * workers, count // 2)
    return (count - begin) / (end - ticks[begin]), (_cpu() - before) / count, size / count / 1e6


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def stage_clock() -> Iterator[dict[str, float]]:
    """CPU seconds of each stage while inside; code of no stage counts for the one that called it."""
    spent: dict[str, float] = defaultdict(float)
    stack, last = ["the rest"], [time.process_time()]

    def notice(frame: FrameType, event: str, _: Any) -> None:
        if event not in {"call", "return"}:
            return
        now = time.process_time()
        spent[stack[-1]] += now - last[0]
        if event == "call":
            stack.append(_stage(frame.f_code.co_filename) or stack[-1])
        elif len(stack) > 1:
            stack.pop()
        last[0] = time.process_time()

    sys.setprofile(notice)
    try:
        yield spent
    finally:
        sys.setprofile(None)


_known: dict[str, str | None] = {}


def _stage(file: str) -> str | None:
    if file not in _known:
        place = Path(file).as_posix()
        _known[file] = next((stage for part, stage in STAGES.items() if part in place), None)
    return _known[file]


def print_stages(frames: FrameSet, count: int) -> None:
    """Milliseconds of CPU time per frame of each stage, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        shard = Shard(Path(folder) / "set.h5", 0, count)
        simulate_frame(frames.recipe, frames.shape, frames.seed, count)  # compiles
        with stage_clock() as spent, Journal(shard, frames) as journal:
            for index in range(count):
                made = simulate_frame(frames.recipe, frames.shape, frames.seed, index)
                journal.append(Packed.of(made, index).record())
            assemble(shard, frames, journal.packed())
    total = sum(spent.values())
    for stage, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"    {stage:20s} {1e3 * seconds / count:8.1f} ms  {100 * seconds / total:4.0f}%")
    print(f"    {'all':20s} {1e3 * total / count:8.1f} ms")


def cost(recipe: Recipe, shape: tuple[int, int], count: int) -> tuple[float, float]:
    """CPU milliseconds and Bragg spots per frame, rendering alone."""
    simulate_frame(recipe, shape, 0, count)  # compiles
    begin, spots = time.process_time(), 0
    for index in range(count):
        spots += simulate_frame(recipe, shape, 0, index).crystal.spots
    return 1e3 * (time.process_time() - begin) / count, spots / count


def changed(recipe: Recipe, **values: Any) -> Recipe:
    """The recipe with other entries, in whatever section they stand."""
    raw = recipe.model_dump()
    for name, value in values.items():
        sections = [part for part in raw.values() if isinstance(part, dict) and name in part]
        if not sections:
            raise SystemExit(f"The recipe has no entry {name!r}.")
        for section in sections:
            section[name] = value
    return Recipe.model_validate(raw)


def print_growth(count: int) -> None:
    """How the cost of a frame grows with its size, with the cell and with the number of spots."""
    standard = load_recipe("standard")
    print("\nGrowth (standard, rendering alone, CPU time of one process)")
    print(f"    {'frame':>16s} {'ms':>8s} {'ns/px':>8s}")
    for shape in ((410, 410), POOLED, (1640, 1640), FULL):
        spent, _ = cost(standard, shape, count if shape[0] < 1000 else max(2, count // 4))
        pixels = shape[0] * shape[1]
        print(f"    {f'{shape[1]} x {shape[0]}':>16s} {spent:8.1f} {1e6 * spent / pixels:8.1f}")
    print(f"    {'cell edges':>16s} {'ms':>8s} {'spots':>8s}")
    for edge in (30, 60, 120, 240):
        spent, spots = cost(changed(standard, edge_A=(edge, edge), lattices=(1, 1)), POOLED, count)
        print(f"    {f'{edge} Å':>16s} {spent:8.1f} {spots:8.0f}")
    print(f"    {'rotation':>16s} {'ms':>8s} {'spots':>8s}")
    for width in (0.0, 0.25, 0.5, 1.0):
        recipe = changed(standard, oscillation_deg=(width, width), edge_A=(120, 120), lattices=(1, 1))
        spent, spots = cost(recipe, POOLED, count)
        print(f"    {f'{width} degrees':>16s} {spent:8.1f} {spots:8.0f}")


def print_memory(kind: str, count: int, workers: int, shape: tuple[int, int]) -> None:
    """Megabytes of memory (RSS) of all processes, twenty times while frames are written."""
    frames, rows = FrameSet(load_recipe(kind), shape, 0), []
    print(f"{count} {kind} frames of {shape[1]} x {shape[0]}, {workers} workers: memory in MB (RSS)")
    print(f"    {'frames':>8s} {'writer':>8s} {'workers':>8s} {'all':>8s}")

    def look(done: int) -> None:
        if done % max(1, count // 20):
            return
        this = psutil.Process()
        own = this.memory_info().rss / 1e6
        others = sum(child.memory_info().rss for child in this.children(recursive=True)) / 1e6
        print(f"    {done:8d} {own:8.0f} {others:8.0f} {own + others:8.0f}", flush=True)
        rows.append((done, own + others))

    with tempfile.TemporaryDirectory() as folder:
        shards = plan_shards(Path(folder) / "set.h5", count, 500)
        write_shards(frames, shards, workers=workers, tell=look)
    # The first tenth is start-up: processes come and compile.
    done, used = np.array(rows[2:] if len(rows) > 4 else rows).T
    slope = np.polyfit(done, used, 1)[0]
    print(f"    {1000 * slope:+.1f} MB per 1000 frames after the start")


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default="standard,varied,realistic")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--count", type=int, default=200, help="820-px frames per rate")
    parser.add_argument("--stages", type=int, default=20, help="frames per stage table; 0 for none")
    parser.add_argument("--growth", type=int, default=10, help="frames per point of growth; 0 for none")
    parser.add_argument("--memory", type=int, metavar="N", help="memory while N frames are written")
    parser.add_argument("--side", type=int, default=820, help="pixels of the frames of --memory")
    given = parser.parse_args()
    kinds = [kind for kind in given.kinds.split(",") if kind in KINDS or kind.endswith(".toml")]
    if given.memory:
        print_memory(kinds[0], given.memory, given.workers, (given.side, given.side))
        return
    print(f"Written to compressed HDF5, {given.workers} workers")
    for kind in kinds:
        for shape, count in ((POOLED, given.count), (FULL, max(8, given.count // 10))):
            rate, cpu, size = written(FrameSet(load_recipe(kind), shape, 0), count, given.workers)
            head = f"{kind} {shape[1]} x {shape[0]}"
            print(f"    {head:26s} {rate:7.2f} frames/s  {1e3 * cpu:7.0f} ms CPU/frame  {size:6.2f} MB/frame")
    for kind in kinds if given.stages else ():
        for shape, count in ((POOLED, given.stages), (FULL, max(2, given.stages // 8))):
            print(f"\nStages: {kind} {shape[1]} x {shape[0]} (CPU time of one process)")
            print_stages(FrameSet(load_recipe(kind), shape, 0), count)
    if given.growth:
        print_growth(given.growth)


if __name__ == "__main__":
    main()

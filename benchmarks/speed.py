"""From an open file to an answer: seconds a frame, and what they are spent on.

    python benchmarks/speed.py [--kinds standard flat binary realistic] [--count 12] [--seed 2468]
                               [--sides 820 2463x2527]

Frames of each kind and size are simulated into a file, and each is read and predicted with the default model,
once with all evidence and once without looking for lattices. Printed are medians (and in brackets the 90%
quantile) of the seconds of one frame, on the clock and of processor time of all threads, and the share of
each stage in the former. The first frame is not counted. On a machine that has other work the clock says
nothing; judge by the processor time then.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from xgeom_core.frames import open_frames
from xgeom_core.predict import Predictor

SETUPS = (("with indexing", ("background", "lattice")), ("without", ("background",)))


def simulated(kind: str, size: str, count: int, seed: int, folder: Path) -> Path:
    """A file of frames."""
    path = folder / f"{kind}-{size}.h5"
    command = ["--kind", kind, "--count", str(count), "--seed", str(seed), "--size", size, "--out", str(path)]
    subprocess.run(
        [sys.executable, "-m", "xgeom_core", "simulate", *command], check=True, stdout=subprocess.DEVNULL
    )
    return path


def measure(predictor: Predictor, path: Path, use: tuple[str, ...]) -> str:
    """One row: seconds a frame and shares of the stages."""
    wall, own = [], []
    stages: dict[str, float] = defaultdict(float)
    with open_frames(str(path)) as source:
        for index in range(len(source)):
            began, worked = time.perf_counter(), time.process_time()
            frame = source.frame(index)
            read = time.perf_counter() - began
            answer = predictor.predict(frame, use=use)
            if index:
                wall.append(time.perf_counter() - began)
                own.append(time.process_time() - worked)
                stages["reading"] += read
                for stage, seconds in answer.seconds.items():
                    stages[stage] += seconds
    shares = "  ".join(f"{name} {100 * spent / sum(wall):.0f}%" for name, spent in stages.items())
    times = "  ".join(f"{np.median(each):5.2f} ({np.quantile(each, 0.9):5.2f})" for each in (wall, own))
    return f"{times}   {shares}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=["standard", "flat", "binary", "realistic"])
    parser.add_argument("--sides", nargs="+", default=["820", "2463x2527"])
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=2468)
    given = parser.parse_args()
    predictor = Predictor.load()
    print(f"{'frames':36s} {'clock, s':>13s}  {'processor, s':>13s}   share of the clock")
    with tempfile.TemporaryDirectory() as folder:
        for size in given.sides:
            for kind in given.kinds:
                path = simulated(kind, size, given.count + 1, given.seed, Path(folder))
                for name, use in SETUPS:
                    print(f"{f'{kind}, {size} px, {name}':36s} {measure(predictor, path, use)}", flush=True)


if __name__ == "__main__":
    main()

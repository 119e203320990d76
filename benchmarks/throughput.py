"""Frames a second of a run by one process and by several: python benchmarks/throughput.py --count 24 --jobs 2

The frames are simulated before the clock starts; each process loads its model once, which counts.
"""

from __future__ import annotations

import argparse
import time

from xgeom_core import locate_each, simulated_frame


def rate(frames: list, jobs: int) -> float:
    """Frames a second."""
    began = time.perf_counter()
    answers = list(locate_each(frames, jobs=jobs))
    spent = time.perf_counter() - began
    right = sum(answer.ok for answer in answers)
    print(f"{jobs} process{'es' if jobs > 1 else ''}: {len(frames) / spent:5.2f} frames/s, {right} ok")
    return len(frames) / spent


def main() -> None:
    """Print rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kind", default="standard")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    frames = [simulated_frame(options.kind, seed=options.seed, index=i)[0] for i in range(options.count)]
    one = rate(frames, 1)
    several = rate(frames, options.jobs)
    print(f"ratio {several / one:.2f}")


if __name__ == "__main__":
    main()

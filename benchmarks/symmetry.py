"""What symmetries say of frames with a known center: how far off, against their own bars.

    python benchmarks/symmetry.py [--kinds standard,flat] [--count 12] [--seed 60601] [--side 820] [--all]

For each source and each simulated kind, and for the real frames in ../shared/frames and ../shared/frames2:
how many frames got a witness, its error in native px (median, 90%), its bar, how many errors are beyond three
bars (in x or y; real frames: joint with the trust in the truth), and the constant predictor's median error.
With --all, a line a witness with its diagnostics.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from real_frames import cases, read

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.symmetry import find_witnesses
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.recipe import KINDS
from xgeom_core.simulate.stream import simulate_frame

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
Found = dict[str, list[tuple[float, float, float]]]
Case = tuple[str, Frame, tuple[float, float], float]


def simulated(kind: str, count: int, seed: int, side: int) -> Iterator[Case]:
    """Fresh frames of a kind."""
    for index in range(count):
        made = simulate_frame(load_recipe(kind), (side, side), seed, index)
        truth = made.geometry
        meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
        frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
        yield f"{kind} {index}", frame, truth.center_px, 0.0


def real() -> Iterator[Case]:
    """Frames with a truth in px."""
    for folder in (SHARED / "frames", SHARED / "frames2"):
        for name, item in cases(folder) if folder.is_dir() else ():
            try:
                frame = read(folder, item)
            except XgeomError:
                continue
            if item.get("center_px"):
                yield name, frame, tuple(item["center_px"]), float(item["trust_px"])


def measure(title: str, frames: Iterator[Case], every: bool) -> Found:
    """Print the rows of a set; (error, bar, error over bar) of each witness by source."""
    found: Found = {}
    truths, seconds = [], []
    for name, frame, truth, trust in frames:
        spots = find_spots(frame)
        began = time.process_time()
        witnesses = find_witnesses(frame, spots)
        seconds.append(time.process_time() - began)
        truths.append(truth)
        for witness in witnesses:
            off = np.subtract(witness.center_px, truth)
            sigma = np.sqrt(np.diag(witness.covariance) + trust**2)
            row = (float(np.hypot(*off)), float(sigma.max()), float(np.abs(off / sigma).max()))
            found.setdefault(witness.source, []).append(row)
            if every:
                words = " ".join(f"{key}={value:.2f}" for key, value in witness.diagnostics.items())
                print(f"  {name[-34:]:34s} {witness.source:20s} {row[0]:8.2f} ± {row[1]:6.2f}  {words}")
    places = np.array(truths).reshape(-1, 2)
    constant = np.median(np.hypot(*(places - places.mean(axis=0)).T)) if len(places) else np.nan
    for source, rows in found.items():
        _line(title, source, rows, len(truths), f"{constant:8.1f} {1e3 * np.median(seconds):6.0f} ms")
    return found


def _line(title: str, source: str, rows: list[tuple[float, float, float]], frames: int, rest: str) -> None:
    off, sigma, pull = np.array(rows).T
    print(
        f"{title:16s} {source:20s} {len(off):4d}/{frames:<4d} {np.median(off):8.2f} "
        f"{np.quantile(off, 0.9):8.2f} {np.median(sigma):7.2f} {int((pull > 3).sum()):5d} {rest}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=60601)
    parser.add_argument("--side", type=int, default=820)
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    heads = f"{'found':>9s} {'off, px':>8s} {'90%':>8s} {'bar':>7s} {'>3':>5s} constant"
    print(f"{'frames':16s} {'source':20s} {heads}")
    total: Found = {}
    for kind in filter(None, given.kinds.split(",")):
        found = measure(kind, simulated(kind, given.count, given.seed, given.side), given.all)
        for source, rows in found.items():
            total.setdefault(source, []).extend(rows)
    for source, rows in total.items():
        _line("all simulated", source, rows, len(rows), "")
    measure("real", real(), given.all)


if __name__ == "__main__":
    main()

"""What does a lattice that is in doubt still add to the rough center?

    python benchmarks/doubted.py [--kinds flat,binary] [--count 200] [--seed 31337]

Simulates fresh 820-px frames, predicts each with the default model as the only start, and compares, for
those that are not "ok", the network's center with the one that is answered, which is the likeliest place
among the lattice's origins where one doubt remains. Prints for each kind how many answers are "ok", how many
of those are off by more than a pixel, and for the frames in doubt the median and 90% of the error in px and
the shares of truths inside the 68% and 95% regions.

What the symmetry of the spots adds beyond that was measured and left out: opposite pairs about the candidates
(rows of a lattice make as many about other lattice points, and the strengths of equivalent reflections are
compared already), the resolution limit (5 to 10 px by itself, and its errors follow the network's).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor, combine, predictor
from xgeom_core.predict.combine import Combined
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

SIDE = 820
WAYS = ("network", "answer")


@dataclass
class Row:
    """One frame: errors in px and chi-squares of the region, for each way; and whether it is ok."""

    errors: list[float]
    chi2: list[float]
    ok: bool


class _Spy:
    """Keeps what the predictor hands to the combination."""

    def __init__(self) -> None:
        self.given: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def __call__(self, *given: Any, **named: Any) -> Combined:
        self.given, self.named = given, named
        return combine.combine(*given, **named)


def measure(model: Predictor, spy: _Spy, kind: str, seed: int, index: int) -> Row | None:
    """One frame, both ways; None for a frame that cannot be used."""
    made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    spy.given = ()
    model.predict(Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta))
    if not spy.given:
        return None
    found = combine.combine(*spy.given, **spy.named)
    good = found.status == "ok"
    answers = [found.estimate if good else spy.given[0], found.estimate]
    off = [np.subtract(one.center_px, truth.center_px) for one in answers]
    wide = [one.covariance[:2, :2] for one in answers]
    return Row(
        [float(np.hypot(*one)) for one in off],
        [float(one @ np.linalg.solve(cov, one)) for one, cov in zip(off, wide, strict=True)],
        good,
    )


def report(name: str, rows: list[Row]) -> None:
    """Print the table of some frames."""
    good, doubted = [row for row in rows if row.ok], [row for row in rows if not row.ok]
    wrong = sum(row.errors[0] > 1.0 for row in good)
    print(f"{name}: {len(rows)} frames, {len(good)} ok, {wrong} off by > 1 px; {len(doubted)} in doubt")
    for way, label in enumerate(WAYS if doubted else ()):
        middle, high = np.quantile([row.errors[way] for row in doubted], [0.5, 0.9])
        chi2 = np.array([row.chi2[way] for row in doubted])
        inside = 100 * (chi2 < 2.279).mean(), 100 * (chi2 < 5.991).mean()
        print(f"  {label:8s} median {middle:6.2f}, 90% {high:5.1f} px; in {inside[0]:.0f} / {inside[1]:.0f}%")


def main() -> None:
    """Simulate, predict, combine, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default="flat,binary")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=31337)
    given = parser.parse_args()
    model, spy = Predictor.load(), _Spy()
    vars(predictor)["combine"] = spy
    everything: list[Row] = []
    for kind in given.kinds.split(","):
        found = [measure(model, spy, kind, given.seed, index) for index in range(given.count)]
        rows = [row for row in found if row is not None]
        report(kind, rows)
        everything += rows
    report("all", everything)


if __name__ == "__main__":
    main()

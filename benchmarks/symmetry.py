"""What does the symmetry of the spots add where the lattice is not sure?

    python benchmarks/symmetry.py [--kinds flat,binary] [--count 200] [--seed 31337]

Simulates fresh 820-px frames, predicts each with the default model as the only start, and combines the same
parts three ways: as long as only the network stood in where the lattice was in doubt ("network"), with the
likeliest place among the lattice's origins ("origins"), and with pairs of opposite spots as well ("pairs").
Prints for each kind how many answers are "ok" and how many of those are off by more than a pixel; and for
frames that are not "ok" the first two ways: median and 90% of the error in px, and the shares of truths
inside the 68% and 95% regions. Then the logarithmic loss of the lattice's own odds among its origins, and
with pairs, over the frames that have several origins, the truth among them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from xgeom_core.frame import Frame, Metadata
from xgeom_core.predict import Predictor, combine, predictor
from xgeom_core.predict.combine import Combined
from xgeom_core.predict.lattice_origins import judge_origins
from xgeom_core.predict.symmetry import weigh_origins
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

SIDE = 820
WAYS = ("network", "origins", "pairs")


@dataclass
class Row:
    """One frame: errors in px, chi-squares of the region, and whether ok, for each way."""

    errors: list[float]
    chi2: list[float]
    ok: list[bool]
    evidence: list[str]
    loss: tuple[float, float] | None
    seconds: float


class _Spy:
    """Keeps what the predictor hands to the combination."""

    def __init__(self) -> None:
        self.given: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def __call__(self, *given: Any, **named: Any) -> Combined:
        self.given, self.named = given, named
        return combine.combine(*given, **named)


def measure(model: Predictor, spy: _Spy, kind: str, seed: int, index: int) -> Row | None:
    """One frame, three ways; None for a frame that cannot be used."""
    made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    spy.given = ()
    model.predict(Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta))
    if not spy.given:
        return None
    rough = spy.given[0]
    began = time.process_time()
    seeing = combine.combine(*spy.given, **spy.named)
    seconds = time.process_time() - began
    blind = combine.combine(*spy.given, **(spy.named | {"spots": None}))
    answers = [rough if blind.status != "ok" else blind.estimate, blind.estimate, seeing.estimate]
    off = [np.subtract(one.center_px, truth.center_px) for one in answers]
    wide = [one.covariance[:2, :2] for one in answers]
    return Row(
        [float(np.hypot(*one)) for one in off],
        [float(one @ np.linalg.solve(cov, one)) for one, cov in zip(off, wide, strict=True)],
        [blind.status == "ok", blind.status == "ok", seeing.status == "ok"],
        ["", blind.evidence, seeing.evidence],
        _loss(spy, np.array(truth.center_px)),
        seconds,
    )


def _loss(spy: _Spy, truth: np.ndarray) -> tuple[float, float] | None:
    """Negative logarithm of the true origin's probability, without pairs and with them."""
    lattice, spots, scale = spy.given[2], spy.named["spots"], spy.named["px_per_inverse_A"]
    if lattice is None or not lattice.rivals or scale is None:
        return None
    listed = judge_origins(lattice, None)
    losses = []
    for origins in (listed, weigh_origins(listed, spots, scale)[0]):
        near = [one.probability for one in origins if np.hypot(*np.subtract(one.center_px, truth)) < 0.5]
        if not near:
            return None
        losses.append(-np.log(max(*near, 1e-12)))
    return losses[0], losses[1]


def report(name: str, rows: list[Row]) -> None:
    """Print the table of some frames."""
    doubted = [row for row in rows if not row.ok[0]]
    print(f"{name}: {len(rows)} frames, {len(doubted)} in doubt without pairs")
    print(
        f"  {'':8s} {'ok':>5s} {'off>1px':>8s}   in doubt: {'median':>7s} {'90%':>7s} {'68%':>5s} {'95%':>5s}"
    )
    for way, label in enumerate(WAYS):
        good = [row for row in rows if row.ok[way]]
        wrong = sum(row.errors[way] > 1.0 for row in good)
        line = f"  {label:8s} {len(good):5d} {wrong:8d}   "
        if doubted:
            middle, high = np.quantile([row.errors[way] for row in doubted], [0.5, 0.9])
            chi2 = np.array([row.chi2[way] for row in doubted])
            inside = 100 * (chi2 < 2.279).mean(), 100 * (chi2 < 5.991).mean()
            line += f"{'':10s}{middle:7.2f} {high:7.1f} {inside[0]:4.0f}% {inside[1]:4.0f}%"
        print(line)
    losses = np.array([row.loss for row in rows if row.loss is not None]).reshape(-1, 2)
    sums = losses.sum(axis=0)
    print(f"  origins: {len(losses)} frames with several, loss {sums[0]:.1f}, with pairs {sums[1]:.1f}")
    print(f"  combination: {1e3 * np.mean([row.seconds for row in rows]):.1f} ms of processor a frame")


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

"""How often spots alone give center and tilt, and where the other frames fail.

python benchmarks/bragg.py [--kinds flat binary] [--count 60] [--seed 555] [--side 820] [--model NAME|FILE]
                           [--frames]

Simulated frames with distance, pixel size and wavelength known and no start but the model's. "right" is a
center within 0.15 px and a tilt within 0.1 degrees of the truth; "wrong" an answer "ok" more than 1 px off.
"visible" spots are those of the simulation with more than three expected counts on live pixels. Every frame
that is not both "ok" and right is put down to the first stage that failed:

too few found     fewer than 40 spots found
merged            most visible spots have another one within 3 px, and no true lattice was found
not indexed       no lattice, or none of those in the beam
multiple          a lattice in the beam, with another cell: a multiple or a part of it
wrong origin      the right lattice, the center more than 1 px off
imprecise         the right lattice and origin, but outside 0.15 px or 0.1 degrees
refused           all right, but not believed (the reason is printed with --frames)

A last table holds the odds against the truth: how probable the lattice says the origin that it chose is
(start and background left out), and how often that one is right, over all frames whose lattice is one of
those in the beam.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor, attempt
from xgeom_core.predict.lattice import LatticeSolution
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.crystals import Crystal, bragg_spots
from xgeom_core.simulate.render import SimulatedFrame
from xgeom_core.simulate.stream import simulate_frame

CLASSES = ((0, 100), (100, 300), (300, 1000), (1000, 10**9))
NEAR_PX, NEAR_DEG, WRONG_PX = 0.15, 0.1, 1.0
FEWEST, CROWDED_PX = 40, 3.0
CHANCES = (0.0, 0.7, 0.9, 0.97, 1.01)
CENTERING = {"P": 1, "A": 2, "C": 2, "I": 2, "F": 4, "R": 3}


@dataclass(frozen=True)
class Row:
    """One frame: spots visible and found, what came out, seconds, words, and of its origin the probability
    stated (None where the lattice is none of those in the beam) and whether it is right."""

    visible: int
    found: int
    status: str
    off_px: float
    off_deg: float
    stage: str
    seconds: float
    words: str
    chance: float | None
    origin_right: bool

    @property
    def right(self) -> bool:
        """Whether center and tilt are as near as they should be."""
        return self.status == "ok" and self.off_px <= NEAR_PX and self.off_deg <= NEAR_DEG


def as_frame(made: SimulatedFrame) -> Frame:
    """The frame as a file would give it."""
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    return Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)


def visible_spots(made: SimulatedFrame) -> np.ndarray:
    """Positions of the simulation's spots on live pixels, the brightest first; shape (n, 2)."""
    drawn = made.experiment
    shape = made.counts.shape
    spots = bragg_spots(drawn.crystals, drawn.beam, drawn.geometry, shape, drawn.detector.sensor)
    on = (spots.x >= 0) & (spots.y >= 0) & (spots.x < shape[1]) & (spots.y < shape[0])
    on &= spots.counts > 3.0
    x, y, counts = spots.x[on], spots.y[on], spots.counts[on]
    live = made.known[y.astype(int), x.astype(int)]
    order = np.argsort(-counts[live])
    return np.stack([x[live], y[live]], axis=1)[order]


def relation(crystal: Crystal, reciprocal: np.ndarray) -> str:
    """ "same" lattice, a "multiple" (or part) of it, or "other"."""
    axes = np.linalg.inv(crystal.reciprocal()) @ reciprocal
    whole = np.round(axes)
    if np.abs(axes - whole).max() < 0.12 and abs(np.linalg.det(whole)) > 0.5:
        cells = round(abs(float(np.linalg.det(whole))))
        return "same" if cells == CENTERING[crystal.centering] else "multiple"
    for factor in (2, 3, 4):
        if np.abs(axes * factor - np.round(axes * factor)).max() < 0.12:
            return "multiple"
    return "other"


def best_relation(made: SimulatedFrame, solution: LatticeSolution | None) -> str:
    """How the first lattice found is related to any in the beam."""
    if solution is None:
        return "other"
    found = {relation(crystal, np.asarray(solution.reciprocal)) for crystal in made.experiment.crystals}
    return next(name for name in ("same", "multiple", "other") if name in found)


class Bench:
    """Predicts frames and keeps what the indexing answered on the way."""

    def __init__(self, model: str) -> None:
        self.predictor = Predictor.load(model)
        self.solution: LatticeSolution | None = None
        self._solve = attempt.solve_lattice
        attempt.solve_lattice = self._recorded  # type: ignore[assignment]

    def _recorded(self, spots, start, **given):  # type: ignore[no-untyped-def]
        self.solution = self._solve(spots, start, **given)
        return self.solution

    def row(self, made: SimulatedFrame) -> Row:
        """Predict one frame."""
        self.solution = None
        frame = as_frame(made)
        began = time.process_time()
        answer = self.predictor.predict(frame)
        seconds = time.process_time() - began
        truth, best = made.geometry, answer.best
        off, turned = np.inf, np.inf
        if best is not None:
            off, turned = _off(truth, best.center_px, best.tilt_deg)
        visible = visible_spots(made)
        found = 0 if answer.crystal is None else answer.crystal.spots
        right = answer.status == "ok" and off <= NEAR_PX and turned <= NEAR_DEG
        stage = "" if right else self._stage(made, visible, found)
        words = self._words(answer.reason)
        chance, origin_right = self._origin(made)
        return Row(
            len(visible), found, answer.status, off, turned, stage, seconds, words, chance, origin_right
        )

    def _origin(self, made: SimulatedFrame) -> tuple[float | None, bool]:
        """Probability that the lattice gives its origin, and whether it is right."""
        solution = self.solution
        if solution is None or best_relation(made, solution) != "same":
            return None, False
        assert solution.offset is not None
        odds = np.exp([one.log_likelihood - solution.offset.log_likelihood for one in solution.offsets])
        off, _ = _off(made.geometry, solution.center_px, solution.tilt_deg)
        return float(1.0 / odds.sum()), off < WRONG_PX

    def _stage(self, made: SimulatedFrame, visible: np.ndarray, found: int) -> str:
        if found < FEWEST:
            return "too few found"
        related = best_relation(made, self.solution)
        if self.solution is None or related == "other":
            return "merged" if _crowded(visible[: max(found, 200)]) > 0.5 else "not indexed"
        if related == "multiple":
            return "multiple"
        off, turned = _off(made.geometry, self.solution.center_px, self.solution.tilt_deg)
        if off > WRONG_PX:
            return "wrong origin"
        return "imprecise" if off > NEAR_PX or turned > NEAR_DEG else "refused"

    def _words(self, reason: str) -> str:
        solution = self.solution
        if solution is None:
            return reason
        cell = " ".join(f"{value:.0f}" for value in solution.cell)
        return f"{solution.bravais} {cell}, {100 * solution.share:.0f}% of spots; {reason}"


def _off(truth, center, tilt) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    off = float(np.hypot(*np.subtract(center, truth.center_px)))
    if tilt is None:
        return off, np.inf
    return off, float(np.abs(np.subtract(tilt, (truth.pitch_deg, truth.yaw_deg))).max())


def _crowded(xy: np.ndarray) -> float:
    """Share of spots with another one within a few px."""
    if len(xy) < 2:
        return 0.0
    return float((cKDTree(xy).query(xy, k=2)[0][:, 1] < CROWDED_PX).mean())


def frames(kind: str, count: int, seed: int, side: int) -> Iterator[SimulatedFrame]:
    """Simulated frames of a kind."""
    recipe = load_recipe(kind)
    for index in range(count):
        yield simulate_frame(recipe, (side, side), seed, index)


def report(rows: list[Row]) -> None:
    """Print the table of a kind."""
    print(
        f"{'visible spots':>14s} {'frames':>7s} {'ok':>6s} {'right':>6s} {'wrong':>6s}   stages of the others"
    )
    for low, high in (*CLASSES, (100, 10**9), (0, 10**9)):
        _line(f"{low} to {high}" if high < 10**9 else f"{low} and more", rows, low, high)
    seconds = [row.seconds for row in rows]
    _origins(rows)
    print(f"CPU seconds a frame: mean {np.mean(seconds):.2f}, 90% {np.quantile(seconds, 0.9):.2f}")


def _line(name: str, rows: list[Row], low: int, high: int) -> None:
    chosen = [row for row in rows if low <= row.visible < high]
    if not chosen:
        return
    sure = [row for row in chosen if row.status == "ok"]
    wrong = sum(row.off_px > WRONG_PX for row in sure)
    right = sum(row.right for row in chosen)
    stages = Counter(row.stage for row in chosen if row.stage)
    told = ", ".join(f"{stage} {number}" for stage, number in stages.most_common())
    share = f"{100 * wrong / len(sure):5.1f}%" if sure else "     -"
    print(
        f"{name:>14s} {len(chosen):7d} {100 * len(sure) / len(chosen):5.0f}% "
        f"{100 * right / len(chosen):5.0f}% {share}   {told}"
    )


def _origins(rows: list[Row]) -> None:
    """Stated probability of the origins chosen against how often they are right."""
    print("origin said to be right with    frames   mean said   right")
    for low, high in pairwise(CHANCES):
        chosen = [row for row in rows if row.chance is not None and low <= row.chance < high]
        if chosen:
            said = np.mean([row.chance for row in chosen])
            right = np.mean([row.origin_right for row in chosen])
            print(
                f"{100 * low:12.0f}% to {100 * min(high, 1.0):3.0f}% {len(chosen):15d} {100 * said:10.1f}% "
                f"{100 * right:7.1f}%"
            )


def main() -> None:
    """Print a table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=["flat", "binary"])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=555)
    parser.add_argument("--side", type=int, default=820)
    parser.add_argument("--model", default="default")
    parser.add_argument("--frames", action="store_true", help="print a line for each frame that failed")
    given = parser.parse_args()
    bench = Bench(given.model)
    for kind in given.kinds:
        print(f"\n{kind}: {given.count} frames of {given.side} px, seed {given.seed}, model {given.model}")
        rows = []
        for number, made in enumerate(frames(kind, given.count, given.seed, given.side)):
            row = bench.row(made)
            rows.append(row)
            if given.frames and row.stage:
                words = f"{row.stage}, {row.visible} visible, {row.found} found, {row.status}"
                print(
                    f"{number:4d} {words}, off {row.off_px:.2f} px {row.off_deg:.2f}°: {row.words}",
                    flush=True,
                )
        report(rows)


if __name__ == "__main__":
    main()

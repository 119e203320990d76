"""Every method on the same frames: how far off, how often sure, how long.

python benchmarks/methods.py [--kinds standard flat binary] [--count 20] [--seed 7001] [--side 820]
                             [--files SET.h5 ...] [--reference [FOLDER]] [--model NAME|FILE]
                             [--methods NAME ...]

Frames are simulated, or read from files of `xgeom simulate`, or (--reference) are those with known truth
in FOLDER, by default $XGEOM_FRAMES or ../shared/frames beside the checkout. Errors are distances from the
true center in native px. Classical methods get no start; background and lattice start at the network's
center; "xgeom" is the whole predictor. CPU is process time on one frame, without reading it.
The constant predictor answers the mean of the set's own true centers every time.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from reference_frames import cases

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.frames import open_frames
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.background.radial_fit import fit_radial
from xgeom_core.predict.classical import METHODS
from xgeom_core.predict.lattice import solve_lattice
from xgeom_core.predict.network import network_estimate
from xgeom_core.predict.posterior.reliability import reliabilities
from xgeom_core.predict.posterior.sources import background_features, lattice_features
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

REPO = Path(__file__).resolve().parent.parent
Answer = Callable[[Frame, Estimate], Estimate | None]
Truth = tuple[float, float]


@dataclass
class Row:
    """What one method did over a set."""

    off: list[float] = field(default_factory=list)
    sure: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def text(self, name: str) -> str:
        """One line of the table."""
        off, sure = np.array(self.off), np.array(self.sure)
        believed = off[sure]
        words = f"{name:18s} {_high(off, 0.5)} {_high(off, 0.9)}"
        words += f"   {100 * sure.mean():4.0f}%"
        if len(believed):
            words += f" {_high(believed, 0.5)} {_high(believed, 0.9)} {_high(believed, 1.0)}"
        else:
            words += "        -        -        -"
        return words + (f"   {np.mean(self.seconds):6.2f}" if self.seconds else "        -")


def _high(values: np.ndarray, share: float) -> str:
    """A quantile; "-" where it is a frame without an answer, which counts as infinitely far off."""
    value = float(np.quantile(values, share, method="higher"))
    return f"{value:8.2f}" if np.isfinite(value) else "       -"


def simulated(kind: str, count: int, seed: int, side: int) -> Iterator[tuple[Frame, Truth]]:
    """Frames of a kind, as a file would give them."""
    recipe = load_recipe(kind)
    for index in range(count):
        made = simulate_frame(recipe, (side, side), seed, index)
        truth = made.geometry
        meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
        yield (
            Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta),
            truth.center_px,
        )


def stored(path: Path, count: int) -> Iterator[tuple[Frame, Truth]]:
    """Frames of a file that states their truth."""
    with open_frames(str(path)) as source:
        for index in range(min(count, len(source))):
            truth = source.truth(index)
            if truth is not None:
                yield source.frame(index), truth.center_px


def reference(folder: Path) -> Iterator[tuple[Frame, Truth]]:
    """The frames with known truth."""
    for case in cases(folder):
        with open_frames(str(folder / case.file)) as source:
            frame = source.frame(0)
        pixel = (case.pixel_mm, case.pixel_mm)
        meta = frame.metadata.overridden(case.distance_mm, pixel, case.wavelength_A)
        yield replace(frame, metadata=meta), case.center_px


def answers(predictor: Predictor) -> dict[str, Answer]:
    """All methods by name."""
    known: dict[str, Answer] = {name: _classical(name) for name in METHODS}
    known["network"] = lambda frame, start: network_estimate(predictor.model, frame)
    known["background"] = _background
    known["lattice"] = _lattice
    known["xgeom"] = lambda frame, start: predictor.predict(frame).best
    return known


def _classical(name: str) -> Answer:
    return lambda frame, start: METHODS[name](frame)


def _background(frame: Frame, start: Estimate) -> Estimate | None:
    fit = fit_radial(frame, start.center_px)
    if fit is None:
        return None
    wrong = reliabilities()["background"].p_wrong(background_features(fit, max(frame.shape)))
    if wrong < 0.5:
        return Estimate("background", fit.center_px, fit.tilt_deg, fit.covariance)
    reason = f"It is wrong with {100 * wrong:.0f}%."
    return Estimate("background", fit.center_px, fit.tilt_deg, fit.covariance, "uncertain", reason)


def _lattice(frame: Frame, start: Estimate) -> Estimate | None:
    geometry = frame.metadata.geometry(start.center_px)
    if geometry is None or geometry.wavelength_A is None:
        return None
    sigma = max(start.center_sigma_px or (0.003 * max(frame.shape),))
    found = solve_lattice(find_spots(frame), geometry, sigma_px=sigma)
    if found is None or found.offset is None:
        return None
    wrong = reliabilities()["lattice"].p_wrong(lattice_features(found))
    least = found.offset.log_likelihood - 3.0
    others = sum(one.log_likelihood > least for one in found.offsets) - 1
    reason = f"It is wrong with {100 * wrong:.0f}%." if wrong > 0.5 else ""
    reason = reason or (f"{others} other origins are as likely." if others else "")
    status = "uncertain" if reason else "ok"
    return Estimate("lattice", found.center_px, found.tilt_deg, found.covariance, status, reason)


def measure(frames: Iterator[tuple[Frame, Truth]], chosen: dict[str, Answer], predictor: Predictor) -> None:
    """Run all methods over a set and print its table."""
    rows = {name: Row() for name in chosen}
    truths = []
    for frame, truth in frames:
        truths.append(truth)
        start = network_estimate(predictor.model, frame)
        for name, method in chosen.items():
            began = time.process_time()
            found = method(frame, start)
            rows[name].seconds.append(time.process_time() - began)
            # A frame without an answer is infinitely far off, not absent.
            off = np.inf if found is None else float(np.hypot(*np.subtract(found.center_px, truth)))
            rows[name].off.append(off)
            rows[name].sure.append(found is not None and found.status == "ok")
    places = np.array(truths)
    constant = Row(list(np.hypot(*(places - places.mean(axis=0)).T)), [True] * len(places))
    names = ("median", "90%", "ok", "median", "90%", "worst", "CPU, s")
    print(f"{'':18s}" + "".join(f"{name:>9s}" for name in names))
    print(constant.text("constant"))
    for name, row in rows.items():
        print(row.text(name), flush=True)


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    default = os.environ.get("XGEOM_FRAMES") or str(REPO.parent / "shared" / "frames")
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument("--files", nargs="*", type=Path, default=[])
    parser.add_argument("--reference", nargs="?", const=Path(default), type=Path)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7001)
    parser.add_argument("--side", type=int, default=820)
    parser.add_argument("--model", default="default")
    parser.add_argument("--methods", nargs="*", default=[])
    given = parser.parse_args()
    if not (given.kinds or given.files or given.reference):
        given.kinds = ["standard", "flat", "binary"]
    predictor = Predictor.load(given.model)
    known = answers(predictor)
    unknown = sorted(set(given.methods) - set(known))
    if unknown:
        parser.error(f"no method {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = {name: known[name] for name in given.methods or known}
    for kind in given.kinds:
        print(f"\n{kind}: {given.count} simulated frames of {given.side} px, seed {given.seed}")
        measure(simulated(kind, given.count, given.seed, given.side), chosen, predictor)
    for path in given.files:
        print(f"\n{path.name}")
        measure(stored(path, given.count), chosen, predictor)
    if given.reference:
        print("\nreference frames")
        measure(reference(given.reference), chosen, predictor)


if __name__ == "__main__":
    main()

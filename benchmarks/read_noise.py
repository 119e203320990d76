"""What gain, read noise, common mode and pedestals of integrating detectors cost an answer.

    python benchmarks/read_noise.py [--kinds standard,background-only] [--count 12] [--seed 77]

Simulates frames, has each of several detectors read out the very same photons, and predicts all of them
with the default model as the only start. Prints a line a detector: how many answers are "ok", how far off
those are beside what they say of themselves (medians), how many of them are off by more than three of their
own bars, and how many by more than four and a pixel.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from xgeom_core.frame import Frame, Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.background.panels import panel_numbers
from xgeom_core.simulate import SimulatedFrame, load_recipe
from xgeom_core.simulate.stream import simulate_frame

SIDE = 820
Detector = Callable[[SimulatedFrame, np.random.Generator], np.ndarray]


def subtracted(gain: float, read: float, common: float) -> Detector:
    """Photons times a gain with the pedestal taken off; noise of pixels and of modules in photons."""

    def seen(made: SimulatedFrame, rng: np.random.Generator) -> np.ndarray:
        module = panel_numbers(made.known)
        offset = rng.normal(0.0, common, module.max() + 2)[module + 1]
        return gain * (made.counts + rng.normal(0.0, read, module.shape) + offset)

    return seen


def camera(gain: float, read: float, pedestal: float, dimmed: float) -> Detector:
    """Whole numbers above a pedestal, through a taper that dims the corners by a share."""

    def seen(made: SimulatedFrame, rng: np.random.Generator) -> np.ndarray:
        at = np.linspace(-1.0, 1.0, SIDE)
        taper = 1.0 - 0.5 * dimmed * (at**2 + at[:, None] ** 2)
        light = made.counts * taper + rng.normal(0.0, read, taper.shape)
        return np.rint(pedestal + gain * light)

    return seen


DETECTORS: dict[str, Detector] = {
    "photons": lambda made, rng: made.counts,
    "gain 5.3, read noise 0.5": subtracted(5.3, 0.5, 0.0),
    "the same, common mode 0.3": subtracted(5.3, 0.5, 0.3),
    "gain 5.3, read noise 3, common mode 1": subtracted(5.3, 3.0, 1.0),
    "gain 9.3, read noise 0.1": subtracted(9.3, 0.1, 0.03),
    "pedestal 1000, gain 1.7, read noise 4": camera(1.7, 4.0, 1000.0, 0.0),
    "the same, corners 6% dimmer": camera(1.7, 4.0, 1000.0, 0.06),
}


def answer(predictor: Predictor, made: SimulatedFrame, data: np.ndarray) -> tuple[bool, float, float, float]:
    """Whether the answer is ok, how far off, its bar, and the larger pull of the two coordinates."""
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    values = np.where(made.known, data, 0.0).astype(np.float32)
    found = predictor.predict(Frame(values, made.known, np.zeros_like(made.known), meta))
    best = found.best
    if best is None or best.covariance is None:
        return False, np.nan, np.nan, np.nan
    off = np.subtract(best.center_px, truth.center_px)
    sigma = np.sqrt(np.diag(best.covariance)[:2])
    return found.status == "ok", float(np.hypot(*off)), float(sigma.max()), float(np.abs(off / sigma).max())


def main() -> None:
    """Simulate, read out, predict, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default="standard,background-only")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=77)
    given = parser.parse_args()
    predictor = Predictor.load()
    rows: dict[str, list[tuple[bool, float, float, float]]] = {name: [] for name in DETECTORS}
    for kind in given.kinds.split(","):
        for index in range(given.count):
            made = simulate_frame(load_recipe(kind), (SIDE, SIDE), given.seed, index)
            for number, (name, detector) in enumerate(DETECTORS.items()):
                rng = np.random.default_rng([given.seed, index, number])
                rows[name].append(answer(predictor, made, detector(made, rng)))
    print(f"{'photons per px':40s} {'ok':>7s} {'off, px':>8s} {'bar, px':>8s} {'> 3 bars':>9s} {'wrong':>6s}")
    for name, found in rows.items():
        ok, off, bar, pull = np.array(found, dtype=float).T
        good = ok > 0
        print(
            f"{name:40s} {int(good.sum()):3d}/{len(ok):<3d} {np.median(off[good]):8.3f} "
            f"{np.median(bar[good]):8.3f} {int((pull[good] > 3).sum()):9d} "
            f"{int(((pull > 4) & (off > 1) & good).sum()):6d}"
        )


if __name__ == "__main__":
    main()

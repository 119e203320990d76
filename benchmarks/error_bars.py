"""Are the errors of the radial fit as large as its error bars say?

python benchmarks/error_bars.py [--kind standard] [--count 30] [--seed 77] [--reach 8]

Simulates 820-px frames, starts the fit up to REACH px from the true center along each axis, and prints
the pulls, error / error bar, of those fits that stand. Honest bars give an rms near 1.
"""

from __future__ import annotations

import argparse

import numpy as np

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import fit_radial
from xgeom_core.predict.posterior.background_checks import background_trouble
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

SIDE = 820
NAMES = ("x", "y", "pitch", "yaw")


def pulls_of(kind: str, seed: int, index: int, reach: float) -> np.ndarray | None:
    """Errors of one frame's fit in units of its error bars; None if the fit is refused."""
    made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
    shift = np.random.default_rng([seed, index, 1]).uniform(-reach, reach, size=2)
    start = (truth.center_px[0] + shift[0], truth.center_px[1] + shift[1])
    fit = fit_radial(frame, start)
    if fit is None or fit.tilt_deg is None or background_trouble(fit, SIDE):
        return None
    errors = np.array([*fit.center_px, *fit.tilt_deg]) - [*truth.center_px, truth.pitch_deg, truth.yaw_deg]
    return np.asarray(errors / np.sqrt(np.diag(fit.covariance)))


def main() -> None:
    """Print the pulls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kind", default="standard")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--reach", type=float, default=8.0)
    given = parser.parse_args()
    found = [pulls_of(given.kind, given.seed, index, given.reach) for index in range(given.count)]
    pulls = np.array([row for row in found if row is not None])
    print(f"{given.kind}: {len(pulls)} of {given.count} fits stand")
    if len(pulls):
        rms, far = np.sqrt((pulls**2).mean(axis=0)), (np.abs(pulls) > 3).mean(axis=0)
        for name, value, share in zip(NAMES, rms, far, strict=True):
            print(f"  {name:6s} rms pull {value:.2f}   beyond 3 sigma {100 * share:.0f}%")


if __name__ == "__main__":
    main()

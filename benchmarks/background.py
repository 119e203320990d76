"""How close does the background fit come to what the photons allow, and do its error bars hold?

python benchmarks/background.py [--kinds standard,long,background-only,powder,varied,realistic]
                                [--count 200] [--seed 9182] [--start 5] [--each]

Simulates 820-px frames of each kind (seeds disjoint from training and from those the fit was developed
on), starts the fit START px from the true center in a random direction, without a network, and prints for
all frames, for those whose fit stands (is not refused), and for those of them with 10 counts a pixel or
more:

- error: median over frames of the root mean square of x and y (px), and of pitch and yaw (degrees);
- plain, blind: medians of error over bound; a perfect fit has 1. Plain: all is known but the profile.
  Blind: nor are the amplitudes' course in azimuth, the modules' gains and the sensor's depth, as far as
  the truth itself shows them (see background_bound.py);
- coverage: share of the four numbers inside their 68% and 95% intervals;
- wrong: fits that stand although one of the four is off by more than five of its error bars.

A kind of 200 frames takes about five minutes of one processor.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from background_bound import Bounds, bounds_of
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.posterior.reliability import reliabilities
from xgeom_core.predict.posterior.sources import background_features
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

SIDE = 820
KINDS = "standard,long,background-only,powder,varied,realistic"
# Median of the root mean square of two independent standard normal errors.
NORMAL = 0.8326
BRIGHT = 10.0
WRONG = 5.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """One frame: error, error bars and both bounds of (x, y, pitch, yaw) in px and degrees."""

    error: NDArray[np.float64]
    sigma: NDArray[np.float64]
    plain: NDArray[np.float64]
    blind: NDArray[np.float64]
    counts: float
    refused: str
    seconds: float

    @property
    def pull(self) -> NDArray[np.float64]:
        """Errors in units of their error bars."""
        return np.asarray(self.error / self.sigma)

    @property
    def wrong(self) -> bool:
        """Whether the fit stands though it is off."""
        return not self.refused and bool((np.abs(self.pull) > WRONG).any())


def outcome_of(kind: str, seed: int, index: int, away: float) -> Outcome | None:
    """Simulate, bound and fit one frame; None where no light falls on pixels that count."""
    made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
    truth = made.geometry
    bounds = bounds_of(made.experiment, made.known)
    if bounds is None:
        return None
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
    turn = np.random.default_rng([seed, index, 1]).uniform(0.0, 2.0 * np.pi)
    start = (truth.center_px[0] + away * np.cos(turn), truth.center_px[1] + away * np.sin(turn))
    began = time.process_time()
    fit = fit_radial(frame, start)
    return _outcome(fit, truth, bounds, time.process_time() - began)


def _outcome(fit: RadialFit | None, truth: Geometry, bounds: Bounds, seconds: float) -> Outcome:
    plain, blind = (np.sqrt(np.diag(bound)) for bound in (bounds.plain, bounds.blind))
    if fit is None or fit.tilt_deg is None:
        none = np.full(4, np.nan)
        return Outcome(none, none, plain, blind, bounds.counts, "no fit", seconds)
    wrong = reliabilities()["background"].p_wrong(background_features(fit, SIDE))
    refused = "probably wrong" if wrong > 0.5 else ""
    error = np.array([*fit.center_px, *fit.tilt_deg]) - [*truth.center_px, truth.pitch_deg, truth.yaw_deg]
    sigma = np.sqrt(np.diag(fit.covariance))
    return Outcome(error, sigma, plain, blind, bounds.counts, refused, seconds)


def _pairs(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Root mean squares of (x, y) and of (pitch, yaw), shape (n, 2)."""
    table = np.array(values)
    return np.stack([np.hypot(*table[:, :2].T), np.hypot(*table[:, 2:].T)], axis=1) / np.sqrt(2.0)


def row(name: str, group: list[Outcome]) -> None:
    """Print one row of the table."""
    if not group:
        print(f"{name:28s}   0", flush=True)
        return
    error, plain, blind = (_pairs([getattr(o, key) for o in group]) for key in ("error", "plain", "blind"))
    size = np.nanmedian(error, axis=0)
    over = [np.nanmedian(error / bound, axis=0) / NORMAL for bound in (plain, blind)]
    pulls = np.abs(np.array([o.pull for o in group]))
    pulls = pulls[np.isfinite(pulls)]
    print(
        f"{name:28s} {len(group):3d}  {size[0]:7.3f} {over[0][0]:6.2f} {over[1][0]:6.2f}  "
        f"{size[1]:7.3f} {over[0][1]:6.2f} {over[1][1]:6.2f}   "
        f"{100 * (pulls < 1).mean():4.0f}% {100 * (pulls < 1.96).mean():4.0f}%  "
        f"{sum(o.wrong for o in group):3d}   {np.median([o.seconds for o in group]):5.2f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default=KINDS, help="names or recipe files, separated by commas")
    parser.add_argument("--count", type=int, default=200, help="frames of each kind")
    parser.add_argument("--seed", type=int, default=9182)
    parser.add_argument("--start", type=float, default=5.0, help="px between the start and the truth")
    parser.add_argument("--each", action="store_true", help="print every frame")
    given = parser.parse_args()
    print(f"{'':28s}   n   center: error, over plain, blind   tilt: error, over plain, blind", end="")
    print("   inside 68%, 95%   wrong   s")
    for kind in given.kinds.split(","):
        found: list[Outcome] = []
        for index in range(given.count):
            one = outcome_of(kind, given.seed, index, given.start)
            if one is None:
                continue
            found.append(one)
            if given.each or one.wrong:
                print(
                    f"    {kind} {index}: error {np.round(one.error, 3)}, bars {np.round(one.sigma, 3)},"
                    f" plain bound {np.round(one.plain, 3)}, blind {np.round(one.blind, 3)},"
                    f" {one.counts:.1f} counts {one.refused}",
                    flush=True,
                )
        stand = [one for one in found if not one.refused]
        row(f"{kind}, all", found)
        row(f"{kind}, stand", stand)
        row(f"{kind}, stand, 10 counts", [one for one in stand if one.counts >= BRIGHT])


if __name__ == "__main__":
    main()

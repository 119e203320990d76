"""How close does the radial fit come to the smallest error that the photons allow?

python benchmarks/cramer_rao.py [--count 8] [--seed 1] [--reach 10] [--each]

Draws noise-free backgrounds (see radial_scenes.py), exposes them with Poisson noise, gaps, a beam stop
and 300 Bragg spots, fits from a start up to REACH px off, and compares the error with the Cramer-Rao
bound: derivatives of the true expected image by center and tilt, with a free radial profile projected
out, over the pixels beyond the stop. Printed are medians over frames; a perfect fit has the ratio 1
(error over bound, root mean square of x and y or of pitch and yaw, divided by its median 0.83 for a
normal error). Hostile scenes follow: what stands in the way there is not part of the bound.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from radial_scenes import HOSTILE, Scene, draw_scene, expose, moved

from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial

# Median of the root mean square of two independent standard normal errors.
NORMAL = 0.8326
STEPS = np.array([0.05, 0.05, 0.02, 0.02])


def bound(scene: Scene, inner_px: float = 32.0) -> NDArray[np.float64]:
    """Smallest possible covariance of (x, y, pitch, yaw) in px and degrees, shape (4, 4)."""
    truth = scene.geometry
    expected = scene.expected()
    use = scene.valid & (scene.front > 0.5)
    rows, columns = np.nonzero(use)
    away = np.hypot(columns + 0.5 - truth.center_px[0], rows + 0.5 - truth.center_px[1])
    keep = away > inner_px
    rows, columns = rows[keep], columns[keep]
    angle = truth.two_theta(columns + 0.5, rows + 0.5)
    bins = np.tan(angle) * truth.distance_mm / truth.pixel_mm[0]
    # Two px wide bins, each with a level and a slope, are as good as a free profile.
    number = (bins / 2.0).astype(np.int64)
    inside = bins / 2.0 - number - 0.5
    mu = expected[rows, columns]
    slopes = []
    for i in range(4):
        step = np.zeros(4)
        step[i] = STEPS[i]
        up, down = scene.expected(moved(truth, step)), scene.expected(moved(truth, -step))
        slopes.append(((up - down)[rows, columns]) / (2.0 * STEPS[i]) / mu)
    left = [_without_profile(slope, mu, number, inside) for slope in slopes]
    fisher = np.array([[float((mu * a * b).sum()) for a in left] for b in left])
    return np.asarray(np.linalg.inv(fisher))


def _without_profile(
    column: NDArray[np.float64],
    weight: NDArray[np.float64],
    number: NDArray[np.int64],
    inside: NDArray[np.float64],
) -> NDArray[np.float64]:
    """A column of relative derivatives with level and slope of each bin projected out."""
    total = np.maximum(np.bincount(number, weights=weight), 1e-30)
    middle = np.bincount(number, weights=weight * inside) / total
    off = inside - middle[number]
    level = np.bincount(number, weights=weight * column) / total
    spread = np.maximum(np.bincount(number, weights=weight * off**2), 1e-12)
    slope = np.bincount(number, weights=weight * off * column) / spread
    return np.asarray(column - level[number] - slope[number] * off)


def one(scene: Scene, seed: int, reach: float) -> tuple[RadialFit | None, NDArray[np.float64], float]:
    """Fit, errors and processor time of one exposure."""
    rng = np.random.default_rng(seed)
    frame = expose(scene, rng)
    truth = scene.geometry
    shift = rng.uniform(-reach, reach, size=2)
    start = time.process_time()
    fit = fit_radial(frame, (truth.center_px[0] + shift[0], truth.center_px[1] + shift[1]))
    spent = time.process_time() - start
    if fit is None or fit.tilt_deg is None:
        return fit, np.full(4, np.nan), spent
    found = np.array([*fit.center_px, *fit.tilt_deg])
    return fit, found - [*truth.center_px, truth.pitch_deg, truth.yaw_deg], spent


def group(name: str, scenes: list[Scene], seed: int, reach: float, each: bool) -> None:
    """One row of the table."""
    ratios, errors, bounds, pulls, spent = [], [], [], [], []
    for number, scene in enumerate(scenes):
        fit, error, seconds = one(scene, seed + number, reach)
        limit = np.sqrt(np.diag(bound(scene)))
        pair = np.array([np.hypot(*error[:2]), np.hypot(*error[2:])]) / np.sqrt(2.0)
        least = np.array([np.hypot(*limit[:2]), np.hypot(*limit[2:])]) / np.sqrt(2.0)
        ratios.append(pair / least / NORMAL)
        errors.append(pair)
        bounds.append(least)
        spent.append(seconds)
        if fit is not None and fit.tilt_deg is not None:
            pulls.append(error / np.sqrt(np.diag(fit.covariance)))
        if each:
            print(
                f"    {name:28s} D {scene.geometry.distance_mm:4.0f} mm"
                f"  error {pair[0]:7.3f} px {pair[1]:7.3f} deg"
                f"   bound {least[0]:7.3f} px {least[1]:7.3f} deg",
                flush=True,
            )
    middle = [np.nanmedian(values, axis=0) for values in (errors, bounds, ratios)]
    inside = np.abs(np.array(pulls)) if pulls else np.full((1, 4), np.nan)
    print(
        f"{name:28s} {len(scenes):3d}  {middle[0][0]:6.3f} {middle[1][0]:6.3f} {middle[2][0]:5.2f}   "
        f"{middle[0][1]:6.3f} {middle[1][1]:6.3f} {middle[2][1]:5.2f}   "
        f"{100 * (inside < 1).mean():3.0f}% {100 * (inside < 1.96).mean():3.0f}%  {np.median(spent):5.2f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reach", type=float, default=10.0)
    parser.add_argument("--each", action="store_true", help="print every frame")
    given = parser.parse_args()
    print(f"{'':28s}  n   center: error bound ratio   tilt: error bound ratio   inside 1, 1.96 sigma   s")
    for kind in ("water", "solvent", "powder"):
        for level in (1.0, 10.0, 100.0):
            rng = np.random.default_rng([given.seed, int(level)])
            distances = np.exp(rng.uniform(np.log(100.0), np.log(700.0), size=given.count))
            scenes = [draw_scene(kind, "plain", level, float(d), rng) for d in distances]
            group(f"{kind}, {level:g} counts", scenes, 100 * given.seed, given.reach, given.each)
    for hostile in HOSTILE[1:]:
        rng = np.random.default_rng([given.seed, 7])
        distances = np.exp(rng.uniform(np.log(100.0), np.log(700.0), size=given.count))
        scenes = [draw_scene("water", hostile, 30.0, float(d), rng) for d in distances]
        group(f"hostile: {hostile}, 30 counts", scenes, 100 * given.seed, given.reach, given.each)


if __name__ == "__main__":
    main()

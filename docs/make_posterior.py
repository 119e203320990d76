"""Draw docs/posterior/mixture.png: python docs/make_posterior.py

One simulated frame without background: what lattice, network and a header say, and their product.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.attempt import Evidence, PredictOptions
from xgeom_core.predict.posterior.weigh import Posterior
from xgeom_core.predict.predictor import look
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

OUT = Path(__file__).resolve().parent / "posterior" / "mixture.png"
SIDE, SEED, INDEX, HALF = 820, 2, 0, 45.0
COLORS = {"lattice": "#0072b2", "network": "#009e73", "header": "#d55e00"}


def posterior() -> tuple[Posterior, tuple[float, float]]:
    """Of the frame, and its true center."""
    made = simulate_frame(load_recipe("flat"), (SIDE, SIDE), SEED, INDEX)
    truth = made.geometry
    x, y = truth.center_px
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm, (x + 31.0, y - 22.0))
    frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
    found, options = Evidence(), PredictOptions()
    predictor = Predictor.load()
    predictor._rough(frame, options, found)
    return next(look(frame, options, found)), truth.center_px


def main() -> None:
    """Draw both halves."""
    told, true = posterior()
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for finding in told.findings:
        if finding.source not in COLORS:
            continue
        color = COLORS[finding.source]
        odds = np.exp(finding.log_weight - finding.log_weight.max())
        if finding.source == "lattice":
            left.scatter(
                *finding.mean[:, :2].T, s=6 + 120 * odds, color=color, label="lattice: hkl offsets", alpha=0.8
            )
            continue
        center = finding.mean[finding.best, :2]
        sigma = np.sqrt(finding.covariance[finding.best, 0, 0])
        left.plot(*center, "+", color=color, markersize=12, label=finding.source)
        for bars in (1, 2, 3):
            size = 2 * bars * sigma
            left.add_patch(Ellipse(tuple(center), size, size, fill=False, color=color, linewidth=1))
    for place in told.places[:12]:
        size = 20 + 400 * place.weight
        right.scatter(*place.mean[:2], s=size, color="#333333", alpha=0.7)
        if place.weight > 0.002:
            text = f"{100 * place.weight:.3g}%  " + " + ".join(place.sources)
            right.annotate(text, place.mean[:2], (8, 8), textcoords="offset points", fontsize=9)
    for axes, title in ((left, "what each source says"), (right, "their product")):
        axes.plot(*true, "x", color="#cc0000", markersize=9, label="true center", zorder=5)
        axes.set(xlim=(true[0] - HALF, true[0] + HALF), ylim=(true[1] + HALF, true[1] - HALF), title=title)
        axes.set(xlabel="x, px", ylabel="y, px", aspect="equal")
    left.legend(loc="lower left", fontsize=9)
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=110)
    print(f"{OUT} written")


if __name__ == "__main__":
    main()

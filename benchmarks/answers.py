"""Are the answers right, and are their error bars as large as they should be?

    python benchmarks/answers.py [--kinds standard,varied] [--count 200] [--seed 4242] [--out DIR] [--known]

Simulates fresh 820-px frames of every kind, predicts each with the default model as the only start, and
prints for each kind: the network's error beside that of the constant predictor (always the mean truth), how
many answers are "ok" and how far those are off, wrong answers without a flag (off by more than 1 px and by
more than 4 error bars), and the shares of truths inside the 68% and the 95% interval, for the center (x and
line a frame (a second call goes on where the first ended; other seeds or kinds may be joined to it),
line a frame (a second call goes on where the first ended; files of other seeds or kinds may be joined to it),
DIR/reliability.png shows nominal against true coverage, the distribution of the error's probability integral
(flat if bars are honest), and the error of the surest answers against the share that is answered.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.prediction import Prediction
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.recipe import KINDS
from xgeom_core.simulate.stream import simulate_frame

SIDE = 820
WRONG_PX, WRONG_SIGMA = 1.0, 4.0
LEVELS = np.linspace(0.02, 0.98, 49)


def answer(predictor: Predictor, kind: str, seed: int, index: int, known: bool) -> dict[str, Any]:
    """One frame's record: truth, errors of every source, status and reasons."""
    made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
    shift = np.random.default_rng([seed, index, 1]).uniform(-8, 8, size=2)
    start = (truth.center_px[0] + shift[0], truth.center_px[1] + shift[1]) if known else None
    found = predictor.predict(frame, start_px=start)
    goal = np.array([*truth.center_px, truth.pitch_deg, truth.yaw_deg])
    record: dict[str, Any] = {"kind": kind, "seed": seed, "index": index, "truth": goal.tolist()}
    record |= {"status": found.status, "reason": found.reason, "evidence": found.evidence}
    record |= {"probability": found.probability, "elapsed": round(found.elapsed_s, 3)}
    crystals = made.experiment.crystals
    record["system"] = crystals[0].system if crystals else "none"
    record |= {"seconds": {key: round(value, 3) for key, value in found.seconds.items()}}
    for name in ("best", "network", "background", "lattice"):
        record[name] = _errors(found, name, goal)
    if found.crystal is not None:
        record["crystal"] = found.crystal.record()
    return record


def _errors(found: Prediction, name: str, goal: np.ndarray) -> dict[str, Any] | None:
    item = getattr(found, name)
    if item is None:
        return None
    tilt = item.tilt_deg if item.tilt_deg is not None else (np.nan, np.nan)
    error = np.array([*item.center_px, *tilt]) - goal
    sigma = np.full(4, np.nan)
    if item.covariance is not None:
        size = len(item.covariance)
        sigma[:size] = np.sqrt(np.diag(item.covariance))
    return {
        "error": [None if not np.isfinite(value) else round(float(value), 4) for value in error],
        "sigma": [None if not np.isfinite(value) else round(float(value), 4) for value in sigma],
        "status": item.status,
        "reason": item.reason,
    }


def collect(kinds: list[str], count: int, seed: int, out: Path, known: bool) -> list[dict[str, Any]]:
    """Records of all frames; those already in the file are not made again."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "answers.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = {(row["kind"], row["seed"], row["index"]): row for row in map(json.loads, lines)}
    predictor = Predictor.load()
    with path.open("a", encoding="utf-8") as stream:
        for kind in kinds:
            for index in range(count):
                if (kind, seed, index) not in done:
                    row = answer(predictor, kind, seed, index, known)
                    done[kind, seed, index] = row
                    stream.write(json.dumps(row) + "\n")
                    stream.flush()
    return [
        row for row in done.values() if row["kind"] in kinds and row["index"] < count and row["seed"] == seed
    ]


def of(rows: list[dict[str, Any]], source: str, what: str) -> np.ndarray:
    """Array (N, 4) of errors or error bars of a source; NaN where there is none."""
    empty = [None] * 4
    values = [(row[source] or {}).get(what) or empty for row in rows]
    return np.array(values, dtype=float).reshape(-1, 4)


HEAD = (
    f"{'':16s} {'const':>6s} {'network':>8s} {'90%':>6s} {'ok':>4s}/{'all':4s} {'ok med':>7s} "
    f"{'worst':>7s} {'tilt':>6s} {'wrong':>6s}   68%: center tilt   95%: center tilt"
)


def table(rows: list[dict[str, Any]], kinds: list[str]) -> None:
    """Print one line a kind, a crystal system, a number of spots, a tilt."""
    print(HEAD)
    for kind in kinds:
        line(kind, [row for row in rows if row["kind"] == kind])
    line("all", rows)
    print()
    for system in sorted({row["system"] for row in rows}):
        line(system, [row for row in rows if row["system"] == system])
    print()
    edges = (0, 20, 50, 100, 300, 1000, 10**9)
    for low, high in pairwise(edges):
        name = f"{low} to {high} spots" if high < 10**9 else f"{low} and more"
        line(name, [row for row in rows if low <= (row.get("crystal") or {"spots": 0})["spots"] < high])
    print()
    for low, high in pairwise((0.0, 0.5, 1.0, 2.0, 3.0, 90.0)):
        some = [row for row in rows if low <= max(map(abs, row["truth"][2:])) < high]
        line(f"tilt {low:g} to {high:g}", some)


def line(name: str, some: list[dict[str, Any]]) -> None:
    """Print the counts of some frames."""
    if not some:
        return
    good = [row for row in some if row["status"] == "ok"]
    truth = np.array([row["truth"][:2] for row in some])
    constant = np.median(np.hypot(*(truth - truth.mean(axis=0)).T))
    network = np.hypot(*of(some, "network", "error")[:, :2].T)
    error, sigma = of(good, "best", "error"), of(good, "best", "sigma")
    off, turned = np.hypot(*error[:, :2].T), _middle(np.abs(error[:, 2:]).max(axis=1, initial=0))
    pulls = np.abs(error / sigma)
    inside = [
        _share(pulls[:, part], limit) for limit in (0.9945, 1.96) for part in (slice(0, 2), slice(2, 4))
    ]
    print(
        f"{name:16s} {constant:6.1f} {_middle(network):8.2f} {_high(network):6.1f} "
        f"{len(good):4d}/{len(some):<4d} {_middle(off):7.3f} {off.max(initial=0):7.2f} {turned:6.3f} "
        f"{sum(is_wrong(row) for row in some):6d}        {inside[0]:4.0f}% {inside[1]:4.0f}%        "
        f"{inside[2]:4.0f}% {inside[3]:4.0f}%"
    )


def is_wrong(row: dict[str, Any]) -> bool:
    """Whether an answer called ok is off by more than it says and by more than a pixel."""
    if row["status"] != "ok":
        return False
    error, sigma = of([row], "best", "error")[0], of([row], "best", "sigma")[0]
    return bool(np.hypot(*error[:2]) > WRONG_PX and np.nanmax(np.abs(error[:2] / sigma[:2])) > WRONG_SIGMA)


def _share(pulls: np.ndarray, limit: float) -> float:
    known = pulls[np.isfinite(pulls)]
    return 100.0 * float((known < limit).mean()) if known.size else float("nan")


def _middle(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _high(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, 0.9)) if known.size else float("nan")


def plot(rows: list[dict[str, Any]], kinds: list[str], path: Path) -> None:
    """Nominal against true coverage, a line a kind, center and tilt side by side."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only for the picture

    figure = Figure(figsize=(11, 9), layout="constrained")
    grid = figure.subplots(2, 2)
    good = [row for row in rows if row["status"] == "ok"]
    for axes, part, title in zip(grid[0], (slice(0, 2), slice(2, 4)), ("center", "tilt"), strict=True):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1)
        for kind in [*kinds, "all"]:
            some = [row for row in good if kind in ("all", row["kind"])]
            pulls = np.abs(of(some, "best", "error") / of(some, "best", "sigma"))[:, part]
            known = pulls[np.isfinite(pulls)]
            if known.size >= 10:
                true = [(known < norm.ppf(0.5 + level / 2)).mean() for level in LEVELS]
                width = 2.5 if kind == "all" else 1.0
                axes.plot(LEVELS, true, label=f"{kind} ({known.size // 2})", linewidth=width)
        axes.set(
            title=title, xlabel="nominal coverage", ylabel="share of truths inside", xlim=(0, 1), ylim=(0, 1)
        )
        axes.legend(fontsize=8)
    for name, part in (("center", slice(0, 2)), ("tilt", slice(2, 4))):
        pulls = (of(good, "best", "error") / of(good, "best", "sigma"))[:, part]
        integral = norm.cdf(pulls[np.isfinite(pulls)])
        grid[1, 0].hist(integral, bins=20, range=(0, 1), histtype="step", density=True, label=name)
    grid[1, 0].axhline(1.0, color="0.6", linewidth=1)
    grid[1, 0].set(
        title="probability integral of the errors", xlabel="share below the truth", ylabel="density"
    )
    grid[1, 0].legend(fontsize=8)
    _risk(grid[1, 1], rows)
    figure.savefig(path, dpi=110)


def _risk(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Error of the surest answers against their share, whatever they are called."""
    off = np.hypot(*of(rows, "best", "error")[:, :2].T)
    sigma = of(rows, "best", "sigma")[:, :2].max(axis=1)
    order = np.argsort(sigma)
    share = np.arange(1, len(rows) + 1) / len(rows)
    running = [np.quantile(off[order[:n]], (0.5, 0.95)) for n in range(1, len(rows) + 1)]
    for number, name in enumerate(("median", "95%")):
        axes.plot(share, [row[number] for row in running], label=f"{name} of the error")
    answered = sum(row["status"] == "ok" for row in rows) / len(rows)
    axes.axvline(answered, color="0.6", linewidth=1, label=f"called ok: {100 * answered:.0f}%")
    axes.set(
        title="error against share answered", xlabel="share, the surest first", ylabel="px", yscale="log"
    )
    axes.legend(fontsize=8)


def main() -> None:
    """Collect, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--out", type=Path, default=Path("runs/answers"))
    parser.add_argument(
        "--known", action="store_true", help="start within 8 px of the truth, not by the network"
    )
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    rows = collect(kinds, given.count, given.seed, given.out, given.known)
    table(rows, kinds)
    for row in rows:
        if is_wrong(row):
            name, best = f"{row['kind']} {row['index']}", row["best"]
            print(f"  wrong: {name}: {row['evidence']} off {best['error']} +- {best['sigma']}")
    plot(rows, kinds, given.out / "reliability.png")
    print(f"{given.out / 'reliability.png'} and {given.out / 'answers.jsonl'} written")


if __name__ == "__main__":
    main()

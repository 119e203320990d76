"""How often is each source wrong, and by how much more than it says? Writes resources/reliability.toml.

    python benchmarks/reliability.py collect [--kinds real,swung,...] [--count 26] [--seed 1] [--keep DIR]
    python benchmarks/reliability.py fit [--keep DIR] [--only background,...] [--write]

`collect` simulates frames of every kind and on swung detectors, and looks at each from the network's start
and from that of a header that is right or wrong; kind "real" does so with the development frames in
../shared/frames and ../shared/frames2, "beam" shows the direct beam in sight, "nothing" dark and flat frames.
DIR/findings-SEED.jsonl keeps what every source said beside the truth, a line a frame; a second call goes on
where the first ended, and two seeds may be collected side by side. `fit` maximizes the likelihood of what was
said, given the truth, over the coefficients of `xgeom_core.predict.posterior.reliability`, and prints for
each source how often it is wrong, the Brier score of the probabilities beside that of the constant one
(cross-validated, five parts), and a reliability table; --write replaces the bundled file, and with --only
the sources named in it. No network was trained on any of these frames.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

REPO = Path(__file__).resolve().parent.parent
# The other two files stand beside this one, not in a package.
sys.path.insert(0, str(REPO / "benchmarks"))

from reliability_fit import UNKNOWNS, Sample, as_reliability, fit, log_likelihood, with_right_quantiles  # noqa: E402
from reliability_frames import EVERYTHING, collect  # noqa: E402

from xgeom_core.predict.posterior.reliability import Reliability, reliabilities  # noqa: E402

SOURCES = (
    "network",
    "header",
    "background",
    "lattice",
    "direct beam",
    "180-degree symmetry",
    "quadrant symmetry",
    "resolution limit",
    "Friedel pairs",
)
# A header off by more than this share of the side is wrong.
HEADER_WRONG = 0.03


def fit_all(keep: Path, only: Collection[str], write: bool) -> None:
    """Fit every source, print how good that is, write the file."""
    import torch  # noqa: PLC0415 - slow

    torch.set_num_threads(1)
    files = sorted(keep.glob("findings-*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    real = sum(row["key"].startswith("real ") for row in rows)
    print(f"{len(rows)} frames, {real} of them real")
    text = ["# Written by benchmarks/reliability.py; see xgeom_core.predict.posterior.reliability.\n"]
    for source in SOURCES:
        if source not in only and source in reliabilities():
            text.append(_toml(source, reliabilities()[source]))
            continue
        if not any(item["source"] == source for row in rows for item in row["findings"]):
            continue
        if source == "header":
            text.append(_toml(source, of_headers(rows)))
            continue
        sample = Sample(rows, source)
        every = np.arange(len(sample.keys))
        known = as_reliability(sample, with_right_quantiles(sample, fit(sample, every)))
        _report(sample, source)
        _print_coefficients(known)
        text.append(_toml(source, known))
    text.append("[start]\nwrong = [-4.0]\n")
    if write:
        (REPO / "resources" / "reliability.toml").write_text("\n".join(text), encoding="utf-8")


def of_headers(rows: list[dict[str, Any]]) -> Reliability:
    """How often headers are wrong: counted, on real frames alone, since how they fail is not simulated.

    Frames that people publish have better headers than those that people ask about: as if 2 of 8 more had
    been wrong.
    """
    chance = []
    for doubtful in (0.0, 1.0):
        off = [
            min(np.hypot(*np.subtract(place[:2], row["truth"][:2])) for place in item["mean"]) / row["side"]
            for row in rows
            for item in row["findings"]
            if row["key"].startswith("real ")
            and item["source"] == "header"
            and item["features"]["doubtful"] == doubtful
        ]
        wrong = int((np.array(off) > HEADER_WRONG).sum())
        what = "doubtful" if doubtful else "plausible"
        print(f"\nheader, {what}: {wrong} of {len(off)} off by more than {HEADER_WRONG:.0%} of the side")
        print("   off, % of the side:", " ".join(f"{100 * value:.2f}" for value in sorted(off)))
        chance.append((wrong + 2.0) / (len(off) + 8.0))
    first, second = np.log(np.array(chance) / (1.0 - np.array(chance)))
    return Reliability(
        ("doubtful",), (0.0,), (1.0,), (round(first, 3), round(second - first, 3)), (0.0, 0.0),
        tail=0.05, near=0.4, near_share=0.03, near_deg=1.5,
    )  # fmt: skip


def _report(sample: Sample, source: str) -> None:
    """Cross-validated Brier score and reliability."""
    import torch  # noqa: PLC0415 - slow

    names = sorted(set(sample.keys))
    part = {name: number % 5 for number, name in enumerate(np.random.default_rng(0).permutation(names))}
    parts = np.array([part[key] for key in sample.keys])
    chance, wrong = np.zeros(len(parts)), np.zeros(len(parts), dtype=bool)
    count = sample.features.shape[1]
    for number in range(5):
        held = np.flatnonzero(parts == number)
        given = fit(sample, np.flatnonzero(parts != number))
        chance[held] = expit(sample.features[held] @ given[:count])
        with torch.no_grad():
            right, false = log_likelihood(sample, torch.from_numpy(given), held)
        wrong[held] = (false > right).numpy()
    share = wrong.mean()
    brier, constant = np.mean((chance - wrong) ** 2), share * (1.0 - share)
    print(
        f"\n{source}: {len(wrong)} findings, {wrong.sum()} wrong; Brier {brier:.4f} (constant {constant:.4f})"
    )
    edges = np.array([0.0, 0.005, 0.02, 0.05, 0.2, 0.5, 1.0])
    for low, high in pairwise(edges):
        inside = (chance >= low) & (chance < high)
        if inside.any():
            told, true = 100 * chance[inside].mean(), 100 * wrong[inside].mean()
            between = f"  P(wrong) {low:5.3f}-{high:5.3f}: {inside.sum():5d} findings"
            print(f"{between}, said {told:5.1f}%, wrong {true:5.1f}%")
    for kind in sorted({key.split()[0] for key in sample.keys}):
        of_kind = np.array([key.split()[0] == kind for key in sample.keys])
        count, said = wrong[of_kind].sum(), chance[of_kind].sum()
        print(f"    {kind:18s} {count:4d} wrong of {of_kind.sum():4d}, said {said:6.1f}")


def _print_coefficients(known: Reliability) -> None:
    for name, wrong, width in zip(("(constant)", *known.features), known.wrong, known.width, strict=True):
        print(f"    {name:18s} wrong {wrong:7.3f}   width {width:7.3f}")
    print("   ", ", ".join(f"{name} {getattr(known, name):.4g}" for name in UNKNOWNS))


def _toml(source: str, known: Reliability) -> str:
    lines = [f'["{source}"]']
    for name, value in asdict(known).items():
        lines.append(f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Collect or fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("collect", "fit"))
    parser.add_argument("--count", type=int, default=26)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(EVERYTHING))
    parser.add_argument("--keep", type=Path, default=Path("runs/reliability"))
    parser.add_argument("--only", default=",".join(SOURCES))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.what == "collect":
        collect(given.count, given.seed, tuple(given.kinds.split(",")), given.keep)
    else:
        fit_all(given.keep, given.only.split(","), given.write)


if __name__ == "__main__":
    main()

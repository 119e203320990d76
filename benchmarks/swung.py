"""Detectors swung by 15 to 45 degrees about the sample, with headers that state the swing, deny it, or err.

    python benchmarks/swung.py [--kinds standard,realistic,powder] [--count 200] [--seed 77] [--keep FILE]

Every simulated 820-px frame is predicted with four headers: one that states center, distance and swing as
beamlines do (the center to 2 px, the swing to 0.3 degrees); one that states the unswung center and nothing of
the swing; one whose center is 40 px off beside a right swing; and none. Right is "ok" within 1 px and 0.3
degrees, or within four of its own bars; wrong is "ok" and neither. The constant predictor's error is that of
the mean center.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.formats.swing import swung
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.prediction import Prediction
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.experiment import draw_experiment
from xgeom_core.simulate.render import SimulatedFrame, expose

SIDE = 820
HEADERS = ("swing stated", "swing left out", "center 40 px off", "no header")
RIGHT_PX, RIGHT_DEG, SIGMA = 1.0, 0.3, 4.0


def made(kind: str, seed: int, index: int) -> tuple[SimulatedFrame, dict[str, Metadata]]:
    """A frame on a swung detector, and what four headers say of it."""
    rng = np.random.default_rng([seed, index])
    drawing, noise, swing = rng.spawn(3)
    experiment = draw_experiment(load_recipe(kind), (SIDE, SIDE), drawing)
    straight = experiment.geometry
    angle = float(swing.uniform(15.0, 45.0) * swing.choice([-1.0, 1.0]))
    unswung = Metadata(straight.distance_mm, straight.wavelength_A, straight.pixel_mm, straight.center_px)
    true, _ = swung(unswung, angle, 1)
    assert true.center_px is not None and true.distance_mm is not None
    geometry = Geometry(
        true.center_px,
        true.distance_mm,
        straight.pixel_mm,
        straight.wavelength_A,
        straight.pitch_deg,
        angle + straight.yaw_deg,
    )
    frame = expose(experiment.at(geometry), (SIDE, SIDE), noise)
    x, y = np.add(straight.center_px, swing.normal(0.0, 2.0, 2))
    turned = angle + float(swing.normal(0.0, 0.3))
    direction = swing.uniform(0.0, 2.0 * np.pi)
    far = (float(x + 40.0 * np.cos(direction)), float(y + 40.0 * np.sin(direction)))
    plain = Metadata(straight.distance_mm, straight.wavelength_A, straight.pixel_mm)
    with_center = Metadata(
        straight.distance_mm, straight.wavelength_A, straight.pixel_mm, (float(x), float(y))
    )
    off = Metadata(straight.distance_mm, straight.wavelength_A, straight.pixel_mm, far)
    said = (swung(with_center, turned, 1)[0], with_center, swung(off, turned, 1)[0], plain)
    return frame, dict(zip(HEADERS, said, strict=True))


def verdict(found: Prediction, truth: Geometry) -> str:
    """Right, wrong or what the answer calls itself."""
    best = found.best
    if found.status != "ok" or best is None:
        return found.status
    off = np.subtract(best.center_px, truth.center_px)
    near = np.hypot(*off) <= RIGHT_PX or np.all(np.abs(off) <= SIGMA * np.array(best.center_sigma_px))
    if best.tilt_deg is None:
        return "right" if near else "WRONG"
    turned = np.subtract(best.tilt_deg, (truth.pitch_deg, truth.yaw_deg))
    straight = np.abs(turned).max() <= RIGHT_DEG
    straight = straight or bool(np.all(np.abs(turned) <= SIGMA * np.array(best.tilt_sigma_deg)))
    return "right" if near and straight else "WRONG"


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default="standard,realistic,powder")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    if given.keep is not None and given.keep.is_file():
        rows = dict(json.loads(line) for line in given.keep.read_text().splitlines())
    predictor, kinds = Predictor.load(), given.kinds.split(",")
    for index in range(given.count):
        key = f"{kinds[index % len(kinds)]} {given.seed} {index}"
        if key not in rows:
            rows[key] = _row(predictor, *key.split())
            if given.keep is not None:
                with given.keep.open("a") as file:
                    file.write(json.dumps([key, rows[key]]) + "\n")
    _print([(key.split()[0], row) for key, row in rows.items()], kinds)


def _row(predictor: Predictor, kind: str, seed: str, index: str) -> dict[str, Any]:
    frame, headers = made(kind, int(seed), int(index))
    truth = frame.geometry
    row: dict[str, Any] = {"truth": truth.center_px}
    for name, metadata in headers.items():
        data = Frame(frame.counts.astype(np.float32), frame.known, np.zeros_like(frame.known), metadata)
        found = predictor.predict(data)
        off = np.hypot(*np.subtract(found.best.center_px, truth.center_px)) if found.best else np.nan
        row[name] = [verdict(found, truth), round(float(off), 3), found.evidence, found.reason]
    return row


def _print(rows: list[tuple[str, dict[str, Any]]], kinds: list[str]) -> None:
    print(f"{'header':18s} {'kind':12s} {'right':>6s} {'wrong':>6s} {'uncertain':>9s} {'of':>4s}", end="")
    print(f" {'median off, px':>15s} {'constant':>9s}")
    for name in HEADERS:
        for kind in [*kinds, "all"]:
            some = [row for own, row in rows if kind in ("all", own)]
            if not some:
                continue
            count = Counter(row[name][0] for row in some)
            truth = np.array([row["truth"] for row in some])
            constant = float(np.median(np.hypot(*(truth - truth.mean(axis=0)).T)))
            off = float(np.median([row[name][1] for row in some]))
            print(
                f"{name:18s} {kind:12s} {count['right']:6d} {count['WRONG']:6d} "
                f"{len(some) - count['right'] - count['WRONG']:9d} {len(some):4d} {off:15.2f} {constant:9.1f}"
            )


if __name__ == "__main__":
    main()

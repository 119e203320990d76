"""Predict the reference frames and compare with their known truth.

python benchmarks/reference_frames.py [--model NAME|FILE] [--starts] [FOLDER]

FOLDER defaults to $XGEOM_FRAMES or ../shared/frames beside the checkout. Distance, pixel size and
wavelength are given as in the folder's truth files; the header's center is one witness, as for a user.
Errors are distances in native px (center) and the larger of pitch and yaw (degrees).

With --starts: the flat and binary nanoBragg frames (3 to 6), each from four starts 20 px off in place of the
network. Right is within 0.2 px and 0.1 degrees; wrong is "ok" and not right; of an uncertain answer the
probability is told that it gives the lattice's true origin.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.frame import Frame
from xgeom_core.frames import open_frames
from xgeom_core.predict import Predictor
from xgeom_core.predict.prediction import Prediction

_START_PX, _RIGHT_PX, _RIGHT_DEG = 20.0, 0.2, 0.1
REPO = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """One frame and what is known of it."""

    file: str
    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    total_tilt_deg: float | None
    trust_px: float
    distance_mm: float
    pixel_mm: float
    wavelength_A: float


def cases(folder: Path) -> Iterator[Case]:
    """Every frame of the folder's truth files."""
    for number, item in enumerate(json.loads((folder / "nanobragg" / "truth.json").read_text())):
        center = (item["center_x_px"], item["center_y_px"])
        tilt = (item["pitch_deg"], item["yaw_deg"])
        yield _case(item, f"nanobragg/frame_{number:02d}.h5", center, tilt, 0.0)
    for item in json.loads((folder / "truth.json").read_text()):
        tilt = item.get("tilt_deg")
        yield _case(item, item["file"], item["center_px"], tuple(tilt) if tilt else None, item["trust_px"])


def _case(item: dict[str, Any], file: str, center: Any, tilt: Any, trust: float) -> Case:
    distance = item["distance_mm"]
    if "along the detector normal" in item.get("note", ""):
        # Everything here counts along the beam.
        distance /= float(np.cos(np.radians(item["tilt_total_deg"])))
    lengths = (distance, item["pixel_mm"], item["wavelength_A"])
    return Case(file, tuple(center), tilt, item.get("tilt_total_deg"), trust, *lengths)


def read(folder: Path, case: Case) -> Frame:
    """The frame with what its truth file says of distance, pixel size and wavelength."""
    with open_frames(folder / case.file) as source:
        frame = source.frame(0)
    pixel = (case.pixel_mm, case.pixel_mm)
    meta = frame.metadata.overridden(case.distance_mm, pixel, case.wavelength_A)
    return replace(frame, metadata=meta)


def from_starts(predictor: Predictor, folder: Path, case: Case) -> str:
    """One row of the table of starts: what became of each of the four."""
    frame = read(folder, case)
    words = []
    for angle in (45, 135, 225, 315):
        off = _START_PX * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        start = (case.center_px[0] + off[0], case.center_px[1] + off[1])
        answer = predictor.predict(frame, start_px=start)
        if answer.status != "ok" or answer.best is None:
            words.append(f"{answer.status}{_chance(answer, case)}")
            continue
        far = _distance(answer.best.center_px, case.center_px)
        tilt = answer.best.tilt_deg
        turned = max(abs(np.subtract(tilt, case.tilt_deg))) if tilt and case.tilt_deg else np.inf
        right = far <= _RIGHT_PX and turned <= _RIGHT_DEG
        words.append(f"{'right' if right else 'WRONG'} ({far:.2f} px {turned:.2f} deg)")
    return f"{case.file:26s} " + "  ".join(f"{word:24s}" for word in words)


def _chance(answer: Prediction, case: Case) -> str:
    """How likely the lattice's true origin was said to be."""
    origins = () if answer.crystal is None else answer.crystal.origins
    right = [chance for x, y, chance in origins if _distance((x, y), case.center_px) < _RIGHT_PX]
    return f" (true origin {100 * sum(right):.0f}%)" if origins else ""


def run(predictor: Predictor, folder: Path, case: Case) -> str:
    """One row of the table."""
    frame = read(folder, case)
    answer = predictor.predict(frame)
    if answer.best is None or answer.network is None:
        return f"{case.file:40s} {answer.status:9s} {answer.reason}"
    off = _distance(answer.best.center_px, case.center_px)
    sigma = max(answer.best.center_sigma_px or (np.nan,))
    network = _distance(answer.network.center_px, case.center_px)
    header = (
        "-"
        if frame.metadata.center_px is None
        else f"{_distance(frame.metadata.center_px, case.center_px):.1f}"
    )
    row = f"{case.file:40s} {answer.status:9s} {off:8.2f} ± {sigma:6.2f} {case.trust_px:5.1f}"
    return (
        f"{row} {_tilt(answer.best.tilt_deg, case):>14s} {network:8.1f} {header:>7s} {answer.elapsed_s:6.1f}"
    )


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))


def _tilt(found: tuple[float, float] | None, case: Case) -> str:
    if found is None:
        return "-"
    if case.tilt_deg is not None:
        return f"{max(abs(np.subtract(found, case.tilt_deg))):.2f}"
    if case.total_tilt_deg is not None:
        cosine = np.cos(np.radians(found[0])) * np.cos(np.radians(found[1]))
        return f"{abs(np.degrees(np.arccos(cosine)) - case.total_tilt_deg):.2f} (total)"
    return "no truth"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    default = os.environ.get("XGEOM_FRAMES") or REPO.parent / "shared" / "frames"
    parser.add_argument("folder", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--model", default="default")
    parser.add_argument("--starts", action="store_true")
    given = parser.parse_args()
    predictor = Predictor.load(given.model)
    if given.starts:
        for case in list(cases(given.folder))[3:7]:
            print(from_starts(predictor, given.folder, case), flush=True)
        return
    print(f"{'frame':40s} {'status':9s} {'off, px':>8s}   {'sigma':>6s} {'trust':>5s}", end=" ")
    print(f"{'tilt off, deg':>14s} {'network':>8s} {'header':>7s} {'s':>6s}")
    for case in cases(given.folder):
        print(run(predictor, given.folder, case), flush=True)


if __name__ == "__main__":
    main()

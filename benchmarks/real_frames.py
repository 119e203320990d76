"""Predict real frames whose geometry is known, of many kinds; resumable.

python benchmarks/real_frames.py [--model NAME|FILE] [--keep FILE.jsonl] [--only TEXT] [FOLDER ...]

FOLDERs hold a `truth.json` each; the default is ../shared/frames and ../shared/frames2 beside the checkout.
Frames are read as a user's are, header and all; where the truth file gives `args`, distance, pixel size and
wavelength are stated as there. With --keep, frames that stand in the file already are not predicted again.

right      "ok", and within 0.5 px, three joint error bars, or what the truth can be trusted to
loose      "ok", but its bar does not cover the truth, or is wider than a pixel
CRASH      an exception
WRONG      "ok", and off in center or tilt by more than four joint bars and 1 px or 0.3 degrees
uncertain  in brackets, whether its own bar covers the truth three times over
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.frames import open_frames
from xgeom_core.predict import Predictor

REPO = Path(__file__).resolve().parent.parent
_TILT_TRUST_DEG = 0.1


def cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every frame of a folder's truth file."""
    for item in json.loads((folder / "truth.json").read_text()):
        yield f"{folder.name}/{item['file']}", item


def read(folder: Path, item: dict[str, Any]) -> Frame:
    """The frame as a user has it."""
    with open_frames(folder / item["file"]) as source:
        frame = source.frame(0)
    words = item.get("args", [])
    given = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    pixel_mm = given["--pixel-um"] / 1e3 if "--pixel-um" in given else None
    return replace(
        frame,
        metadata=frame.metadata.overridden(
            given.get("--distance-mm"), pixel_mm and (pixel_mm, pixel_mm), given.get("--wavelength-A")
        ),
    )


def row(predictor: Predictor, folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    """What came of one frame."""
    kind = item.get("kind", "")
    try:
        frame = read(folder, item)
        said = predictor.predict(frame)
    except XgeomError as error:
        return {"kind": kind, "verdict": "refused", "reason": str(error)}
    except Exception as error:  # what must not be, but must not end the table either
        return {"kind": kind, "verdict": "CRASH", "reason": repr(error)}
    found: dict[str, Any] = {"kind": kind, "status": said.status, "reason": said.reason}
    found |= {"evidence": said.evidence, "seconds": round(said.elapsed_s, 2)}
    truth = item.get("center_px")
    if truth is None or said.best is None:
        return found | {"verdict": "no truth" if truth is None else said.status}
    sigma = max(said.best.center_sigma_px or (np.nan,))
    off = float(np.hypot(*np.subtract(said.best.center_px, truth)))
    found |= {"off_px": round(off, 3), "sigma_px": round(sigma, 3)}
    turned = _turned(said.best.tilt_deg, item)
    if turned is not None:
        found["tilt_off_deg"] = round(turned, 3)
    tilt_sigma = max(said.best.tilt_sigma_deg or (0.0,))
    return found | {"verdict": _verdict(said.status, off, sigma, turned, tilt_sigma, item)}


def _turned(tilt: tuple[float, float] | None, item: dict[str, Any]) -> float | None:
    """How far a tilt is off, in degrees; None where it is not told or not known."""
    if tilt is None:
        return None
    if item.get("tilt_deg") is not None:
        return float(max(abs(np.subtract(tilt, item["tilt_deg"]))))
    if item.get("tilt_total_deg") is not None:
        cosine = np.cos(np.radians(tilt[0])) * np.cos(np.radians(tilt[1]))
        return float(abs(np.degrees(np.arccos(cosine)) - item["tilt_total_deg"]))
    return None


def _verdict(
    status: str, off: float, sigma: float, turned: float | None, tilt_sigma: float, item: dict[str, Any]
) -> str:
    trust = float(item["trust_px"])
    joint, tilt_joint = float(np.hypot(sigma, trust)), float(np.hypot(tilt_sigma, _TILT_TRUST_DEG))
    if status != "ok":
        return f"{status} ({'covered' if off <= 3.0 * joint else 'NOT COVERED'})"
    if off > max(4.0 * joint, 1.0) or (turned is not None and turned > max(4.0 * tilt_joint, 0.3)):
        return "WRONG"
    return "right" if off <= max(0.5, 3.0 * joint) and sigma < 1.0 else "loose"


def _print(name: str, found: dict[str, Any]) -> None:
    off = f"{found['off_px']:9.2f} ± {found['sigma_px']:<7.2f}" if "off_px" in found else " " * 19
    turned = f"{found['tilt_off_deg']:6.2f}" if "tilt_off_deg" in found else "     -"
    words = f"{found['verdict']:24s} {off} {turned}  {found.get('evidence', ''):20s}"
    print(f"{name[-44:]:44s} {words} {found.get('reason', '')[:70]}", flush=True)


def main() -> None:
    """Print the table and the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    shared = REPO.parent / "shared"
    parser.add_argument("folder", nargs="*", type=Path, default=[shared / "frames", shared / "frames2"])
    parser.add_argument("--model", default="default")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    kept: dict[str, dict[str, Any]] = {}
    if given.keep is not None and given.keep.is_file():
        kept = dict(json.loads(line) for line in given.keep.read_text().splitlines())
    predictor = Predictor.load(given.model)
    count: Counter[str] = Counter()
    print(f"{'frame':44s} {'verdict':24s} {'off, px':>9s}   bar       tilt")
    for folder in given.folder:
        for name, item in cases(folder):
            if given.only not in name:
                continue
            if name not in kept:
                kept[name] = row(predictor, folder, item)
                if given.keep is not None:
                    with given.keep.open("a") as file:
                        file.write(json.dumps([name, kept[name]]) + "\n")
            _print(name, kept[name])
            count[kept[name]["verdict"]] += 1
    print(", ".join(f"{number} {verdict}" for verdict, number in count.most_common()))


if __name__ == "__main__":
    main()

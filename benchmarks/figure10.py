"""The poster's figure 10: trained on standard frames (A) or on widely varied ones (B), and real frames (C).

    python benchmarks/figure10.py [--size small] [--run-dir DIR] [--standard RUN] [--varied RUN] [FOLDER]

Trains the recipes figure9-SIZE (A) and figure10-SIZE (B), or goes on with or takes over the runs in DIR
(or RUN), prints both models' errors on fresh frames beside the constant predictor's and on the real frames
of FOLDER beside those of the middle of the frame, and draws DIR/figure10-losses.png and
DIR/figure10-marks.png (red X known, orange A, blue B).

FOLDER defaults to $XGEOM_FRAMES or ../shared/frames beside the checkout; without one there is no part C.
The real frames are for looking at: nothing is chosen by them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path

import numpy as np
from figure9 import scored

from xgeom_core.evaluate import figures
from xgeom_core.evaluate.run import thumbnail
from xgeom_core.frames import open_frames
from xgeom_core.models.settings import REFERENCE_PX
from xgeom_core.models.store import load_model
from xgeom_core.predict.network import network_estimate
from xgeom_core.resources import resource
from xgeom_core.training.config import load_config
from xgeom_core.training.events import EventLog, Finished, Validation, read_events
from xgeom_core.training.folder import LOSSES, MODEL
from xgeom_core.training.loop import train

REPO = Path(__file__).resolve().parent.parent
KINDS = ["standard", "varied", "long", "flat"]
# So many steps' losses are averaged for one point of a curve.
_SMOOTH = 10


def trained(recipe: str, run_dir: Path) -> Path:
    """The model of a recipe; trains it, unless the folder holds a run that came to its end."""
    path = run_dir / "events.jsonl"
    ended = path.exists() and any(isinstance(event, Finished) for event in read_events(path))
    if not ended:
        run_dir.mkdir(parents=True, exist_ok=True)
        log = EventLog(path)
        try:
            train(
                load_config(resource(f"recipes/{recipe}.toml")),
                run_dir,
                log,
                f"benchmarks/figure10.py {recipe}",
            )
        finally:
            log.close()
    return run_dir / MODEL


def curves(run_dir: Path) -> dict[str, list[tuple[int, float]]]:
    """Losses of a run: of training, averaged over a few steps, and of every validation set."""
    with (run_dir / LOSSES).open(newline="", encoding="utf-8") as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream)]
    found = {
        "training": [
            (start + _SMOOTH, float(np.mean(losses[start : start + _SMOOTH])))
            for start in range(0, len(losses) - _SMOOTH + 1, _SMOOTH)
        ]
    }
    for event in read_events(run_dir / "events.jsonl"):
        if isinstance(event, Validation):
            found.setdefault(Path(event.data).stem, []).append((event.step, event.loss))
    return found


def real_frames(folder: Path, models: dict[str, Path], drawing: Path) -> list[dict[str, object]]:
    """Errors on every real frame, in px of an 820-px frame, and a picture with marks."""
    opened = {name: load_model(str(path)) for name, path in models.items()}
    records: list[dict[str, object]] = []
    images, marks, titles = [], [], []
    for item in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
        with open_frames(folder / item["file"]) as source:
            frame = source.frame(0)
        side, known = max(frame.shape), np.array(item["center_px"])
        middle = np.array([frame.shape[1] / 2, frame.shape[0] / 2])
        image = thumbnail(frame)
        scale = max(image.shape) / side
        places: dict[str, tuple[float, ...]] = {"known": tuple(known * scale)}
        record: dict[str, object] = {"frame": item["file"]}
        for name, model in opened.items():
            said = np.array(network_estimate(model, frame).center_px)
            record[name] = round(float(np.hypot(*(said - known))) * REFERENCE_PX / side, 1)
            if name != "default":
                places[name] = tuple(said * scale)
        record["middle of the frame"] = round(float(np.hypot(*(middle - known))) * REFERENCE_PX / side, 1)
        records.append(record)
        images.append(image)
        marks.append(places)
        titles.append(Path(item["file"]).name)
    drawn = figures.frames_with_marks(images, marks, titles)
    drawn.savefig(drawing, dpi=90)
    figures.close(drawn)
    return records


def simulated(models: dict[str, Path], frames: int) -> None:
    """Print scores on fresh frames of every kind."""
    for name, path in models.items():
        for kind, (result, _, _) in scored(str(path), KINDS, frames).items():
            record = {
                "model": name,
                "kind": kind,
                "frames": result.frames,
                "center_median_px820": round(result.center_median, 2),
                "constant_px820": round(result.center_constant, 2),
                "pearson_x": round(result.pearson["x"], 3),
                "pearson_y": round(result.pearson["y"], 3),
            }
            print(json.dumps(record), flush=True)


def main() -> None:
    """Train, score, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    default = os.environ.get("XGEOM_FRAMES") or REPO.parent / "shared" / "frames"
    parser.add_argument("folder", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/figure10"))
    parser.add_argument("--beside", default="default", help="another model, shown on the real frames")
    parser.add_argument("--standard", type=Path, help="run folder of A; DIR/standard unless given")
    parser.add_argument("--varied", type=Path, help="run folder of B; DIR/varied unless given")
    parser.add_argument("--frames", type=int, default=200)
    options = parser.parse_args()
    options.run_dir.mkdir(parents=True, exist_ok=True)
    runs = {
        "A: standard": options.standard or options.run_dir / "standard",
        "B: varied": options.varied or options.run_dir / "varied",
    }
    recipes = dict(zip(runs, (f"figure9-{options.size}", f"figure10-{options.size}"), strict=True))
    models = {name: trained(recipes[name], run) for name, run in runs.items()}
    drawn = figures.loss_curves(
        {name: curves(run) for name, run in runs.items()}, "loss (L1, 5% of the side)"
    )
    drawn.savefig(options.run_dir / "figure10-losses.png", dpi=100)
    figures.close(drawn)
    simulated(models, options.frames)
    if not (options.folder / "truth.json").exists():
        print(f"No real frames: {options.folder} holds no truth.json; set XGEOM_FRAMES to show part C.")
        return
    shown = {**models, "default": Path(options.beside)}
    records = real_frames(options.folder, shown, options.run_dir / "figure10-marks.png")
    for record in records:
        print(json.dumps(record))
    columns = [name for name in records[0] if name != "frame"]
    medians = {name: round(float(np.median([row[name] for row in records])), 1) for name in columns}  # type: ignore[misc]
    print(json.dumps({"frame": f"median of {len(records)}", **medians}))


if __name__ == "__main__":
    main()

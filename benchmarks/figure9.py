"""The poster's figure 9: a model that learned from standard frames is blind on flat ones.

    python benchmarks/figure9.py [--recipe figure9-small] [--spots faint] [--run-dir DIR] [--beside default]

Trains the recipe (or goes on with, or takes over, the run in DIR), scores it on fresh standard and flat
frames, and prints Pearson correlations and errors beside the constant predictor's and beside another
model's. Draws DIR/figure9-*.png: actual against predicted, as in the poster. --spots faint and --spots plain
need a folder each.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from xgeom_core.evaluate import figures
from xgeom_core.evaluate.metrics import Scores, score
from xgeom_core.models.settings import REFERENCE_PX, TILT_UNIT_DEG
from xgeom_core.models.torch_model import load_torch_model
from xgeom_core.resources import resource
from xgeom_core.training.config import TrainingConfig, ValidationConfig, load_config
from xgeom_core.training.events import EventLog
from xgeom_core.training.folder import MODEL
from xgeom_core.training.loop import train
from xgeom_core.training.validation import validate, validation_sets

# Whether the background drowns the spots decides what a network learns from. "faint" is the poster's
# case (kinds beside this file); with the spots of the bundled kinds the network learns from both.
# The first kind is learned from. Flat frames with bright spots tell a network that does not look at spots
# from one that looks and finds none.
KINDS = {
    "faint": [
        str(Path(__file__).parent / "figure9_kinds" / f"{name}.toml")
        for name in ("standard", "flat", "flat-bright")
    ],
    "plain": ["standard", "flat"],
}
# Of neither the training nor the validation frames of any recipe.
SEED = 31337


def scored(model: str, kinds: list[str], frames: int) -> dict[str, tuple[Scores, np.ndarray, np.ndarray]]:
    """Scores, truths and predictions (n, 4) of a model on each kind, px of 820 and degrees."""
    opened = load_torch_model(model)
    plan = ValidationConfig(kinds=kinds, frames=frames, seed=SEED)
    scale = np.array([REFERENCE_PX, REFERENCE_PX, TILT_UNIT_DEG, TILT_UNIT_DEG])
    answers = {}
    # The loss is of no interest here, and any will do for a model without uncertainty.
    how = TrainingConfig(loss="l1")
    for held in validation_sets(plan, opened.card.network):
        result = validate(opened.network, held, torch.device("cpu"), how)
        truth = held.frames.labels.double().numpy() * scale
        said = result.outputs[:, :4].double().numpy() * scale
        answers[Path(held.name).stem] = (
            score(said[:, :2], truth[:, :2], said[:, 2:], truth[:, 2:]),
            truth,
            said,
        )
    return answers


def main() -> None:
    """Train, score, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="figure9-small")
    parser.add_argument("--spots", choices=tuple(KINDS), default="faint")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/figure9"))
    parser.add_argument("--beside", default="default", help="another model, or 'none'")
    parser.add_argument("--frames", type=int, default=200)
    options = parser.parse_args()
    options.run_dir.mkdir(parents=True, exist_ok=True)
    config = load_config(resource(f"recipes/{options.recipe}.toml"))
    kinds = KINDS[options.spots]
    config = config.model_copy(
        update={
            "data": config.data.model_copy(update={"kinds": {kinds[0]: 1.0}}),
            "validation": config.validation.model_copy(update={"kinds": kinds[:2]}),
        }
    )
    log = EventLog(options.run_dir / "events.jsonl")
    try:
        train(config, options.run_dir, log, f"benchmarks/figure9.py --recipe {options.recipe}")
    finally:
        log.close()
    models = {"trained on standard frames": str(options.run_dir / MODEL)}
    if options.beside != "none":
        models[options.beside] = options.beside
    for name, path in models.items():
        for kind, (result, truth, said) in scored(path, kinds, options.frames).items():
            record = {
                "model": name,
                "kind": kind,
                "spots": options.spots,
                "frames": result.frames,
                "pearson_x": round(result.pearson["x"], 3),
                "pearson_y": round(result.pearson["y"], 3),
                "center_median_px820": round(result.center_median, 2),
                "constant_px820": round(result.center_constant, 2),
            }
            print(json.dumps(record))
            drawn = figures.predicted_against_actual(truth[:, :2], said[:, :2], f"{name}: {kind} frames")
            short = Path(path).stem if name == options.beside else "standard-only"
            drawn.savefig(options.run_dir / f"figure9-{short}-{kind}.png", dpi=110)
            figures.close(drawn)


if __name__ == "__main__":
    main()

"""The poster's figure 11: tilts from plain networks by depth and learning rate, and from the polar one.

    python benchmarks/figure11.py [--size small] [--run-dir DIR] [--trials 9] [--jobs 1] [--beside default]

Sweeps the recipe figure11-SIZE over resources/sweeps/figure11.toml (a stopped sweep goes on), then prints the
errors of every variant's tilts on fresh frames beside those of the constant predictor, which says the mean
tilt every time, and those of another model. Draws DIR/figure11-losses.png. The small size learns from 1000
frames that are simulated once and shown again and again; the full size never shows a frame twice as often
as its recipe says.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from figure9 import scored
from figure10 import curves

from xgeom_core.evaluate import figures
from xgeom_core.resources import resource
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import write_training_file
from xgeom_core.training.config import load_config
from xgeom_core.training.folder import MODEL
from xgeom_core.training.search_space import load_space
from xgeom_core.training.sweep import Trial, sweep

FRAMES, SEED = 1000, 11


def base_recipe(size: str, run_dir: Path) -> Path:
    """The recipe in the run folder; frames that it reads are simulated first, if they are not there yet."""
    config = load_config(resource(f"recipes/figure11-{size}.toml"))
    if config.data.files:
        frames = run_dir / "figure11-frames.h5"
        if not frames.exists():
            side = config.model.canvas_px
            write_training_file(frames, load_recipe("standard"), (side, side), FRAMES, SEED)
        config = config.model_copy(update={"data": config.data.model_copy(update={"files": [frames]})})
    path = run_dir / "recipe.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    return path


def tilts(model: str, frames: int) -> dict[str, Any]:
    """Errors on fresh standard frames: mean over frames and both axes (the poster's unit), and Pearson."""
    result, truth, said = scored(model, ["standard"], frames)["standard"]
    off = np.abs(said[:, 2:] - truth[:, 2:])
    constant = np.abs(truth[:, 2:] - truth[:, 2:].mean(axis=0))
    return {
        "mean_deg": round(float(off.mean()), 3),
        "constant_mean_deg": round(float(constant.mean()), 3),
        "larger_median_deg": round(result.tilt_median, 3),
        "constant_larger_median_deg": round(result.tilt_constant, 3),
        "pearson_pitch": round(result.pearson["pitch"], 3),
        "pearson_yaw": round(result.pearson["yaw"], 3),
    }


def name_of(trial: Trial) -> str:
    """Depth and rate."""
    return f"{trial.values['model.architecture']}, rate {trial.values['training.learning_rate']:.1e}"


def draw(path: Path, ranked: list[Trial], run_dir: Path) -> None:
    """Losses of the variants: training dashed, validation solid, one panel a depth."""
    depths = sorted({str(trial.values["model.architecture"]) for trial in ranked})
    drawn = figures.figure(3.8 * len(depths), 3.4)
    for column, depth in enumerate(depths):
        axes = drawn.add_subplot(1, len(depths), column + 1, sharey=drawn.axes[0] if column else None)
        for number, trial in enumerate(t for t in ranked if t.values["model.architecture"] == depth):
            color = f"C{number % 10}"
            for name, points in curves(run_dir / f"trial-{trial.number:04d}").items():
                # The first losses are those of an unlearned network and would flatten the rest.
                shown = [(step, loss) for step, loss in points if step > points[0][0]]
                steps, losses = zip(*shown or points, strict=True)
                rate = f"{trial.values['training.learning_rate']:.1e}"
                style, label = ("--", None) if name == "training" else ("-", rate)
                axes.plot(steps, losses, style, color=color, alpha=0.8, label=label)
        axes.set_title(depth, fontsize=9)
        axes.set_xlabel("step")
        if column == 0:
            # The loss counts the center as well, at which this network says 0 whatever happens.
            axes.set_ylabel("loss, L1 (a constant + error / 3 degrees)")
        axes.legend(title="learning rate", fontsize=7, title_fontsize=7)
    drawn.savefig(path, dpi=80)
    figures.close(drawn)


def main() -> None:
    """Sweep, score, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/figure11"))
    parser.add_argument("--trials", type=int, default=9)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--beside", default="default", help="another model, or 'none'")
    parser.add_argument("--frames", type=int, default=200)
    options = parser.parse_args()
    options.run_dir.mkdir(parents=True, exist_ok=True)
    space = load_space(resource("sweeps/figure11.toml"))
    recipe = base_recipe(options.size, options.run_dir.resolve())
    ranked = sweep(recipe, space, options.run_dir, options.trials, options.jobs)
    there = [trial for trial in ranked if np.isfinite(trial.score)]
    for trial in there:
        model = options.run_dir / f"trial-{trial.number:04d}" / MODEL
        record = {"model": name_of(trial), "score": round(trial.score, 3)}
        print(json.dumps(record | tilts(str(model), options.frames)), flush=True)
    if options.beside != "none":
        print(json.dumps({"model": options.beside} | tilts(options.beside, options.frames)))
    if there:
        draw(options.run_dir / "figure11-losses.png", there, options.run_dir)


if __name__ == "__main__":
    main()

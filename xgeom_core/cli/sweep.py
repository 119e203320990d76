"""``xgeom sweep``: train many variants of a configuration and rank them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.terminal import tell
from xgeom_core.models.torch_needed import need_torch

if TYPE_CHECKING:
    from xgeom_core.training.sweep import Trial


def sweep(
    config: Annotated[
        Path, typer.Argument(help="Training configuration that is varied.", metavar="CONFIG.toml")
    ],
    space: Annotated[Path, typer.Option("--space", help="What to vary (TOML).", metavar="SPACE.toml")],
    folder: Annotated[Path, typer.Option("--dir", help="Folder of the sweep; a stopped one goes on.")],
    trials: Annotated[int, typer.Option("--trials", min=1, help="Variants in all.")] = 20,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Variants at a time.")] = 1,
) -> None:
    """Train many variants of a configuration, proposed by Optuna, and rank them.

    SPACE.toml names keys and their range or choices, such as

    [vary]
    "training.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
    "model.activations" = { choices = [200, 300, 400] }

    The folder gets one run folder per variant, ranking.csv and ranking.png. The score is the error over
    that of the constant predictor, averaged over the validation sets: 1 means nothing learned. Where only
    choices are given, each combination is trained once.
    """
    need_torch("Training")
    from xgeom_core.training.search_space import load_space  # noqa: PLC0415 - pydantic takes time
    from xgeom_core.training.sweep import PLOT, TABLE  # noqa: PLC0415
    from xgeom_core.training.sweep import sweep as run  # noqa: PLC0415

    ranked = run(config, load_space(space), folder, trials, jobs, lambda trial: tell(_line(trial)))
    tell("ranking:", *(f"  {_line(trial)}" for trial in ranked[:10]), folder / TABLE, folder / PLOT)


def _line(trial: Trial) -> str:
    values = "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in trial.values.items()
    )
    how = f"failed: {trial.reason}" if math.isnan(trial.score) else f"score {trial.score:.4f}"
    return f"trial {trial.number}  {how}  {values}"

"""``xgeom simulate``: frames with a known center and tilt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xgeom_core.cli.common import progress
from xgeom_core.errors import UsageError


def simulate(
    kind: Annotated[
        str, typer.Option("--kind", help="standard, varied, flat, binary, long, or a recipe.toml.")
    ],
    count: Annotated[int, typer.Option("--count", min=1, help="Number of frames.")],
    out: Annotated[Path, typer.Option("--out", help="HDF5 file to write.", metavar="FILE.h5")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same frames.")] = 0,
    size: Annotated[
        str, typer.Option("--size", help="Pixels of each frame: 820, or FASTxSLOW such as 2463x2527.")
    ] = "820",
) -> None:
    """Simulate diffraction frames into an HDF5 file in the training layout."""
    shape = _shape(size)
    from xgeom_core.simulate.recipe import load_recipe  # noqa: PLC0415 - scipy takes time
    from xgeom_core.simulate.writer import write_training_file  # noqa: PLC0415

    recipe = load_recipe(kind)
    with progress(f"{recipe.name} frames", count) as tell:
        write_training_file(out, recipe, shape, count, seed, tell)
    typer.echo(f"{count} {recipe.name} frames of {shape[1]} x {shape[0]} px (seed {seed}): {out}")


def _shape(text: str) -> tuple[int, int]:
    """``(slow, fast)`` from ``"820"`` or ``"2463x2527"`` (fast x slow)."""
    parts = text.lower().split("x")
    if len(parts) <= 2 and all(part.isdecimal() and 16 <= int(part) <= 20000 for part in parts):
        return int(parts[-1]), int(parts[0])
    raise UsageError(f"--size takes pixels such as 820 or 2463x2527 (16 to 20000), not {text!r}.")

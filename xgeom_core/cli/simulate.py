"""``xgeom simulate``: frames with a known center and tilt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.frame_progress import frame_progress
from xgeom_core.cli.terminal import pass_on, say, tell
from xgeom_core.errors import UsageError

if TYPE_CHECKING:
    from xgeom_core.simulate.shards import FrameSet, Shard

_KINDS = "standard, varied, flat, binary, long, background-only, realistic, powder"
# Below so many pixels in all, starting processes takes longer than they save.
_WORTH_PROCESSES = 20_000_000
# Seconds between two lines of progress, and of those in a job's log, which the list of jobs shows.
_QUIET_S, _JOB_S = 30.0, 2.0


def simulate(
    kind: Annotated[
        str | None, typer.Option("--kind", help=f"{_KINDS}, or a recipe.toml.", metavar="KIND")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Number of frames in the whole set.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="HDF5 file to write.", metavar="FILE.h5")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same frames.")] = 0,
    size: Annotated[
        str,
        typer.Option("--size", help="Pixels of each frame: 820, or FASTxSLOW such as 2463x2527."),
    ] = "820",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes; one per core unless stated.", show_default=False),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option("--shard-size", min=1, help="Frames per file: FILE_00000.h5, FILE_00001.h5, ..."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="Only part K of N, for job arrays (1/N to N/N).", metavar="K/N"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that hold something else.")
    ] = False,
    gallery: Annotated[
        Path | None,
        typer.Option("--gallery", help="Draw the kinds side by side instead.", metavar="FILE.png"),
    ] = None,
    list_kinds: Annotated[bool, typer.Option("--list", help="List the kinds instead.")] = False,
    print_recipe: Annotated[
        str | None,
        typer.Option("--print-recipe", help="Print a kind as TOML, to copy and change.", metavar="KIND"),
    ] = None,
) -> None:
    """Simulate diffraction frames into HDF5 files in the training layout.

    Interrupted? The same command goes on where it stopped, and the files are the same.
    """
    if list_kinds:
        _list()
    elif print_recipe is not None:
        _print_recipe(print_recipe)
    elif gallery is not None:
        _gallery(gallery, kind, seed)
    elif kind is None or count is None or out is None:
        raise UsageError("simulate needs --kind, --count and --out; --list shows the kinds.")
    else:
        shape, part = parse_size(size), parse_part(shard)
        _write(kind, shape, seed, count, out, shard_size, part, workers, overwrite)


def _write(
    kind: str,
    shape: tuple[int, int],
    seed: int,
    count: int,
    out: Path,
    shard_size: int | None,
    part: tuple[int, int] | None,
    workers: int | None,
    overwrite: bool,
) -> None:
    from xgeom_core.jobs.process_tree import MARK  # noqa: PLC0415 - psutil takes time
    from xgeom_core.simulate.recipe import load_recipe  # noqa: PLC0415 - scipy takes time
    from xgeom_core.simulate.shards import FrameSet, plan_shards, write_shards  # noqa: PLC0415

    frames = FrameSet(load_recipe(kind), shape, seed)
    shards = plan_shards(out, count, shard_size, part)
    total = sum(each.count for each in shards)
    if workers is None:
        workers = _cores() if total * shape[0] * shape[1] > _WORTH_PROCESSES else 1
    try:
        every_s = _JOB_S if MARK in os.environ else _QUIET_S
        with frame_progress(f"{frames.recipe.name} frames", total, every_s) as show:
            write_shards(frames, shards, workers=workers, overwrite=overwrite, tell=show)
    except (KeyboardInterrupt, SystemExit):
        say("Stopped. The frames so far are kept; the same command goes on with the next one.")
        raise
    tell(_summary(frames, shards))


def _summary(frames: FrameSet, shards: list[Shard]) -> str:
    total, (slow, fast) = sum(shard.count for shard in shards), frames.shape
    where = str(shards[0].path)
    if len(shards) > 1:
        where = f"{len(shards)} files, {shards[0].path} to {shards[-1].path.name}"
    return f"{total} {frames.recipe.name} frames of {fast} x {slow} px (seed {frames.seed}): {where}"


def _list() -> None:
    from xgeom_core.simulate.recipe import KINDS, load_recipe  # noqa: PLC0415 - scipy takes time

    width = max(map(len, KINDS))
    for kind in KINDS:
        tell(f"{kind:{width}s}  {load_recipe(kind).description}")


def _print_recipe(kind: str) -> None:
    from xgeom_core.simulate.recipe import load_recipe  # noqa: PLC0415 - scipy takes time
    from xgeom_core.simulate.recipe_text import recipe_toml  # noqa: PLC0415

    pass_on(recipe_toml(load_recipe(kind)))


def _gallery(path: Path, kind: str | None, seed: int) -> None:
    from xgeom_core.simulate.gallery import reference_frames, write_gallery  # noqa: PLC0415 - matplotlib
    from xgeom_core.simulate.recipe import KINDS  # noqa: PLC0415

    kinds = [kind] if kind else list(KINDS)
    with frame_progress("gallery", len(kinds)) as show:
        write_gallery(path, kinds, seed, real=reference_frames(), tell=show)
    tell(f"{', '.join(kinds)} (seed {seed}): {path}")


def parse_size(text: str) -> tuple[int, int]:
    """``(slow, fast)`` from ``"820"`` or ``"2463x2527"`` (fast x slow).

    Raises
    ------
    UsageError
        If the text is neither, or a side is below 16 or above 20000 px.
    """
    parts = text.lower().split("x")
    if len(parts) <= 2 and all(part.isdecimal() and 16 <= int(part) <= 20000 for part in parts):
        return int(parts[-1]), int(parts[0])
    raise UsageError(f"--size takes pixels such as 820 or 2463x2527 (16 to 20000), not {text!r}.")


def parse_part(text: str | None) -> tuple[int, int] | None:
    """``(k, n)`` from ``"k/n"``.

    Raises
    ------
    UsageError
        If the text is no such part.
    """
    if text is None:
        return None
    parts = text.split("/")
    if len(parts) == 2 and all(part.isdecimal() for part in parts) and 1 <= int(parts[0]) <= int(parts[1]):
        return int(parts[0]), int(parts[1])
    raise UsageError(f"--shard takes a part such as 2/8 (1/8 to 8/8), not {text!r}.")


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

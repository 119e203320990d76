"""Which frames go into which files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xgeom_core.errors import UsageError
from xgeom_core.simulate.recipe import Recipe
from xgeom_core.version import __version__


@dataclass(frozen=True)
class FrameSet:
    """What is simulated: together with its number this decides every bit of a frame.

    Parameters
    ----------
    recipe : Recipe
        What the frames may look like.
    shape : tuple of int
        ``(slow, fast)`` in pixels.
    seed : int
        0 or more.
    """

    recipe: Recipe
    shape: tuple[int, int]
    seed: int

    def identity(self) -> dict[str, Any]:
        """What two files must share for their frames to belong together; plain values."""
        return {
            "xgeom version": __version__,
            "recipe": self.recipe.model_dump_json(),
            "seed": self.seed,
            "size": f"{self.shape[1]} x {self.shape[0]} px",
        }


@dataclass(frozen=True)
class Shard:
    """One file and the numbers of its frames.

    Parameters
    ----------
    path : Path
        The HDF5 file.
    first, count : int
        Number of its first frame in the whole set, and how many follow each other.
    """

    path: Path
    first: int
    count: int

    @property
    def journal(self) -> Path:
        """File beside it that holds its frames until all are there."""
        return self.path.with_name(self.path.name + ".journal")


def plan_shards(
    out: Path, count: int, size: int | None = None, part: tuple[int, int] | None = None
) -> list[Shard]:
    """Files for frames 0 to ``count - 1``.

    Parameters
    ----------
    out : Path
        The file; with several, ``_00000``, ``_00001``, ... goes before its suffix.
    count : int
        Frames in the whole set.
    size : int, optional
        Frames per file; the last one may have fewer. Without it, one file for all (or for each part).
    part : tuple of int, optional
        ``(k, n)``: only the files of the k-th of n parts, k from 1 to n. Parts differ by at most one
        file (one frame, without `size`), and all of them together are the whole set.

    Raises
    ------
    UsageError
        If there is no such part, or nothing in it.
    """
    k, n = part or (1, 1)
    if not 1 <= k <= n:
        raise UsageError(f"--shard {k}/{n}: the parts are 1/{n} to {n}/{n}.")
    if size is None:
        bounds = [count * i // n for i in range(n + 1)]
    else:
        bounds = [*range(0, count, size), count]
    files = len(bounds) - 1
    if files == 1 and size is None:
        return [Shard(out, 0, count)]
    chosen = range(files * (k - 1) // n, files * k // n)
    if not chosen or bounds[chosen[0]] == bounds[chosen[-1] + 1]:
        raise UsageError(
            f"--shard {k}/{n}: {count} frames in {files} files leave nothing for this part; take fewer parts."
        )
    return [Shard(_numbered(out, i), bounds[i], bounds[i + 1] - bounds[i]) for i in chosen]


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}_{number:05d}{path.suffix}")

"""The kinds side by side with an X at the known center, and real frames next to them."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import FrameFileError, UsageError, XgeomError
from xgeom_core.frame import Frame, pool
from xgeom_core.frames.opening import open_in_process
from xgeom_core.simulate.recipe import Recipe, load_recipe
from xgeom_core.simulate.stream import simulate_frame
from xgeom_core.system.safe_files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_EACH = 3  # frames of a kind
_ACROSS = 6  # pictures side by side
_SIDE_PX = 820  # of simulated frames
_SHOWN_PX = 430  # at most, of every picture
# Inches: a picture, the space between pictures, and more of it between kinds.
_PICTURE, _BETWEEN, _APART = 2.05, 0.06, 0.22
# Inches: the band of a title, that of the heading, the margin.
_TITLE, _HEADING, _MARGIN = 0.52, 0.5, 0.3
_INK, _FAINT, _GAP, _RED = "#22262b", "#737a82", "#dfe5ec", "#e5141b"


@dataclass(frozen=True, eq=False)
class Picture:
    """What is shown of a frame.

    Parameters
    ----------
    image : ndarray of float32, shape (slow, fast)
        Square root of the mean counts of each block of pixels; NaN in gaps.
    center : tuple of float, or None
        Known center in the pixels of `image`, from the outer corner of the first.
    """

    image: NDArray[np.float32]
    center: tuple[float, float] | None


@dataclass(frozen=True)
class Group:
    """Pictures under one title."""

    title: str
    text: str
    pictures: tuple[Picture, ...]


def write_gallery(
    path: Path,
    kinds: Sequence[str],
    seed: int,
    real: Path | None = None,
    tell: Callable[[int], None] = lambda done: None,
    *,
    side: int = _SIDE_PX,
) -> None:
    """Draw simulated frames of several kinds, and real frames below them.

    Parameters
    ----------
    path : Path
        PNG file to write (or PDF, SVG).
    kinds : sequence of str
        Names of kinds, or TOML files.
    seed : int
        Frames 0, 1 and 2 of this seed are shown.
    real : Path, optional
        Folder with real frames and ``truth.json``, as `reference_frames` finds it.
    tell : callable
        Called with the number of kinds that are done.
    side : int
        Pixels of the simulated frames.

    Raises
    ------
    RecipeError
        If there is no such kind.
    FrameFileError
        If the picture cannot be written.
    UsageError
        If the file's suffix is not that of a picture.
    """
    if path.suffix.lower() not in {".png", ".pdf", ".svg"}:
        raise UsageError(f"--gallery draws .png, .pdf or .svg files, not {path.name}.")
    recipes = [load_recipe(kind) for kind in kinds]
    groups = []
    for done, recipe in enumerate(recipes):
        tell(done)
        groups.append(_simulated(recipe, seed, side))
    measured = real_pictures(real) if real is not None else []
    figure = _figure(groups, measured)
    try:
        with replacing(path, path.suffix) as partial:
            figure.savefig(partial, dpi=150)
    except OSError as error:
        raise FrameFileError(f"{path} cannot be written: {error.strerror}.") from None
    tell(len(recipes))


def reference_frames() -> Path | None:
    """Folder of real frames with known truth: ``$XGEOM_FRAMES``, or ``shared/frames`` beside the checkout."""
    default = Path(__file__).resolve().parents[3] / "shared" / "frames"
    folder = Path(os.environ.get("XGEOM_FRAMES") or default)
    return folder if (folder / "truth.json").is_file() else None


def real_pictures(folder: Path) -> list[Group]:
    """One picture with its title for each real frame of the folder that can be read."""
    groups = []
    for entry in json.loads((folder / "truth.json").read_text()):
        try:
            with open_in_process(folder / entry["file"]) as source:
                frame = source.frame(0)
        except XgeomError:
            continue  # the gallery is about the simulated ones
        text = ", ".join(_facts(entry))
        name = Path(entry["file"]).parent.name.replace("_", " ")
        groups.append(Group(name, text, (_picture(frame, tuple(entry["center_px"])),)))
    return groups


def _facts(entry: dict[str, Any]) -> list[str]:
    facts = []
    if entry.get("distance_mm"):
        facts.append(f"{entry['distance_mm']:.0f} mm")
    if entry.get("wavelength_A"):
        facts.append(f"{entry['wavelength_A']:.2f} Å")
    return facts


def _simulated(recipe: Recipe, seed: int, side: int) -> Group:
    pictures = []
    # Kinds share their draws frame by frame: other numbers for each show more of what there is.
    first = zlib.crc32(recipe.name.encode()) % 100_000
    for index in range(first, first + _EACH):
        made = simulate_frame(recipe, (side, side), seed, index)
        frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known))
        pictures.append(_picture(frame, made.geometry.center_px))
    return Group(recipe.name, recipe.description.split(" (")[0], tuple(pictures))


def _picture(frame: Frame, center: tuple[float, float]) -> Picture:
    """A frame in fewer pixels, each the mean of what was measured there."""
    data = frame.data
    if frame.saturated.any():
        # Too much to be counted is dark, not a gap.
        data = np.where(frame.saturated, data[frame.valid].max(initial=0.0), data)
    shown = Frame(data, frame.valid | frame.saturated, np.zeros_like(frame.saturated))
    pooled = pool(shown, -(-max(frame.shape) // _SHOWN_PX))
    with np.errstate(invalid="ignore"):
        mean = np.where(pooled.weight > 0, pooled.counts / np.maximum(pooled.weight, 1), np.nan)
        image = np.sqrt(np.maximum(mean, 0)).astype(np.float32)
    x, y = pooled.pooling.to_pooled(center)
    return Picture(image, (float(x), float(y)))


def _figure(groups: Sequence[Group], measured: Sequence[Group]) -> Figure:
    """Kinds in twos, three frames each; then the real frames, six side by side."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes time

    across = _ACROSS if len(groups) > 1 or measured else _EACH
    pairs, rows = across // _EACH, []
    for place in range(0, len(groups), pairs):
        rows.append([(_EACH * number, group) for number, group in enumerate(groups[place : place + pairs])])
    simulated = len(rows)
    for place in range(0, len(measured), across):
        rows.append(list(enumerate(measured[place : place + across])))
    width = _left(across - 1) + _PICTURE + _MARGIN
    height = _MARGIN + len(rows) * (_TITLE + _PICTURE) + (_HEADING if measured else 0.0)
    figure = Figure(figsize=(width, height), facecolor="white")
    top = height - 0.05
    for number, row in enumerate(rows):
        if number == simulated:
            top -= _HEADING
            _heading(figure, "Real frames", (top + 0.12) / height, width)
        for column, group in row:
            _group(figure, group, column, top, (width, height))
        top -= _TITLE + _PICTURE
    return figure


def _left(column: int) -> float:
    """Left edge of a column in inches; kinds stand a little apart."""
    return _MARGIN + column * (_PICTURE + _BETWEEN) + column // _EACH * _APART


def _group(figure: Figure, group: Group, column: int, top: float, size: tuple[float, float]) -> None:
    """Title, text and pictures, all in inches from the lower left corner of the figure."""
    width, height = size
    x, y = _left(column) / width, (top - _TITLE + 0.08) / height
    figure.text(x, y + 0.17 / height, group.title, fontsize=11, weight="bold", color=_INK, va="bottom")
    figure.text(x, y, group.text, fontsize=8, color=_FAINT, va="bottom")
    for offset, picture in enumerate(group.pictures):
        box = (_left(column + offset), top - _TITLE - _PICTURE, _PICTURE, _PICTURE)
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        axes.set_anchor("NW")
        _draw(axes, picture)


def _heading(figure: Figure, text: str, y: float, width: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - takes time

    x = _MARGIN / width
    figure.text(x, y, text, fontsize=13, weight="bold", color=_INK, va="center")
    figure.add_artist(Line2D([x + 1.3 / width, 1 - x], [y, y], color=_GAP, linewidth=1))


def _draw(axes: Axes, picture: Picture) -> None:
    """Inverted gray, square root of the counts, gaps in pale blue, a red X at the center."""
    from matplotlib import colormaps  # noqa: PLC0415 - takes time

    image = picture.image
    slow, fast = image.shape
    seen = image[np.isfinite(image)]
    # The brightest spots may burn out, so that the background is seen; it fills two thirds of the scale
    # at most, so that spots are seen on it; an empty frame stays white.
    top = max(float(np.percentile(seen, 99.6)), 1.5 * float(np.median(seen)), 1e-3) if seen.size else 1.0
    gray = colormaps["gray_r"].with_extremes(bad=_GAP)
    axes.imshow(image, cmap=gray, vmin=0, vmax=top, extent=(0, fast, slow, 0), interpolation="antialiased")
    if picture.center is not None:
        axes.plot(
            *picture.center, "x", color=_RED, markersize=7, markeredgewidth=1.3, clip_on=True, scalex=False
        )
    axes.set(xlim=(0, fast), ylim=(slow, 0), xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color=_FAINT, linewidth=0.6)

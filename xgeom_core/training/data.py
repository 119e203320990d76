"""Frames for training and validation: simulated on the fly or read from files."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from xgeom_core.errors import ConfigError
from xgeom_core.frames import FrameSource
from xgeom_core.frames.opening import open_in_process
from xgeom_core.geometry import SYMMETRIES, FloatArray
from xgeom_core.models.inputs import canvas_image, network_input
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.predict.network import known_mean, on_canvas, to_outputs
from xgeom_core.training.augment import Exposure, augmented, cut, turned
from xgeom_core.training.config import DataConfig

if TYPE_CHECKING:
    from xgeom_core.simulate import Recipe

_NOISE = 3
# Frames before the first, which a lag asks for, are frames from here on.
_BEFORE_FIRST = 2**40


class Batch(NamedTuple):
    """What a step learns from.

    Attributes
    ----------
    images : Tensor, shape (B, C, H, W)
        What the network sees.
    labels : Tensor, shape (B, 4)
        Truth in the units of the outputs; NaN where unknown.
    distance : Tensor, shape (B, 2)
        Logarithm of distance over side and 1, or 0 and 0: what the network is told.
    log_distance : Tensor, shape (B,)
        The same whether told or not; NaN where unknown.
    noise : Tensor, shape (B, 3)
        Uniform on 0 to 1, for whatever a network wants to draw.
    """

    images: Tensor
    labels: Tensor
    distance: Tensor
    log_distance: Tensor
    noise: Tensor


class Frames(Protocol):
    """Numbered exposures."""

    def exposure(self, index: int) -> Exposure:
        """Exposure number `index`, the same every time."""


class SimulatedFrames:
    """An endless row of simulated frames, the same for the same seed.

    Parameters
    ----------
    kinds : dict
        Recipe names (or files) and their weights.
    settings : NetworkSettings
        Decides the canvas on which frames are rendered.
    seed : int
        Frame ``i`` depends on ``(seed, i)`` alone, whoever renders it.
    vignette : float
        Share of frames cut to a smaller rectangle.
    """

    def __init__(
        self, kinds: dict[str, float], settings: NetworkSettings, seed: int, vignette: float = 0.0
    ) -> None:
        # Its compiled loops take half a second to load; training on files needs none.
        from xgeom_core.simulate import load_recipe, render  # noqa: PLC0415

        self._render = render
        self._recipes: list[Recipe] = [load_recipe(kind) for kind in kinds]
        weights = np.array(list(kinds.values()), dtype=float)
        self._shares = weights / weights.sum()
        self._settings, self._seed, self._vignette = settings, seed, vignette

    def exposure(self, index: int) -> Exposure:
        """Frame number `index`."""
        rng = np.random.default_rng([self._seed, index])
        recipe = self._recipes[int(rng.choice(len(self._recipes), p=self._shares))]
        side = self._settings.canvas_px
        frame = self._render(recipe, (side, side), rng)
        geometry = frame.geometry
        made = Exposure(
            frame.counts.astype(np.float32),
            frame.known,
            geometry.center_px,
            (geometry.pitch_deg, geometry.yaw_deg),
            geometry.distance_mm / (geometry.pixel_mm[0] * side),
        )
        return cut(made, rng) if rng.random() < self._vignette else made


class FileFrames:
    """Frames of training files, in order, again and again.

    They are read in this very process, which may be one of many: training is fast, is no window, and learns
    from files that its user has chosen with more care than a frame to look at.

    Parameters
    ----------
    paths : sequence of Path
        Files that know their centers, of any layout that xgeom reads.
    settings : NetworkSettings
        Decides the canvas, and whether tilts are needed.

    Raises
    ------
    ConfigError
        If a file does not know what the network is to learn.
    FrameFileError
        If a file cannot be read.
    """

    def __init__(self, paths: Sequence[Path], settings: NetworkSettings) -> None:
        self._settings = settings
        self._sources: list[FrameSource] = [open_in_process(path) for path in paths]
        needs_tilt = settings.predicts != "center"
        for source in self._sources:
            truth = source.truth(0)
            if truth is None or (needs_tilt and truth.tilt_deg is None):
                hint = "" if truth is None else " With model.predicts = 'center' the tilt is not needed."
                raise ConfigError(
                    f"{source.path} does not state the center{' and tilt' if needs_tilt else ''} of its "
                    f"frames; training needs files such as 'xgeom simulate' writes.{hint}"
                )
        self._ends = np.cumsum([len(source) for source in self._sources])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def exposure(self, index: int) -> Exposure:
        """Frame number ``index % len(self)``."""
        index %= len(self)
        which = int(np.searchsorted(self._ends, index, side="right"))
        inside = index - (int(self._ends[which - 1]) if which else 0)
        source = self._sources[which]
        frame, truth = source.frame(inside), source.truth(inside)
        if truth is None:
            raise ConfigError(f"{source.path} does not know the center of its frame {inside}.")
        canvas = on_canvas(frame, self._settings)
        counts, known = known_mean(canvas)
        meta = frame.metadata
        distance = math.nan
        if meta.distance_mm is not None and meta.pixel_mm is not None:
            distance = meta.distance_mm / (meta.pixel_mm[0] * canvas.pooling.factor * counts.shape[0])
        return Exposure(
            (counts * canvas.pooling.factor**2).astype(np.float32),
            known,
            canvas.pooling.to_pooled(truth.center_px),
            truth.tilt_deg or (math.nan, math.nan),
            distance,
        )


def training_frames(data: DataConfig, settings: NetworkSettings) -> SimulatedFrames | FileFrames:
    """The frames that a configuration asks for."""
    if data.files:
        return FileFrames(data.files, settings)
    return SimulatedFrames(data.kinds, settings, data.seed, data.vignette)


def network_sees(exposure: Exposure, settings: NetworkSettings) -> NDArray[np.float32]:
    """The network's input (C, H, W) for an exposure."""
    if settings.sees_canvas:
        return canvas_image(exposure.counts, exposure.known)
    return network_input(exposure.counts, exposure.known, settings.supersampling)[None]


def truth_of(exposure: Exposure) -> FloatArray:
    """The truth about an exposure in the units of the outputs, (4,)."""
    return to_outputs(exposure.center, exposure.tilt_deg, exposure.side)


class Batches(Dataset[Batch]):
    """Whole batches by number, so that a resumed run goes on with exactly the next one.

    Each frame is shown under `reuse` different symmetries, its labels turned with it: rendering a
    frame costs more than showing it.

    Parameters
    ----------
    data, settings
        The configuration.
    batch : int
        Inputs per batch.
    steps : int
        Number of batches.
    first : int
        Number of the first batch.
    part, parts : int
        Of how many equal parts of each batch this is which: one for each process.
    """

    def __init__(
        self,
        data: DataConfig,
        settings: NetworkSettings,
        batch: int,
        steps: int,
        first: int = 0,
        part: int = 0,
        parts: int = 1,
    ) -> None:
        self._data, self._settings = data, settings
        self._batch, self._steps, self._first = batch, steps, first
        self._mine = range(part * batch // parts, (part + 1) * batch // parts)
        self._frames: Frames | None = None
        self._kept: OrderedDict[int, Exposure] = OrderedDict()
        # Batches go round the workers: a lag of whole rounds brings a frame back to the worker that has it.
        rounds = max(data.workers, 1)
        self._lag = -(-data.reuse_lag // rounds) * rounds
        # More than ever wait for a later showing; a bound in case one is passed over.
        self._keep = 2 * (batch // data.reuse) * (self._lag // rounds * (data.reuse - 1) + 1)

    def __len__(self) -> int:
        return self._steps - self._first

    def __getitem__(self, index: int) -> Batch:
        return collate([self._shown(index + self._first, place) for place in self._mine], self._settings)

    def _shown(self, number: int, place: int) -> tuple[Exposure, bool, FloatArray]:
        """What stands at a place of a batch, whether its distance is told, and its noise."""
        each, data = self._batch // self._data.reuse, self._data
        which, showing = divmod(place, data.reuse)
        index = (number - showing * self._lag) * each + which
        if index < 0:
            index = _BEFORE_FIRST - index
        turns = np.random.default_rng([data.seed, index, 1]).permutation(len(SYMMETRIES))
        rng = np.random.default_rng([data.seed, index, 2, showing])
        shown = augmented(
            turned(self._exposure(index, showing == data.reuse - 1), int(turns[showing])), data.augment, rng
        )
        return shown, bool(rng.random() < data.distance_known), rng.random(_NOISE)

    def _exposure(self, index: int, last: bool) -> Exposure:
        """A frame, kept until its last showing."""
        # Made here, not in __init__: each worker process needs file handles of its own.
        if self._frames is None:
            self._frames = training_frames(self._data, self._settings)
        exposure = self._kept.pop(index, None) or self._frames.exposure(index)
        if not last:
            self._kept[index] = exposure
            if len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        return exposure


def collate(shown: Sequence[tuple[Exposure, bool, FloatArray]], settings: NetworkSettings) -> Batch:
    """A batch of exposures, of whether their distance is told, and of noise."""
    exposures = [item[0] for item in shown]
    distances = np.array([np.log(exposure.distance) for exposure in exposures])
    told = np.array([item[1] for item in shown]) & np.isfinite(distances)
    side = np.stack([np.where(told, distances, 0.0), told], axis=1)
    return Batch(
        torch.from_numpy(np.stack([network_sees(exposure, settings) for exposure in exposures])),
        _tensor(np.stack([truth_of(exposure) for exposure in exposures])),
        _tensor(side),
        _tensor(distances),
        _tensor(np.stack([item[2] for item in shown])),
    )


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))

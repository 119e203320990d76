"""Frames for training and validation: simulated on the fly or read from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from xgeom_core.errors import ConfigError
from xgeom_core.files import FrameSource, open_frames
from xgeom_core.geometry import SYMMETRIES, FloatArray
from xgeom_core.models.inputs import network_input
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.predict.network import TILT_UNIT_DEG, canvas_input, on_canvas, to_outputs
from xgeom_core.simulate import Recipe, load_recipe, render
from xgeom_core.training.config import DataConfig

Sample = tuple[NDArray[np.float32], FloatArray]


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
        self._recipes: list[Recipe] = [load_recipe(kind) for kind in kinds]
        weights = np.array(list(kinds.values()), dtype=float)
        self._shares = weights / weights.sum()
        self._settings, self._seed, self._vignette = settings, seed, vignette

    def sample(self, index: int) -> Sample:
        """Network input and truth (units of the outputs) of frame `index`."""
        rng = np.random.default_rng([self._seed, index])
        recipe = self._recipes[int(rng.choice(len(self._recipes), p=self._shares))]
        side = self._settings.canvas_px
        frame = render(recipe, (side, side), rng)
        known = frame.known
        if rng.random() < self._vignette:
            known = known & _rectangle(side, frame.geometry.center_px, rng)
        image = network_input(frame.counts, known, self._settings.supersampling)
        tilt = (frame.geometry.pitch_deg, frame.geometry.yaw_deg)
        return image, to_outputs(frame.geometry.center_px, tilt, side)


class FileFrames:
    """Frames of training files, in order, again and again.

    Parameters
    ----------
    paths : sequence of Path
        HDF5 files that know their centers.
    settings : NetworkSettings
        Decides the canvas.

    Raises
    ------
    ConfigError
        If a file does not know the center and tilt of its frames.
    FrameFileError
        If a file cannot be read.
    """

    def __init__(self, paths: Sequence[Path], settings: NetworkSettings) -> None:
        self._settings = settings
        self._sources: list[FrameSource] = [open_frames(path) for path in paths]
        for source in self._sources:
            truth = source.truth(0)
            if truth is None or truth.tilt_deg is None:
                raise ConfigError(
                    f"{source.path} does not state the center and tilt of its frames; "
                    "training needs files such as 'xgeom simulate' writes."
                )
        self._ends = np.cumsum([len(source) for source in self._sources])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def sample(self, index: int) -> Sample:
        """Network input and truth (units of the outputs) of frame ``index % len(self)``."""
        index %= len(self)
        which = int(np.searchsorted(self._ends, index, side="right"))
        inside = index - (int(self._ends[which - 1]) if which else 0)
        source = self._sources[which]
        pooled = on_canvas(source.frame(inside), self._settings)
        truth = source.truth(inside)
        if truth is None:
            raise ConfigError(f"{source.path} does not know the center of its frame {inside}.")
        center = pooled.pooling.to_pooled(truth.center_px)
        side = self._settings.canvas_px
        return canvas_input(pooled, self._settings), to_outputs(center, truth.tilt_deg or (0.0, 0.0), side)


def training_frames(data: DataConfig, settings: NetworkSettings) -> SimulatedFrames | FileFrames:
    """The frames that a configuration asks for."""
    if data.files:
        return FileFrames(data.files, settings)
    return SimulatedFrames(data.kinds, settings, data.seed, data.vignette)


class Batches(Dataset[tuple[Tensor, Tensor]]):
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
    """

    def __init__(
        self, data: DataConfig, settings: NetworkSettings, batch: int, steps: int, first: int = 0
    ) -> None:
        self._data, self._settings = data, settings
        self._batch, self._steps, self._first = batch, steps, first
        self._frames: SimulatedFrames | FileFrames | None = None

    def __len__(self) -> int:
        return self._steps - self._first

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        # Made here, not in __init__: each worker process needs file handles of its own.
        if self._frames is None:
            self._frames = training_frames(self._data, self._settings)
        number = index + self._first
        each = self._batch // self._data.reuse
        images, labels = [], []
        for i in range(number * each, (number + 1) * each):
            image, truth = self._frames.sample(i)
            rng = np.random.default_rng([self._data.seed, i, 1])
            for which in rng.choice(len(SYMMETRIES), size=self._data.reuse, replace=False):
                turned = turn(image, truth, int(which))
                images.append(turned[0])
                labels.append(turned[1])
        return stack(images), torch.from_numpy(np.array(labels, dtype=np.float32))


def turn(image: NDArray[np.float32], truth: FloatArray, which: int) -> Sample:
    """One input and its truth under symmetry number `which` of the eight."""
    symmetry = SYMMETRIES[which]
    center = symmetry.center((truth[0] + 0.5, truth[1] + 0.5), (1, 1))
    tilt = symmetry.tilt((truth[2] * TILT_UNIT_DEG, truth[3] * TILT_UNIT_DEG))
    return symmetry.image(image), to_outputs(center, tilt, 1)


def stack(images: Sequence[NDArray[np.float32]]) -> Tensor:
    """Inputs as a tensor (B, 1, H, W)."""
    return torch.from_numpy(np.stack(images))[:, None]


def _rectangle(side: int, center: tuple[float, float], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random rectangle of the canvas that still holds the beam center; the rest is padding."""
    inside = []
    for place in center:
        length = int(side * rng.uniform(0.6, 1.0))
        # Where the beam is on the panel already, keep it there; elsewhere anything goes.
        low, high = max(0, int(place) - length + 1), min(side - length, int(place))
        start = int(rng.integers(low, high + 1)) if low <= high else int(rng.integers(side - length + 1))
        line = np.zeros(side, dtype=bool)
        line[start : start + length] = True
        inside.append(line)
    return np.asarray(inside[1][:, None] & inside[0])

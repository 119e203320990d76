"""What a run shows in TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from xgeom_core.evaluate.figures import close, frames_with_marks, predicted_against_actual
from xgeom_core.models.settings import REFERENCE_PX, TILT_UNIT_DEG
from xgeom_core.training.events import Step, Validation
from xgeom_core.training.validation import Validated, ValidationSet

_EXAMPLES = 6


class Board:
    """Losses, errors, learning rate and figures; a context manager. Does nothing without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._writer = SummaryWriter(folder) if folder is not None else None

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def step(self, event: Step) -> None:
        """Progress of the loop."""
        if self._writer is None:
            return
        for name, value in (
            ("loss", event.loss),
            ("center_px820", event.center_px),
            ("learning_rate", event.learning_rate),
            ("frames_per_s", event.frames_per_s),
        ):
            self._writer.add_scalar(f"training/{name}", value, event.step)

    def validation(self, event: Validation, held: ValidationSet, result: Validated) -> None:
        """Scores on one set, and pictures of them."""
        if self._writer is None:
            return
        name = f"validation/{held.name}"
        for key, value in (
            ("loss", event.loss),
            ("center_px820", event.center_px),
            ("center_constant_px820", event.center_constant_px),
            ("tilt_deg", event.tilt_deg),
            ("tilt_constant_deg", event.tilt_constant_deg),
        ):
            self._writer.add_scalar(f"{name}/{key}", value, event.step)
        self._figures(name, event.step, held, result)

    def _figures(self, name: str, step: int, held: ValidationSet, result: Validated) -> None:
        assert self._writer is not None
        predicted, truth = result.outputs.double().numpy(), held.frames.labels.double().numpy()
        images = held.frames.images[:_EXAMPLES, 0].float().numpy()
        side = images.shape[-1]
        marks = [
            {"known": (truth[i, :2] + 0.5) * side, "model": (predicted[i, :2] + 0.5) * side}
            for i in range(len(images))
        ]
        scale = np.array([REFERENCE_PX, REFERENCE_PX, TILT_UNIT_DEG, TILT_UNIT_DEG])
        plot = predicted_against_actual(truth * scale, predicted[:, :4] * scale, held.name)
        for title, figure in (("examples", frames_with_marks(list(images), marks)), ("actual", plot)):
            self._writer.add_figure(f"{name}/{title}", figure, step, close=False)
            close(figure)

"""What a run leaves behind: events, scores, checkpoints, models."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import Any

from torch import nn

from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import ModelCard, Score
from xgeom_core.models.store import save_model
from xgeom_core.system.safe_files import replacing
from xgeom_core.training.checkpoint import AveragedWeights, save_checkpoint
from xgeom_core.training.config import Config
from xgeom_core.training.events import Checkpoint, Event, EventLog, Finished, RunStarted, Stage, Validation
from xgeom_core.training.failure_messages import cannot_be_written
from xgeom_core.training.folder import BEST, MODEL
from xgeom_core.training.predictions import rows_of, write_predictions
from xgeom_core.training.processes import Processes
from xgeom_core.training.tensorboard_writer import Board
from xgeom_core.training.validation import ValidationSet, validate
from xgeom_core.version import __version__


class Record:
    """Writes the run folder; in a process that does not lead, does nothing."""

    def __init__(self, config: Config, run_dir: Path, log: EventLog, command: str, group: Processes) -> None:
        self._config, self._dir, self._log, self._command = config, run_dir, log, command
        self._group = group
        self._sets: list[ValidationSet] = []
        self._board = Board(None)
        self._network: nn.Module | None = None
        self._scores: list[Score] = []
        self._best, self._since_best = math.inf, 0

    def write(self, event: Event) -> None:
        """Tell an event."""
        if self._group.leads:
            self._log.write(event)

    def say(self, text: str) -> None:
        """Tell what goes on, in words."""
        self.write(Stage(text=text))

    def started(self, step: int) -> None:
        """The run begins or goes on."""
        self.write(
            RunStarted(
                pid=os.getpid(),
                command=self._command,
                xgeom_version=__version__,
                steps=self._config.training.steps,
                first_step=step,
                predicts=self._config.model.predicts,
            )
        )

    def watch(self, sets: list[ValidationSet], board: Board) -> None:
        """Validate on these sets, and show it there."""
        self._sets, self._board = sets, board

    def validate(self, step: int, average: AveragedWeights) -> bool:
        """Score the averaged weights; whether they have not got better for as long as patience lasts."""
        if not self._group.leads:
            return False
        if self._network is None:
            self._network = build_network(self._config.model).to(self._group.device)
        self._network.load_state_dict(average.weights)
        self._scores, losses, rows = [], [], {}
        for held in self._sets:
            result = validate(
                self._network, held, self._group.device, self._config.training, self._config.model.predicts
            )
            self._scores.append(result.score)
            losses.append(result.loss)
            rows[held.name] = rows_of(held, result)
            event = Validation(
                step=step,
                data=held.name,
                loss=result.loss,
                center_px=result.score.center_px820,
                center_constant_px=result.score.center_constant_px820,
                tilt_deg=result.score.tilt_deg,
                tilt_constant_deg=result.score.tilt_constant_deg,
            )
            self.write(event)
            self._board.validation(event, held, result)
        write_predictions(self._dir, step, rows)
        self._save_model(MODEL, step, average)
        return self._judge(sum(losses) / len(losses) if losses else math.inf, step, average)

    def _judge(self, loss: float, step: int, average: AveragedWeights) -> bool:
        if loss < self._best:
            self._best, self._since_best = loss, 0
            if self._config.training.keep == "best":
                self._save_model(BEST, step, average)
            return False
        self._since_best += 1
        patience = self._config.validation.patience
        return bool(patience) and self._since_best >= patience

    def save(self, state: dict[str, Any], step: int, average: AveragedWeights) -> None:
        """Write a checkpoint and the model as of now."""
        if self._group.leads:
            save_checkpoint(self._dir, state)
            self._save_model(MODEL, step, average)

    def finished(self, step: int, reason: str) -> Path:
        """The run ended in order."""
        best = self._dir / BEST
        if self._group.leads and best.exists():
            with replacing(self._dir / MODEL) as model:
                shutil.copyfile(best, model)
        self.write(Finished(step=step, reason=reason, model=str(self._dir / MODEL)))
        return self._dir / MODEL

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "scores": [item.model_dump_json() for item in self._scores],
            "best": self._best,
            "since_best": self._since_best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._scores = [Score.model_validate_json(item) for item in state["scores"]]
        self._best, self._since_best = float(state["best"]), int(state["since_best"])

    def _save_model(self, name: str, step: int, average: AveragedWeights) -> None:
        card = ModelCard(
            name=self._config.name,
            xgeom_version=__version__,
            network=self._config.model,
            frames_seen=step * self._config.training.batch,
            steps=step,
            training=self._config.model_dump(mode="json"),
            scores=self._scores,
        )
        try:
            save_model(self._dir / name, average.weights, card)
        except OSError as error:
            raise cannot_be_written(self._dir / name, error) from None
        self.write(Checkpoint(step=step, model=str(self._dir / name)))

"""The training loop: one network, one optimizer, endless frames, and a run folder that tells all."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from xgeom_core.errors import TrainingError
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import REFERENCE_PX
from xgeom_core.models.torch_model import weights_that_fit
from xgeom_core.system.safe_files import make_folder
from xgeom_core.training.checkpoint import AveragedWeights, load_checkpoint
from xgeom_core.training.config import Config
from xgeom_core.training.data import Batch, Batches, training_frames
from xgeom_core.training.events import EventLog, Step
from xgeom_core.training.failure_messages import failures_in_words, what_is_kept
from xgeom_core.training.folder import COOLDOWN, LOSSES, STOP, LossTable, asked_by_signal, claim
from xgeom_core.training.losses import Learner, is_number
from xgeom_core.training.processes import Processes, processes
from xgeom_core.training.record import Record
from xgeom_core.training.running_means import Pace, Tally
from xgeom_core.training.schedule import learning_rate, make_optimizer, set_rate
from xgeom_core.training.tensorboard_writer import Board
from xgeom_core.training.validation import validation_sets
from xgeom_core.training.workers import heed_the_parent_alone, unwrapped

__all__ = ["COOLDOWN", "STOP", "learning_rate", "train"]

_SECONDS_BETWEEN_STEP_EVENTS = 2.0


def train(config: Config, run_dir: Path, log: EventLog, command: str) -> Path:
    """Train a model, or go on with a run that was stopped.

    Parameters
    ----------
    config : Config
        What to train.
    run_dir : Path
        Run folder (must exist): gets ``config.toml``, ``environment.json``, ``losses.csv``,
        TensorBoard files, ``checkpoint.pt`` and ``model.safetensors``. Creating a file ``STOP`` in it
        ends the run in order, as do the signals INT, TERM and HUP; a file ``COOLDOWN`` starts the last
        phase of a trapezoid schedule now.
    log : EventLog
        Where to tell what happens.
    command : str
        The command line, for the record.

    Returns
    -------
    Path
        The model file.

    Raises
    ------
    TrainingError
        If the folder holds another run, the device is not there, the disk is full, memory runs out, or
        the loss is no number.
    """
    with failures_in_words(run_dir), processes(config.training) as group:
        # Here first: a mistake found by a worker process would reach the user as that process's traceback.
        training_frames(config.data, config.model)
        if group.leads:
            claim(run_dir, config, command)
        return _Run(config, run_dir, log, command, group).go()


class _Run:
    """State of one run; `go` is the whole story."""

    def __init__(self, config: Config, run_dir: Path, log: EventLog, command: str, group: Processes) -> None:
        self._config, self._plan, self._dir, self._group = config, config.training, run_dir, group
        if self._plan.threads:
            torch.set_num_threads(self._plan.threads)
        torch.manual_seed(self._plan.seed)
        self._network = build_network(config.model)
        if self._plan.start_from:
            weights_that_fit(self._plan.start_from, self._network)
        self._network.to(group.device)
        self._optimizer = make_optimizer(self._network, self._plan)
        self._average = AveragedWeights(self._network, self._plan.ema_decay)
        self._scaler = torch.amp.GradScaler(group.device.type, enabled=self._plan.precision == "float16")
        self._record = Record(config, run_dir, log, command, group)
        self._end = self._plan.steps
        self._step = self._restore()
        self._learner = self._make_learner()
        self._stop_asked = False

    def go(self) -> Path:
        """Train until done or stopped; return the model file."""
        self._record.started(self._step)
        board = Board(make_folder(self._dir / "tensorboard") if self._group.leads else None)
        with board, asked_by_signal(self._ask_to_stop):
            self._record.say("preparing validation frames")
            sets = validation_sets(self._config.validation, self._config.model) if self._group.leads else []
            self._record.watch(sets, board)
            reason = "done"
            if not self._wants_stop() and self._step < self._end:
                self._record.say("waiting for the first batch")
                reason = self._steps(board)
            elif self._step < self._end:
                reason = "stopped"
            self._record.validate(self._step, self._average)
        self._save()
        if self._group.leads:
            for name in (STOP, COOLDOWN):
                (self._dir / name).unlink(missing_ok=True)
        return self._record.finished(self._step, reason)

    def _steps(self, board: Board) -> str:
        """Take steps until something ends them; say what did."""
        table = LossTable(self._dir / LOSSES, self._step) if self._group.leads else None
        tally, self._pace = Tally(), Pace(self._step)
        # The first checkpoint at once: that it can be written is better known now than in five minutes.
        next_save = 0.0
        try:
            for batch in unwrapped(self._loader(), self._may_break_off):
                rate = learning_rate(self._plan, self._step, self._end)
                loss, center_px = self._learn(batch, rate)
                self._step += 1
                tally.add(loss, center_px, self._plan.batch)
                if table is not None:
                    table.add(self._step, loss, center_px, rate)
                validates = self._step % self._config.validation.every_steps == 0 and self._step < self._end
                # A validation is not training time, so the tally ends before it; where validations come
                # faster than reports, there would be none at all otherwise.
                if validates or tally.seconds >= _SECONDS_BETWEEN_STEP_EVENTS or self._step == self._end:
                    self._report(tally, rate, board)
                    tally = Tally()
                if validates:
                    if self._validated():
                        return "converged"
                    tally = Tally()
                if time.monotonic() > next_save:
                    if table is not None:
                        table.flush()
                    self._save()
                    next_save = time.monotonic() + 60 * self._plan.checkpoint_minutes
                if self._step >= self._end:
                    return "done"
                if self._listen():
                    return "stopped"
        finally:
            if table is not None:
                table.close()
        return "stopped" if self._step < self._end else "done"

    def _loader(self) -> Iterable[Batch]:
        data = self._config.data
        batches = Batches(
            data,
            self._config.model,
            self._plan.batch,
            self._plan.steps,
            self._step,
            self._group.rank,
            self._group.count,
        )
        workers = data.workers
        return DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=self._group.device.type == "cuda",
            worker_init_fn=heed_the_parent_alone,
        )

    def _learn(self, batch: Batch, rate: float) -> tuple[float, float]:
        """One optimizer step; the loss and the mean center error in reference pixels."""
        set_rate(self._optimizer, rate)
        self._network.train()
        self._optimizer.zero_grad(set_to_none=True)
        count = self._plan.accumulate
        loss_sum = miss_sum = 0.0
        for part in range(count):
            loss, miss = self._backward(_part(batch, part, count, self._group.device), count)
            loss_sum, miss_sum = loss_sum + loss / count, miss_sum + miss / count
        loss_sum, miss_sum = self._group.mean([loss_sum, miss_sum])
        if not is_number(loss_sum):
            raise TrainingError(
                f"The loss became {loss_sum} at step {self._step}; lower training.learning_rate "
                f"(now {self._plan.learning_rate}) and start again. {what_is_kept(self._dir)}"
            )
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self._network.parameters(), self._plan.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._average.update(self._network)
        return loss_sum, miss_sum * REFERENCE_PX

    def _backward(self, batch: Batch, parts: int) -> tuple[float, float]:
        device, precision = self._group.device, self._plan.precision
        kind = torch.float16 if precision == "float16" else torch.bfloat16
        with torch.autocast(device.type, kind, enabled=precision != "single"):
            loss, outputs = self._learner(batch, self._step)
        self._scaler.scale(loss / parts).backward()
        miss = (outputs[:, :2].detach() - batch.labels[:, :2]).norm(dim=1).mean()
        return float(loss.detach()), float(miss)

    def _make_learner(self) -> nn.Module:
        learner: nn.Module = Learner(self._network, self._plan, self._config.model.predicts)
        if self._plan.compile == "yes":
            learner = torch.compile(learner)  # type: ignore[assignment]
        if self._group.count > 1:
            ids = [self._group.device.index] if self._group.device.type == "cuda" else None
            # Buffers are made the same by the layers themselves, and the same weights start everywhere.
            learner = DistributedDataParallel(learner, device_ids=ids, broadcast_buffers=False)
        return learner

    def _report(self, tally: Tally, rate: float, board: Board) -> None:
        event = Step(
            step=self._step,
            steps=self._end,
            frames=self._step * self._plan.batch,
            loss=tally.loss,
            center_px=tally.center_px,
            learning_rate=rate,
            frames_per_s=tally.frames / tally.seconds,
            seconds_left=self._pace.seconds_left(self._step, self._end),
        )
        self._record.write(event)
        board.step(event)

    def _validated(self) -> bool:
        """Validate; whether patience is at its end, on which all processes agree."""
        over = self._record.validate(self._step, self._average)
        return bool(self._group.told([float(over)])[0])

    def _save(self) -> None:
        state: dict[str, Any] = {
            "step": self._step,
            "end": self._end,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state(),
            "scaler": self._scaler.state_dict(),
            "record": self._record.state(),
        }
        self._record.save(state, self._step, self._average)

    def _restore(self) -> int:
        state = load_checkpoint(self._dir)
        if state is None:
            return 0
        try:
            self._network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._average.restore(state["average"])
            self._scaler.load_state_dict(state["scaler"])
            self._record.restore(state["record"])
            self._end = int(state["end"])
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError):
            raise TrainingError(
                f"The checkpoint in {self._dir} was written by another version of xgeom; finish the run "
                "with that one, or choose another run folder."
            ) from None
        return int(state["step"])

    def _listen(self) -> bool:
        """Whether to stop now; takes in a wish to begin the cooldown."""
        cool = self._plan.schedule == "trapezoid" and (self._dir / COOLDOWN).exists()
        stop, cool_now = self._group.told([float(self._wants_stop()), float(cool)])
        if cool_now:
            self._end = min(self._end, self._step + self._plan.cooldown_steps)
            if self._group.leads and cool:
                (self._dir / COOLDOWN).unlink(missing_ok=True)
        return bool(stop)

    def _ask_to_stop(self) -> None:
        self._stop_asked = True

    def _may_break_off(self) -> bool:
        # Of several processes none may leave alone: the others would wait for it.
        return self._stop_asked and self._group.count == 1

    def _wants_stop(self) -> bool:
        return self._stop_asked or (self._dir / STOP).exists()


def _part(batch: Batch, part: int, parts: int, device: torch.device) -> Batch:
    """A share of a batch, on the device."""
    size = len(batch.images) // parts
    cut = slice(part * size, (part + 1) * size)
    images, *rest = (tensor[cut] for tensor in batch)
    images = images.to(device, memory_format=torch.channels_last, non_blocking=True)
    return Batch(images, *(tensor.to(device, non_blocking=True) for tensor in rest))

"""The training loop: one network, one optimizer, endless frames, and a run folder that tells all."""

from __future__ import annotations

import json
import math
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from xgeom_core import __version__
from xgeom_core.errors import TrainingError, XgeomError
from xgeom_core.models.resnet import build_network
from xgeom_core.models.settings import REFERENCE_PX, ModelCard, Score
from xgeom_core.models.store import save_model
from xgeom_core.training.checkpoint import AveragedWeights, load_checkpoint, save_checkpoint
from xgeom_core.training.config import Config, TrainingConfig
from xgeom_core.training.data import Batches, training_frames
from xgeom_core.training.events import Checkpoint, EventLog, Finished, RunStarted, Stage, Step, Validation
from xgeom_core.training.validation import ValidationSet, loss_of, validate, validation_sets

STOP = "STOP"
MODEL = "model.safetensors"
_SECONDS_BETWEEN_STEP_EVENTS = 2.0
_WORKER_TRACE = "Original Traceback"


def train(config: Config, run_dir: Path, log: EventLog, command: str) -> Path:
    """Train a model, or go on with a run that was stopped.

    Parameters
    ----------
    config : Config
        What to train.
    run_dir : Path
        Run folder (must exist): gets ``config.toml``, ``environment.json``, TensorBoard files,
        ``checkpoint.pt`` and ``model.safetensors``. Creating a file ``STOP`` in it ends the run in
        order; so do the signals INT and TERM.
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
        If the folder holds another run, the device is not there, or the loss is no number.
    """
    # Here first: a mistake found by a worker process would reach the user as that process's traceback.
    training_frames(config.data, config.model)
    _claim(run_dir, config)
    return _Run(config, run_dir, log, command).go()


class _Run:
    """State of one run; `go` is the whole story."""

    def __init__(self, config: Config, run_dir: Path, log: EventLog, command: str) -> None:
        self._config, self._dir, self._log, self._command = config, run_dir, log, command
        self._device = _device(config.training)
        if config.training.threads:
            torch.set_num_threads(config.training.threads)
        torch.manual_seed(config.training.seed)
        self._network = build_network(config.model).to(self._device)
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(),
            lr=config.training.learning_rate,
            weight_decay=config.training.weight_decay,
        )
        self._average = AveragedWeights(self._network, config.training.ema_decay)
        self._scores: list[Score] = []
        self._step = self._restore()
        self._stop_asked = False

    def go(self) -> Path:
        """Train until done or stopped; return the model file."""
        plan = self._config.training
        self._log.write(
            RunStarted(
                pid=os.getpid(),
                command=self._command,
                xgeom_version=__version__,
                steps=plan.steps,
                first_step=self._step,
            )
        )
        with SummaryWriter(self._dir / "tensorboard") as board, _signals(self._ask_to_stop):
            self._say("preparing validation frames")
            sets = validation_sets(self._config.validation, self._config.model)
            if not self._wants_stop() and self._step < plan.steps:
                self._say("waiting for the first batch")
                self._steps(sets, board)
            self._validate(sets, board)
        stopped = self._step < plan.steps
        self._save()
        (self._dir / STOP).unlink(missing_ok=True)
        reason = "stopped" if stopped else "done"
        self._log.write(Finished(step=self._step, reason=reason, model=str(self._dir / MODEL)))
        return self._dir / MODEL

    def _steps(self, sets: list[ValidationSet], board: SummaryWriter) -> None:
        plan = self._config.training
        batches = Batches(self._config.data, self._config.model, plan.batch, plan.steps, self._step)
        workers = self._config.data.workers
        loader = DataLoader(
            batches, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
        )
        tally = _Tally()
        saved = time.monotonic()
        for images, labels in _unwrapped(loader):
            rate = learning_rate(plan, self._step)
            loss, center_px = self._learn(images, labels, rate)
            self._step += 1
            tally.add(loss, center_px, len(images))
            if tally.seconds >= _SECONDS_BETWEEN_STEP_EVENTS or self._step == plan.steps:
                self._report(tally, rate, board)
                tally = _Tally()
            if self._step % self._config.validation.every_steps == 0 and self._step < plan.steps:
                self._validate(sets, board)
            if time.monotonic() - saved > 60 * plan.checkpoint_minutes:
                self._save()
                saved = time.monotonic()
            if self._wants_stop():
                return

    def _learn(self, images: Tensor, labels: Tensor, rate: float) -> tuple[float, float]:
        """One optimizer step; the loss and the mean center error in reference pixels."""
        plan = self._config.training
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._network.train()
        images = images.to(self._device, memory_format=torch.channels_last)
        labels = labels.to(self._device)
        outputs = self._network(images)
        loss = loss_of(outputs, labels, plan.tilt_weight)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"The loss became {value} at step {self._step}; lower training.learning_rate "
                f"(now {plan.learning_rate}) and start again. The last checkpoint is whole."
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), plan.clip_norm)
        self._optimizer.step()
        self._average.update(self._network)
        miss = (outputs[:, :2].detach() - labels[:, :2]).norm(dim=1).mean()
        return value, float(miss) * REFERENCE_PX

    def _report(self, tally: _Tally, rate: float, board: SummaryWriter) -> None:
        event = Step(
            step=self._step,
            steps=self._config.training.steps,
            frames=self._step * self._config.training.batch,
            loss=tally.loss,
            center_px=tally.center_px,
            learning_rate=rate,
            frames_per_s=tally.frames / tally.seconds,
        )
        self._log.write(event)
        board.add_scalar("training/loss", event.loss, self._step)
        board.add_scalar("training/center_px820", event.center_px, self._step)
        board.add_scalar("training/learning_rate", rate, self._step)
        board.add_scalar("training/frames_per_s", event.frames_per_s, self._step)

    def _validate(self, sets: list[ValidationSet], board: SummaryWriter) -> None:
        averaged = build_network(self._config.model).to(self._device)
        averaged.load_state_dict(self._average.weights)
        self._scores = []
        for held in sets:
            result, loss = validate(averaged, held, self._device, self._config.training.tilt_weight)
            self._scores.append(result)
            self._log.write(
                Validation(
                    step=self._step,
                    data=held.name,
                    loss=loss,
                    center_px=result.center_px820,
                    center_constant_px=result.center_constant_px820,
                    tilt_deg=result.tilt_deg,
                    tilt_constant_deg=result.tilt_constant_deg,
                )
            )
            board.add_scalar(f"validation/{held.name}/loss", loss, self._step)
            board.add_scalar(f"validation/{held.name}/center_px820", result.center_px820, self._step)
            board.add_scalar(
                f"validation/{held.name}/center_constant_px820", result.center_constant_px820, self._step
            )
            board.add_scalar(f"validation/{held.name}/tilt_deg", result.tilt_deg, self._step)
            board.add_scalar(
                f"validation/{held.name}/tilt_constant_deg", result.tilt_constant_deg, self._step
            )
        self._save_model()

    def _save(self) -> None:
        state: dict[str, Any] = {
            "step": self._step,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state(),
            "scores": [item.model_dump_json() for item in self._scores],
        }
        save_checkpoint(self._dir, state)
        self._save_model()

    def _save_model(self) -> None:
        card = ModelCard(
            name=self._config.name,
            xgeom_version=__version__,
            network=self._config.model,
            frames_seen=self._step * self._config.training.batch,
            steps=self._step,
            training=self._config.model_dump(mode="json"),
            scores=self._scores,
        )
        save_model(self._dir / MODEL, self._average.weights, card)
        self._log.write(Checkpoint(step=self._step, model=str(self._dir / MODEL)))

    def _restore(self) -> int:
        state = load_checkpoint(self._dir)
        if state is None:
            return 0
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average.restore(state["average"])
        self._scores = [Score.model_validate_json(item) for item in state["scores"]]
        return int(state["step"])

    def _say(self, text: str) -> None:
        self._log.write(Stage(text=text))

    def _ask_to_stop(self) -> None:
        self._stop_asked = True

    def _wants_stop(self) -> bool:
        return self._stop_asked or (self._dir / STOP).exists()


def _unwrapped(loader: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches; an error of a worker comes as its own sentence, without the worker's traceback."""
    try:
        yield from loader
    except XgeomError as error:
        last = str(error).strip().splitlines()[-1]
        # torch writes "module.ErrorClass: sentence" below the traceback of the worker.
        sentence = last.partition(": ")[2] if _WORKER_TRACE in str(error) else str(error)
        raise TrainingError(sentence) from None


class _Tally:
    """Means since the last report."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._losses: list[float] = []
        self._misses: list[float] = []
        self.frames = 0

    def add(self, loss: float, center_px: float, frames: int) -> None:
        self._losses.append(loss)
        self._misses.append(center_px)
        self.frames += frames

    @property
    def seconds(self) -> float:
        return max(time.monotonic() - self._start, 1e-6)

    @property
    def loss(self) -> float:
        return sum(self._losses) / len(self._losses)

    @property
    def center_px(self) -> float:
        return sum(self._misses) / len(self._misses)


def learning_rate(plan: TrainingConfig, step: int) -> float:
    """Learning rate at a step (from 0): linear warm-up, then constant or half a cosine to 1%."""
    if step < plan.warmup_steps:
        return plan.learning_rate * (step + 1) / plan.warmup_steps
    if plan.schedule == "constant":
        return plan.learning_rate
    past = (step - plan.warmup_steps) / max(plan.steps - plan.warmup_steps, 1)
    return plan.learning_rate * (0.01 + 0.99 * (1.0 + math.cos(math.pi * past)) / 2.0)


def _device(plan: TrainingConfig) -> torch.device:
    """The device asked for, or the best there is."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if plan.device == "auto":
        return torch.device(next(name for name, present in there.items() if present))
    if not there[plan.device]:
        raise TrainingError(
            f"training.device = {plan.device!r}, but torch {torch.__version__} finds no such device here; "
            "use 'auto' or 'cpu', or install a torch build for your GPU."
        )
    return torch.device(plan.device)


def _claim(run_dir: Path, config: Config) -> None:
    """Record what this run is, and refuse a folder that holds another."""
    text = config.to_toml()
    path = run_dir / "config.toml"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise TrainingError(
            f"{run_dir} holds a run with another configuration; choose another --run-dir, "
            "or give the configuration of that run to go on with it."
        )
    path.write_text(text, encoding="utf-8")
    facts = {
        "xgeom": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cuda": torch.version.cuda,
    }
    (run_dir / "environment.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")


@contextmanager
def _signals(ask: Callable[[], None]) -> Iterator[None]:
    """INT and TERM ask the run to stop instead of ending it; restored afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: ask())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

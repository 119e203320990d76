"""``xgeom train``: train a model in a run folder."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.terminal import tell
from xgeom_core.errors import TrainingError, XgeomError
from xgeom_core.models.torch_needed import need_torch
from xgeom_core.resources import resource
from xgeom_core.training.events import Event, EventLog, Failed, Finished, Stage, Step, Validation
from xgeom_core.training.failure_messages import what_is_kept
from xgeom_core.training.heartbeat import beating
from xgeom_core.training.run_lock import only_writer

if TYPE_CHECKING:
    from xgeom_core.training.config import Config


def train(
    config: Annotated[Path, typer.Argument(help="Training configuration (TOML).", metavar="CONFIG.toml")],
    run_dir: Annotated[
        Path, typer.Option("--run-dir", help="Run folder; one that was stopped goes on.", metavar="DIR")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON event a line on stdout.")] = False,
) -> None:
    """Train a model on simulated frames or on files; stop it with Ctrl+C or a file STOP in the run folder.

    A bundled recipe can be given by its name. Under torchrun, all its processes share the run:
    torchrun --nproc-per-node 2 -m xgeom_core train CONFIG.toml --run-dir DIR
    """
    from xgeom_core.training.config import load_config  # noqa: PLC0415 - pydantic takes time

    settings = load_config(recipe_or_file(config))
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"The run folder {run_dir} cannot be made: {error.strerror}.") from None
    # Of several processes, one writes and speaks.
    leads = os.environ.get("RANK", "0") == "0"
    try:
        with only_writer(run_dir) if leads else nullcontext():
            _train(settings, run_dir, _Log(run_dir, as_json) if leads else EventLog(None), leads)
    except OSError as error:
        raise TrainingError(_sentence(error, run_dir)) from error


def _train(settings: Config, run_dir: Path, log: EventLog, leads: bool) -> None:
    """Train, and tell how it ended."""
    try:
        need_torch("Training")
        log.write(Stage(text="importing torch"))
        with beating(log, leads):
            # torch takes seconds to import; the window is told first.
            from xgeom_core.training.loop import train as run  # noqa: PLC0415

            run(settings, run_dir, log, shlex.join(["xgeom", *sys.argv[1:]]))
    except OSError as error:
        sentence = _sentence(error, run_dir)
        _last_words(log, sentence)
        raise TrainingError(sentence) from error
    except XgeomError as error:
        _last_words(log, str(error))
        raise TrainingError(str(error)) from error
    finally:
        with suppress(OSError):
            log.close()
        _leave_stdout_in_order()


def recipe_or_file(config: Path) -> Path:
    """The file, or the bundled recipe of that name."""
    if config.exists() or config.suffix:
        return config
    try:
        return resource(f"recipes/{config}.toml")
    except XgeomError:
        return config


def _sentence(error: OSError, run_dir: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return (
            f"The disk of {run_dir} is full ({error.strerror}). The run stopped. Make room. "
            f"{what_is_kept(run_dir)}"
        )
    return f"{error.strerror or error}: {error.filename}." if error.filename else str(error)


def _last_words(log: EventLog, sentence: str) -> None:
    """Tell that the run failed, as far as a full disk lets it."""
    with suppress(OSError):
        log.write(Failed(message=sentence))


def _leave_stdout_in_order() -> None:
    """What a closed terminal or pipe did not take must not make the interpreter's own end a failure."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Log(EventLog):
    """Events to the file, and to standard output as JSON or in words."""

    def __init__(self, run_dir: Path, as_json: bool) -> None:
        super().__init__(run_dir / "events.jsonl", sys.stdout if as_json else None)
        self._words = not as_json

    def write(self, event: Event) -> None:
        super().write(event)
        text = in_words(event) if self._words else ""
        if text:
            try:
                tell(text)
            except OSError:
                # The terminal was closed, or whoever read this is gone: the run is not.
                self._words = False


def in_words(event: Event) -> str:
    """One line for people; "" for events that need none."""
    match event:
        case Stage():
            return f"{event.text} ..."
        case Step():
            return (
                f"step {event.step}/{event.steps}  loss {event.loss:.3f}  center {event.center_px:.1f} px  "
                f"{event.frames_per_s:.0f} frames/s"
            )
        case Validation():
            return (
                f"  validation {event.data}: center {event.center_px:.2f} px "
                f"(constant predictor {event.center_constant_px:.2f}), tilt {event.tilt_deg:.2f} deg "
                f"(constant {event.tilt_constant_deg:.2f})"
            )
        case Finished():
            return f"{event.reason} after {event.step} steps: {event.model}"
        case _:
            return ""

"""``xgeom train``: train a model in a run folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from xgeom_core.errors import TrainingError, XgeomError
from xgeom_core.training.events import Event, EventLog, Failed, Finished, Stage, Step, Validation


def train(
    config: Annotated[Path, typer.Argument(help="Training configuration (TOML).", metavar="CONFIG.toml")],
    run_dir: Annotated[
        Path, typer.Option("--run-dir", help="Run folder; one that was stopped goes on.", metavar="DIR")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON event a line on stdout.")] = False,
) -> None:
    """Train a model on simulated frames or on files; stop it with Ctrl+C or a file STOP in the run folder."""
    from xgeom_core.training.config import load_config  # noqa: PLC0415 - pydantic takes time

    settings = load_config(config)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"The run folder {run_dir} cannot be made: {error.strerror}.") from None
    log = _Log(run_dir / "events.jsonl", as_json)
    log.write(Stage(text="importing torch"))
    try:
        # torch takes seconds to import; the window is told first.
        from xgeom_core.training.loop import train as run  # noqa: PLC0415

        run(settings, run_dir, log, shlex.join(["xgeom", *sys.argv[1:]]))
    except (XgeomError, OSError) as error:
        log.write(Failed(message=str(error)))
        raise TrainingError(str(error)) from error
    finally:
        log.close()


class _Log(EventLog):
    """Events to the file, and to standard output as JSON or in words."""

    def __init__(self, path: Path, as_json: bool) -> None:
        super().__init__(path, sys.stdout if as_json else None)
        self._words = not as_json

    def write(self, event: Event) -> None:
        super().write(event)
        text = in_words(event) if self._words else ""
        if text:
            typer.echo(text)


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

"""The command line: one thin module per verb. ``main`` is the entry point ``xgeom``."""

from __future__ import annotations

import importlib
import io
import os
import shlex
import sys
from collections.abc import Sequence

import typer

from xgeom_core.cli.faults import DEBUG, told
from xgeom_core.cli.terminal import say
from xgeom_core.errors import XgeomError

# In the order of the help. Each stands in a module of its name; those of "jobs" are a group.
_VERBS = (
    "predict", "info", "geometry", "compare", "rescue", "simulate", "train", "sweep", "evaluate", "export",
    "jobs",
)  # fmt: skip


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """What takes the words after ``xgeom``; where the first is a verb, no other verb is imported."""
    app = typer.Typer(
        name="xgeom",
        help="Where does the beam hit the detector, and how is the detector tilted?",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # With a callback, a single verb still has to be named.
    app.callback()(_root)
    for verb in words[:1] if words and words[0] in _VERBS else _VERBS:
        found = getattr(importlib.import_module(f"xgeom_core.cli.{verb}"), verb)
        if isinstance(found, typer.Typer):
            app.add_typer(found)
        else:
            app.command()(found)
    return app


def _root() -> None:
    pass


def main() -> None:
    """Run the command line; every error ends in one sentence on stderr, never in a traceback."""
    # What cannot be written in the terminal's own alphabet is escaped.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(command_line(sys.argv[1:])(standalone_mode=False))
    except XgeomError as error:
        say(f"xgeom: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        wrong = _wrong_arguments(error)
        if wrong is not None:
            say(*wrong)
            sys.exit(2)
        if DEBUG in os.environ or _in_job():
            raise
        say(f"xgeom: {told(error, 'running ' + shlex.join(['xgeom', *sys.argv[1:]]))}")
        sys.exit(1)


def _in_job() -> bool:
    """Whether a job runs this: its log is where details belong, and what is read to say why it failed."""
    from xgeom_core.jobs.process_tree import MARK  # noqa: PLC0415 - psutil takes time

    return MARK in os.environ


def _wrong_arguments(error: Exception) -> list[str] | None:
    """What the library that takes the command line apart says of it; None for other errors.

    Its class for such errors is private to it, and in a box it would show arguments as they are.
    """
    message, context = getattr(error, "format_message", None), getattr(error, "ctx", None)
    if message is None:
        return None
    text = message().strip()
    if not text:
        # Without any arguments: the help was shown.
        return []
    end = "" if text.endswith((".", "?")) else "."
    return [f"xgeom: {text}{end} '{context.command_path if context else 'xgeom'} --help' tells more."]

"""What a user is told of an exception, and where the details of one that nobody foresaw go."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path

from xgeom_core.cli.terminal import say, visible_lines
from xgeom_core.errors import XgeomError
from xgeom_core.system.text import visible

DEBUG = "XGEOM_DEBUG"
"""Set in the environment, it has tracebacks shown on the terminal."""

# The log of faults begins anew beyond this; the one before is kept beside it.
_LOG_BYTES = 1_000_000
_MOST_WORDS = 200


def told(error: Exception, doing: str) -> str:
    """One sentence for the user about whatever went wrong.

    Parameters
    ----------
    error : Exception
        Its traceback is kept, unless it is of a kind that xgeom is not to blame for.
    doing : str
        What was being done, to go on from "while", such as ``"predicting frame 3 of run.h5"``.
    """
    if isinstance(error, XgeomError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"There was not enough memory while {doing}{_words(error)}."
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"The system refused something while {doing} ({error.strerror}{where})."
    what = f"{type(error).__name__}{_words(error)}"
    return f"A fault of xgeom while {doing}: {what}. Please report it; {_kept(error, doing)}."


def _words(error: Exception) -> str:
    """The first line of an exception's message, in brackets; "" if it has none."""
    line = next(iter(str(error).strip().splitlines()), "")
    short = line if len(line) <= _MOST_WORDS else line[: _MOST_WORDS - 1] + "…"
    return f" ({short})" if short else ""


def log_file() -> Path:
    """Where details of faults are kept."""
    import platformdirs  # noqa: PLC0415 - so that --help answers at once

    return Path(platformdirs.user_log_dir("xgeom", appauthor=False)) / "faults.log"


def _kept(error: Exception, doing: str) -> str:
    """Keep an exception's traceback; where it is, in words."""
    details = "".join(traceback.format_exception(error))
    if DEBUG in os.environ:
        say(*visible_lines(details))
        return "its details stand above"
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        head = f"{time.strftime('%Y-%m-%d %H:%M:%S')} while {visible(doing)}"
        with path.open("a", encoding="utf-8") as log:
            log.write("\n".join((head, *visible_lines(details), "")))
    except OSError:
        return f"{DEBUG}=1 in the environment shows the details"
    return f"the details are in {path}"

"""What reaches the terminal: every line passes here, and nothing in a file can steer a terminal with it.

Titles, names of files and words of headers are other people's. Characters of theirs that a terminal would
obey, or that turn a line around, are shown in their place: ``\\x1b`` for ESC.
"""

from __future__ import annotations

import json
import sys
from typing import TextIO

from xgeom_core.system.text import visible


def tell(*lines: object) -> None:
    """Lines of the answer, on standard output."""
    _write(sys.stdout, [visible(str(line)) for line in lines])


def tell_json(content: object) -> None:
    """One line of JSON, on standard output; all that is not ASCII in it is escaped, and DEL too."""
    _write(sys.stdout, [json.dumps(content).replace("\x7f", "\\u007f")])


def say(*lines: object) -> None:
    """Lines for people on standard error, which leaves standard output to the answer."""
    _write(sys.stderr, [visible(str(line)) for line in lines])


def pass_on(text: str) -> None:
    """A text of many lines, to standard output: as it is to a file or program, visible on a terminal."""
    if sys.stdout.isatty():
        text = "\n".join(visible_lines(text))
    sys.stdout.write(text)
    sys.stdout.flush()


def visible_lines(text: str) -> list[str]:
    """A text in lines, each visible; tabs stay, and what went back to a line's beginning begins another."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return ["\t".join(map(visible, line.split("\t"))) for line in lines]


def _write(stream: TextIO, lines: list[str]) -> None:
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()

"""Keywords of XDS.INP and of the headers of its logs: ``NAME= values``, several a line, ``!`` comments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

# A name stands at the start of a line or after a blank and ends with its equals sign.
_KEYWORD = re.compile(r"(?:^|(?<=\s))([A-Z][A-Z0-9_'()/&.\-]*)=")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?(?![\w.])")
_LONGEST_LINE = 2000


def keywords(text: str) -> dict[str, list[str]]:
    """The values of each keyword as text, in the order in which they stand."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        for name, start, end in _spans(line):
            found.setdefault(name, []).append(line[start:end].strip())
    return found


def _spans(line: str) -> list[tuple[str, int, int]]:
    """Keywords of a line, each with where its value starts and ends (before the next one or a comment)."""
    code = line[:_LONGEST_LINE].split("!", 1)[0]
    matches = list(_KEYWORD.finditer(code))
    if not matches:
        return []
    ends = [match.start() for match in matches[1:]] + [len(code)]
    return [(match.group(1), match.end(), end) for match, end in zip(matches, ends, strict=True)]


def numbers(value: str) -> list[float]:
    """The numbers at the start of a value, up to the first thing that is none."""
    found = []
    for word in value.split():
        match = _NUMBER.match(word)
        if match is None or match.end() != len(word):
            break
        number = float(word.lower().replace("d", "e"))
        if not math.isfinite(number):
            break
        found.append(number)
    return found


def replaced(text: str, values: Mapping[str, str]) -> str:
    """The text with new values for some keywords; comments, spacing and all else stay as they are.

    Keywords that the text lacks are added at its end.
    """
    missing = dict(values)
    lines = []
    for line in text.split("\n"):
        changed = line
        for name, start, end in reversed(_spans(line)):
            if name in values:
                old = line[start:end]
                tail = old[len(old.rstrip()) :] if end < len(line) else ""
                changed = f"{changed[:start]} {values[name]}{tail}{changed[end:]}"
                missing.pop(name, None)
        lines.append(changed)
    if missing:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += [f"{name}= {value}" for name, value in missing.items()]
        lines.append("")
    return "\n".join(lines)

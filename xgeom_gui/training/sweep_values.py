"""What a sweep varies, as one types it: ``a, b, c``, ``0.001 to 0.1`` or ``0.001 to 0.1 log``. No widget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from xgeom_core.errors import ConfigError
from xgeom_core.training.search_space import Choice, Space

_ASK = "Write choices such as 200, 300, 400, or a range such as 0.001 to 0.1 log."


def choice_of(text: str) -> Choice:
    """What a line of text allows.

    Raises
    ------
    ConfigError
        With what would do.
    """
    words = text.replace("…", " to ").split()
    if "to" in words:
        return _range(words)
    parts = [part.strip() for part in text.split(",")]
    values = [_value(part) for part in parts if part]
    if not values:
        raise ConfigError(_ASK)
    return Choice(choices=values)


def text_of(choice: Choice) -> str:
    """A choice as one would type it."""
    if choice.choices is not None:
        return ", ".join(str(value) for value in choice.choices)
    return f"{choice.low:g} to {choice.high:g}{' log' if choice.log else ''}"


def runs_of(space: Mapping[str, Choice]) -> int | None:
    """How many different runs there are; None for a range, which has no end of them."""
    if any(choice.choices is None for choice in space.values()):
        return None
    return math.prod(len(set(choice.choices or ())) for choice in space.values())


def space_toml(space: Space) -> str:
    """The file that ``xgeom sweep --space`` reads."""
    lines = [f'rank_by = "{space.rank_by}"', f"seed = {space.seed}", "", "[vary]"]
    for key, choice in space.vary.items():
        if choice.choices is not None:
            said = ", ".join(f'"{v}"' if isinstance(v, str) else repr(v) for v in choice.choices)
            lines.append(f'"{key}" = {{ choices = [{said}] }}')
        else:
            flags = {"log": choice.log, "whole": choice.whole}
            more = "".join(f", {name} = true" for name, on in flags.items() if on)
            lines.append(f'"{key}" = {{ low = {choice.low!r}, high = {choice.high!r}{more} }}')
    return "\n".join(lines) + "\n"


def _range(words: list[str]) -> Choice:
    log = words[-1] == "log"
    words = words[:-1] if log else words
    if len(words) != 3 or words[1] != "to":
        raise ConfigError(_ASK)
    low, high = _value(words[0]), _value(words[2])
    if isinstance(low, str) or isinstance(high, str):
        raise ConfigError(_ASK)
    if not low < high or (log and low <= 0):
        raise ConfigError("The first number must lie below the second" + (", and above 0." if log else "."))
    whole = isinstance(low, int) and isinstance(high, int)
    return Choice(low=float(low), high=float(high), log=log, whole=whole)


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

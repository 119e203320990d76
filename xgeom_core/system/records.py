"""Records on the disk, JSON and TOML: read with limits, checked against a type, damage as a value.

Whoever reads a record gets it as it should be, nothing (there is no file), or `Damaged` with a sentence.
No content whatsoever raises anything else, so that one bad file spoils no list of others.
"""

from __future__ import annotations

import functools
import json
import math
import os
import sys
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from xgeom_core.errors import XgeomError
from xgeom_core.system.safe_files import read_bytes
from xgeom_core.system.text import shortened, visible

MOST_BYTES = 1 << 20
_DEEPEST = 20
_LONGEST_TEXT = 100_000
_MOST_ITEMS = 10_000
_T = TypeVar("_T")
_Check = Callable[[Any], Any]
# What parsers raise at content that is no content: bad syntax or encoding, numbers of 5,000 digits, nesting
# by the thousand.
UNPARSABLE = (ValueError, RecursionError, OverflowError)


@dataclass(frozen=True)
class Damaged:
    """A record that cannot be understood.

    Parameters
    ----------
    sentence : str
        Which file, and what is wrong with it.
    """

    sentence: str


def read_record(path: Path, kind: type[_T]) -> _T | Damaged | None:
    """A JSON object as a dataclass; None if there is no such file.

    Parameters
    ----------
    path : Path
        Not followed if it is a link.
    kind : dataclass
        Its fields say what must be there, and of which type; entries that it does not know are passed over.
    """
    try:
        return typed(kind, parse_json(read_bytes(path, MOST_BYTES, follow=False)))
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or str(error)
    except UNPARSABLE as error:
        why = _why(error)
    return Damaged(f"{path} is damaged ({why}).")


def parse_json(data: bytes | str) -> Any:
    """What a JSON text means; no numbers that are none, no deep nesting.

    Raises
    ------
    ValueError, RecursionError
        If it is no such text.
    """
    content = json.loads(data, parse_constant=_no_number)
    _check_depth(content)
    return content


def read_toml(path: Path, error: type[XgeomError], what: str) -> dict[str, Any]:
    """What a TOML file holds.

    Parameters
    ----------
    path : Path
        May be a link, to a regular file.
    error : type of XgeomError
        What to raise.
    what : str
        What the file is, such as ``"configuration"``.

    Raises
    ------
    XgeomError
        If there is no such file, it cannot be read, is larger than 1 MiB, or is no TOML.
    """
    try:
        content = tomllib.loads(read_bytes(path, MOST_BYTES).decode("utf-8"))
        # TOML can say inf and nan; which entry may not hold them is for the models to say, by its name.
        _check_depth(content, infinite=True)
        return content
    except FileNotFoundError:
        raise error(f"There is no {what} file {path}.") from None
    except OSError as fault:
        raise error(f"The {what} {path} cannot be read: {fault.strerror or fault}.") from None
    except UNPARSABLE as fault:
        raise error(f"{path} is not valid TOML: {_why(fault)}.") from None


def typed(kind: type[_T], content: object) -> _T:
    """A dataclass from what a JSON object holds.

    Raises
    ------
    ValueError
        If an entry is missing or of another type; says which.
    """
    if not isinstance(content, Mapping):
        raise ValueError("it is no JSON object")
    found = {}
    for name, check, needed in _checks(kind):  # type: ignore[arg-type]
        if name in content:
            try:
                found[name] = check(content[name])
            except UNPARSABLE as error:
                raise ValueError(f"its entry {name!r} {error}") from None
        elif needed:
            raise ValueError(f"its entry {name!r} is missing")
    return kind(**found)


@functools.cache
def _checks(kind: type) -> tuple[tuple[str, _Check, bool], ...]:
    hints = typing.get_type_hints(kind)
    return tuple(
        (one.name, _check_of(hints[one.name]), one.default is MISSING and one.default_factory is MISSING)
        for one in fields(kind)
        if one.init
    )


def _check_of(hint: Any) -> _Check:
    """A function that returns a value as the type wants it, or raises what a sentence can end in."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        one = _check_of(next(each for each in inner if each is not type(None)))
        return lambda value: None if value is None else one(value)
    if origin is Literal:
        return functools.partial(_one_of, inner)
    if origin is tuple:
        return functools.partial(_tuple, _check_of(inner[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return functools.partial(typed, hint)
    return _PLAIN[hint]


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError("is no text")
    if not value.isascii():
        try:
            # Names of files need not be text, but the system must be able to take them.
            os.fsencode(value)
        except UnicodeEncodeError:
            raise ValueError("is no text") from None
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise ValueError("is no whole number")
    return value


def _number(value: Any) -> float:
    # Events tell what is not known as NaN; `parse_json` lets none of that into records.
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("is no number")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def _one_of(known: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"is none of {', '.join(map(str, known))}")
    return value


def _tuple(check: _Check, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        raise ValueError("is no list")
    return tuple(check(one) for one in value)


_PLAIN: dict[Any, _Check] = {str: _text, int: _whole, float: _number, bool: _flag}


def _check_depth(content: object, infinite: bool = False) -> None:
    """Refuse what would send everything that walks through it too deep, and numbers that are infinite."""
    level = [content]
    for _ in range(_DEEPEST):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
            elif isinstance(one, float) and math.isinf(one) and not infinite:
                raise ValueError("it holds a number that is too large")
        if not inner:
            return
        level = inner
    raise ValueError("it is nested too deeply")


def _no_number(name: str) -> None:
    raise ValueError(f"it holds {name}")


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if "integer string conversion" in str(error):
        return f"it holds a number of more than {sys.get_int_max_str_digits()} digits"
    return shortened(visible(str(error)).rstrip("."))

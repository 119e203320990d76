"""What the composer's fields hold: a configuration, or problems with their places. Knows no widget."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from xgeom_core.training.config import Config
from xgeom_gui.training.form_words import title_of

_KEY = re.compile(r"\b(?:model|data|validation|training)(?:\.\w+)+")


@dataclass(frozen=True)
class Problem:
    """Something that must be mended before anything starts.

    Parameters
    ----------
    path : str
        The field, such as ``"training.batch"``; "" when it is none of them.
    text : str
        What is wrong and what would do, without the field's name.
    """

    path: str
    text: str


def flat(config: BaseModel, above: str = "") -> dict[str, Any]:
    """Values of a configuration by dotted path; sections are taken apart, lists and dicts are not."""
    values: dict[str, Any] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            values |= flat(value, f"{above}{name}.")
        else:
            values[above + name] = value
    return values


def fields(section: type[BaseModel] = Config, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of the configuration with its dotted path, in the schema's order."""
    for name, info in section.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{above}{name}.")
        else:
            yield above + name, info


def check(values: Mapping[str, Any]) -> tuple[Config | None, tuple[Problem, ...]]:
    """The configuration that values describe, or what is wrong with them.

    Parameters
    ----------
    values : mapping of str to object
        By dotted path; numbers may be texts as typed.
    """
    found = {problem.path: problem for problem in _unasked(values)}
    config: Config | None = None
    try:
        config = Config.model_validate(_nested(values))
    except ValidationError as error:
        # One sentence a field: the first is the one to heed.
        for problem in _problems(error):
            found.setdefault(problem.path, problem)
    return (None if found else config), tuple(found.values())


def _unasked(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What the schema allows and nobody wants."""
    if not values.get("data.kinds") and not values.get("data.files"):
        yield Problem("data.kinds", "Choose at least one kind of frames, or files.")
    if not values.get("validation.kinds") and not values.get("validation.files"):
        yield Problem("validation.kinds", "Choose at least one set: nothing else tells whether it learns.")


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for path, value in values.items():
        *above, last = path.split(".")
        section = plain
        for step in above:
            section = section.setdefault(step, {})
        section[last] = value
    return plain


def _problems(error: ValidationError) -> Iterator[Problem]:
    for item in error.errors():
        text = str(item["msg"]).removeprefix("Value error, ")
        location = ".".join(str(step) for step in item["loc"])
        named = list(dict.fromkeys(_KEY.findall(text)))
        if item["type"] == "value_error" and named:
            # Fields that do not go together: the sentence stands at the first, which is the one to change.
            yield Problem(named[0], _sentence(text))
        elif item["type"] == "value_error":
            yield Problem(_place_of(location, text), _sentence(text))
        else:
            yield Problem(_known(location), _sentence(_plain(text, item["input"])))


def _place_of(location: str, text: str) -> str:
    """A rule that names no key: the choice that it is about."""
    if "architecture" in text:
        return "model.architecture"
    return "data.kinds" if "[data]" in text else _known(location)


def _known(location: str) -> str:
    """The field at a location or above it: a problem inside a list stands at the list."""
    paths = {path for path, _ in fields()}
    while location and location not in paths:
        location = location.rpartition(".")[0]
    return location


def _plain(text: str, given: Any) -> str:
    if "valid number" in text or "valid integer" in text:
        what = "a whole number" if "integer" in text else "a number"
        return f"{given!r} is not {what}" if str(given).strip() else f"this needs {what}"
    return text.removeprefix("Input ")


def _sentence(text: str) -> str:
    # "training.batch must be …": as the form calls them.
    words = _KEY.sub(lambda match: f"“{title_of(match.group())}”", text)
    return f"{words[:1].upper()}{words[1:]}."

"""A recipe as a TOML file with every entry, its value and what it means: to copy and change."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WIDTH = 44


def recipe_toml(recipe: BaseModel) -> str:
    """The whole recipe, defaults included, with the meaning and unit of each entry beside it.

    Of a mixture only what its parts state is shown: whole, it would be hundreds of lines long.

    Parameters
    ----------
    recipe : Recipe
        Any recipe, or a model like one; `load_recipe` reads the same one back from the text.

    Returns
    -------
    str
        TOML.
    """
    head = "# Every entry but the name may be left out; it then has the value of the kind `standard`."
    return "\n".join([head, *_section(recipe, (), whole=not getattr(recipe, "parts", {}))]) + "\n"


def _section(section: BaseModel, path: tuple[str, ...], *, whole: bool) -> list[str]:
    """Lines of one table: its own entries first, then the tables within, as TOML wants it."""
    lines, inner = [], []
    if path:
        lines = ["", *_comment(type(section).__doc__), f"[{'.'.join(path)}]"]
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if name == "parts":
            for key, part in value.items():
                inner += _section(part, (*path, name, _key(key)), whole=False)
        elif not whole and name not in section.model_fields_set:
            continue
        elif isinstance(value, BaseModel):
            inner += _section(value, (*path, name), whole=whole)
        else:
            lines.append(_entry(name, value, field))
    return lines + inner


def _comment(text: str | None) -> list[str]:
    first = (text or "").strip().split("\n")[0]
    return [f"# {first}"] if first else []


def _entry(name: str, value: Any, field: FieldInfo) -> str:
    # TOML has no "none": such an entry is shown as one that is left out.
    entry = f"# {name} =" if value is None else f"{name} = {_value(value)}"
    return f"{entry:{_WIDTH}s} # {field.description}" if field.description else entry


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        # TOML knows 1.0 and 1e-05, as Python writes them; whole numbers read better without ".0".
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)

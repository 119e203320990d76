"""What a sweep varies: a small TOML file, checked."""

from __future__ import annotations

import difflib
import random
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xgeom_core.errors import ConfigError
from xgeom_core.system.records import read_toml
from xgeom_core.system.text import shortened
from xgeom_core.training.config import Config


class Choice(BaseModel):
    """What a key may be: one of some values, or a number within a range."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: list[str | int | float] | None = Field(None, min_length=1, description="The values.")
    low: float | None = Field(None, description="Smallest number.")
    high: float | None = Field(None, description="Largest number.")
    log: bool = Field(False, description="Whether the logarithm is drawn evenly.")
    whole: bool = Field(False, description="Whether the number is an integer.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Choice:
        ranged = self.low is not None and self.high is not None
        if (self.choices is None) == (not ranged) or (self.choices and (self.low or self.high)):
            raise ValueError("needs either choices or both low and high")
        if ranged and not (self.low or 0) < (self.high or 0):
            raise ValueError("low must lie below high")
        return self


class Space(BaseModel):
    """What a sweep varies, and what it ranks by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vary: dict[str, Choice] = Field(min_length=1, description="Key, such as training.learning_rate.")
    rank_by: Literal["center", "tilt", "both"] = Field(
        "both", description="Mean over validation sets of error over that of the constant predictor."
    )
    seed: Annotated[int, Field(ge=0)] = 0

    def combinations(self) -> list[dict[str, Any]] | None:
        """Every variant there is, in an order that the seed decides; None where a number has a range.

        Shuffled, so that a sweep that is stopped early has seen something of every value.
        """
        lists = [choice.choices for choice in self.vary.values()]
        if any(values is None for values in lists):
            return None
        every = product(*(dict.fromkeys(values) for values in lists if values is not None))
        found = [dict(zip(self.vary, values, strict=True)) for values in every]
        random.Random(self.seed).shuffle(found)
        return found


def load_space(path: Path) -> Space:
    """Read and check what a sweep varies.

    Raises
    ------
    ConfigError
        With one sentence for the first mistake.
    """
    raw = read_toml(path, ConfigError, "search space")
    try:
        space = Space.model_validate(raw)
    except ValidationError as error:
        item = error.errors()[0]
        where = shortened(".".join(str(step) for step in item["loc"]))
        what = item["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path}: {where} will not do: {what}.") from None
    known = _keys(Config().model_dump(mode="json"))
    for key in space.vary:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ConfigError(f"{path}: a configuration has no key {shortened(key)!r}{hint}")
    return space


def _keys(plain: dict[str, Any], above: str = "") -> list[str]:
    found = []
    for key, value in plain.items():
        found.append(above + key)
        if isinstance(value, dict):
            found += _keys(value, f"{above}{key}.")
    return found

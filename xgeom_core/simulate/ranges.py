"""The kinds of numbers a recipe holds: checked ranges, shares, and draws from them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"the range {list(value)} is upside down")
    return value


def _positive(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] <= 0:
        raise ValueError(f"the range {list(value)} must lie above 0")
    return _ascending(value)


def _not_negative(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < 0:
        raise ValueError(f"the range {list(value)} must not reach below 0")
    return _ascending(value)


def _share(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < 0 or value[1] > 1:
        raise ValueError(f"the range {list(value)} must lie within 0 and 1")
    return _ascending(value)


def _counted(value: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= value[0] <= value[1]:
        raise ValueError(f"{list(value)} must be the fewest and the most, 1 or more")
    return value


def _weights(value: dict[str, float]) -> dict[str, float]:
    if not value or min(value.values()) < 0 or sum(value.values()) <= 0:
        raise ValueError("the weights must be 0 or more, and one of them above 0")
    return value


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]
NotNegativeRange = Annotated[tuple[float, float], AfterValidator(_not_negative)]
ShareRange = Annotated[tuple[float, float], AfterValidator(_share)]
CountRange = Annotated[tuple[int, int], AfterValidator(_counted)]
PositiveRange = Annotated[tuple[float, float], AfterValidator(_positive)]
Share = Annotated[float, Field(ge=0, le=1)]
# How often each name is drawn, relative to the others.
Weights = Annotated[dict[str, float], AfterValidator(_weights)]


class Section(BaseModel):
    """A section of a recipe: unknown keys are refused, and so are infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A number drawn evenly from a range."""
    return float(rng.uniform(*limits))


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A positive number whose logarithm is drawn evenly from a range."""
    return float(np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]))))


def choice(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """A name drawn according to its weight."""
    names = list(weights)
    share = np.array([weights[name] for name in names], dtype=np.float64)
    return str(names[int(rng.choice(len(names), p=share / share.sum()))])

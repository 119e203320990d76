"""Recipes: what a kind of simulated frame may look like. A small TOML file, checked."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from xgeom_core.errors import RecipeError
from xgeom_core.resources import resource
from xgeom_core.simulate.beam import BeamRecipe
from xgeom_core.simulate.crystals import CrystalRecipe
from xgeom_core.simulate.detectors import DetectorRecipe
from xgeom_core.simulate.ranges import Section
from xgeom_core.simulate.scattering import BackgroundRecipe
from xgeom_core.simulate.shadows import ShadowRecipe
from xgeom_core.system.records import read_toml
from xgeom_core.system.text import shortened


class Recipe(Section):
    """A kind of simulated frames.

    A recipe with `parts` is a mixture: each frame comes from one of them. What stands at the top of
    the file holds for every part that does not say otherwise.
    """

    name: str = Field(min_length=1, description="What the kind is called.")
    description: str = Field("", description="One line for people.")
    weight: float = Field(1.0, gt=0, description="As a part: how often, relative to the other parts.")
    binary: bool = Field(False, description="1 where a Bragg peak is, 0 elsewhere.")
    detector: DetectorRecipe = Field(DetectorRecipe(), description="Which detector, and where.")
    beam: BeamRecipe = Field(BeamRecipe(), description="The beam and the exposure.")
    crystal: CrystalRecipe = Field(CrystalRecipe(), description="The crystal.")
    background: BackgroundRecipe = Field(BackgroundRecipe(), description="Scattering that is not Bragg.")
    shadow: ShadowRecipe = Field(ShadowRecipe(), description="What stands between sample and detector.")
    parts: dict[str, Recipe] = Field(default_factory=dict, description="Recipes to choose from.")

    def one(self, rng: np.random.Generator) -> Recipe:
        """This recipe, or the part of it that the next frame comes from."""
        if not self.parts:
            return self
        parts = list(self.parts.values())
        weights = np.array([part.weight for part in parts])
        return parts[int(rng.choice(len(parts), p=weights / weights.sum()))].one(rng)


KINDS = ("standard", "varied", "flat", "binary", "long", "background-only", "realistic", "powder")


def load_recipe(kind: str) -> Recipe:
    """The recipe of a named kind, or of a TOML file.

    Parameters
    ----------
    kind : str
        One of `KINDS`, or the path of a ``.toml`` file.

    Raises
    ------
    RecipeError
        If there is no such kind or file, or an entry will not do; names the key and what it may be.
    """
    path = recipe_path(kind)
    raw = read_toml(path, RecipeError, "recipe")
    try:
        return Recipe.model_validate(_inherited(raw))
    except ValidationError as error:
        raise RecipeError(f"The recipe {path} will not do: {_sentence(error)}.") from None


def recipe_path(kind: str) -> Path:
    """The TOML file of a kind; see `load_recipe`."""
    path = Path(kind)
    if path.suffix == ".toml":
        return path
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(
            f"There is no kind {kind!r}; choose one of {', '.join(KINDS)}, or name a .toml recipe.{hint}"
        )
    return resource(f"kinds/{kind}.toml")


def _inherited(raw: dict[str, Any]) -> dict[str, Any]:
    """The TOML table with each part filled up from what stands above it."""
    parts = raw.get("parts")
    if not isinstance(parts, dict):
        return raw
    common = {key: value for key, value in raw.items() if key not in ("parts", "weight", "description")}
    filled = {
        name: _inherited(_merged(Recipe, common | {"name": name}, part)) if isinstance(part, dict) else part
        for name, part in parts.items()
    }
    return raw | {"parts": filled}


def _merged(model: type[BaseModel], below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """What stands above, and what stands below where the former is silent; section by section."""
    merged = dict(below)
    for key, value in above.items():
        section, known = _section(model, key), merged.get(key)
        # Weights are one value: adding to a table of them would leave names nobody asked for.
        if section is not None and isinstance(value, dict) and isinstance(known, dict):
            merged[key] = _merged(section, known, value)
        else:
            merged[key] = value
    return merged


def _section(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model of a section, where the key is one."""
    field = model.model_fields.get(key)
    annotation = field.annotation if field is not None else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _sentence(error: ValidationError) -> str:
    """The first mistake in words: the key, what was found, what it may be."""
    item = error.errors()[0]
    where = shortened(".".join(str(step) for step in item["loc"])) or "it"
    if item["type"] == "extra_forbidden":
        known = _known_keys(item["loc"][:-1])
        near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"unknown key {where!r}; {hint}".removesuffix("?")
    what = item["msg"].removeprefix("Value error, ")
    return f"{where} = {shortened(repr(item.get('input')))}: {what[:1].lower()}{what[1:]}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that the section at a location knows."""
    section: type[BaseModel] = Recipe
    steps = iter(location)
    for step in steps:
        if step == "parts":
            next(steps, None)
            continue
        section = _section(section, str(step)) or section
    return list(section.model_fields)

"""Settings to begin with: the poster's, the bundled recipes', or those of a file. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xgeom_core.errors import ConfigError, XgeomError
from xgeom_core.resources import resource
from xgeom_core.system.records import read_toml
from xgeom_core.training.config import Config, load_config
from xgeom_core.training.search_space import Choice, Space
from xgeom_core.training.sweep import varied

_FILE = "presets/presets.toml"


class _Entry(BaseModel):
    """One preset as the file has it."""

    model_config = ConfigDict(extra="forbid")

    title: str
    text: str
    recipe: str = ""
    changes: dict[str, Any] = Field(default_factory=dict)
    vary: dict[str, Choice] = Field(default_factory=dict)
    rank_by: str = "both"
    trials: int = 20


@dataclass(frozen=True)
class Preset:
    """Settings to begin with.

    Parameters
    ----------
    title, text : str
        What it is called and what it is, in a sentence.
    config : Config
    space : Space, optional
        What is varied, for a sweep.
    trials : int
        Runs of the sweep.
    """

    title: str
    text: str
    config: Config = field(default_factory=Config)
    space: Space | None = None
    trials: int = 20


@cache
def presets() -> tuple[Preset, ...]:
    """All presets, those of daily use first.

    Raises
    ------
    XgeomError
        If a bundled file is missing or damaged.
    """
    path = resource(_FILE)
    raw = read_toml(path, ConfigError, "list of presets")
    try:
        return tuple(_preset(_Entry.model_validate(one)) for one in raw["preset"])
    except (KeyError, ValidationError) as error:
        raise ConfigError(f"{path} is damaged ({error}); install xgeom again.") from None


def usable_presets() -> tuple[Preset, ...]:
    """The presets; without the bundled files, the defaults alone."""
    try:
        return presets()
    except XgeomError:
        return (Preset("Basic settings", "The defaults of every setting."),)


def preset_of_file(path: Path) -> Preset:
    """A configuration that the user has.

    Raises
    ------
    ConfigError
        With a sentence, if the file will not do.
    """
    return Preset(path.stem, f"From {path}.", load_config(path))


def _preset(entry: _Entry) -> Preset:
    config = load_config(resource(f"recipes/{entry.recipe}.toml")) if entry.recipe else Config()
    if entry.changes:
        config = varied(config, entry.changes, config.name)
    space = None
    if entry.vary:
        space = Space.model_validate({"vary": entry.vary, "rank_by": entry.rank_by})
    return Preset(entry.title, entry.text, config, space, entry.trials)

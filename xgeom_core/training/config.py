"""The training configuration: a TOML file, checked before anything starts."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xgeom_core.errors import ConfigError
from xgeom_core.models.settings import NetworkSettings


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Section):
    """What the network learns from: frames simulated on the fly, or HDF5 files."""

    kinds: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=lambda: {"standard": 1.0},
        description="Simulation kinds and their weights; used when no files are given.",
    )
    files: list[Path] = Field(
        default_factory=list, description="Training files (HDF5) to learn from instead of simulating."
    )
    reuse: int = Field(
        2, ge=1, le=8, description="Times each frame is shown, each time under another symmetry."
    )
    vignette: float = Field(
        0.4, ge=0, le=1, description="Share of frames cut to a smaller rectangle, as other detectors are."
    )
    seed: int = Field(1, ge=0, description="Seed of the simulated training frames.")
    workers: int = Field(1, ge=0, le=64, description="Processes that prepare frames.")


class ValidationConfig(_Section):
    """What the network is scored on while it trains."""

    kinds: list[str] = Field(
        default_factory=lambda: ["standard"], description="Simulation kinds, scored one by one."
    )
    files: list[Path] = Field(default_factory=list, description="Training files scored besides.")
    frames: int = Field(64, ge=4, description="Frames of each set.")
    seed: int = Field(9001, ge=0, description="Seed of the simulated validation frames.")
    every_steps: int = Field(500, ge=1, description="Steps between two validations.")


class TrainingConfig(_Section):
    """How the network learns."""

    steps: int = Field(2000, ge=1, description="Optimizer steps.")
    batch: int = Field(32, ge=1, description="Frames a step.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate (AdamW).")
    weight_decay: float = Field(1e-2, ge=0, description="Weight decay (AdamW).")
    warmup_steps: int = Field(100, ge=0, description="Steps over which the rate rises to its peak.")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="Course after the warm-up.")
    ema_decay: float = Field(
        0.998, ge=0, lt=1, description="Decay per step of the averaged weights that become the model."
    )
    clip_norm: float = Field(1.0, gt=0, description="Largest gradient norm.")
    tilt_weight: float = Field(0.3, ge=0, description="Weight of the tilt in the loss; the center has 1.")
    seed: int = Field(0, ge=0, description="Seed of the initial weights.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where to train.")
    threads: int = Field(0, ge=0, description="CPU threads; 0 takes them all.")
    checkpoint_minutes: float = Field(5.0, gt=0, description="Minutes between two checkpoints.")


class Config(_Section):
    """A whole training configuration."""

    name: str = Field("run", min_length=1, description="Name of the run and its model.")
    model: NetworkSettings = Field(default_factory=NetworkSettings)
    data: DataConfig = Field(default_factory=DataConfig)
    validation: ValidationConfig = Field(default_factory=ValidationConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)

    @model_validator(mode="after")
    def _has_data(self) -> Config:
        if not self.data.kinds and not self.data.files:
            raise ValueError("[data] needs kinds to simulate or files to read")
        if self.training.batch % self.data.reuse:
            raise ValueError("training.batch must be a multiple of data.reuse")
        return self

    def to_toml(self) -> str:
        """The configuration as TOML text that `load_config` reads back."""
        plain = self.model_dump(mode="json")
        lines = [f"name = {_toml_value(plain.pop('name'))}"]
        for section, values in plain.items():
            lines += ["", f"[{section}]"]
            lines += [f"{key} = {_toml_value(value)}" for key, value in values.items()]
        return "\n".join(lines) + "\n"


def load_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises
    ------
    ConfigError
        With one sentence for the first mistakes found: the file, the key, what was expected.
    """
    try:
        with path.open("rb") as stream:
            raw = tomllib.load(stream)
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    """The first mistakes of a validation in words."""
    parts = []
    for item in error.errors()[:3]:
        where = ".".join(str(step) for step in item["loc"]) or "the configuration"
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), _known_keys(item["loc"]), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            parts.append(f"unknown key {where!r}{hint}")
        else:
            what = item["msg"].removeprefix("Value error, ").lower()
            parts.append(f"{where} = {item['input']!r} will not do: {what}" if item["loc"] else what)
    return "; ".join(parts) + ("" if parts[-1].endswith("?") else ".")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that the section around a location knows."""
    section: Any = Config
    for step in location[:-1]:
        section = section.model_fields[str(step)].annotation
    return list(section.model_fields)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    return repr(value)


def _toml_key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else _toml_value(key)

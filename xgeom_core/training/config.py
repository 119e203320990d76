"""The training configuration: a TOML file, checked before anything starts."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from xgeom_core.errors import ConfigError
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.system.records import read_toml
from xgeom_core.system.text import name_problem, shortened


def _fit_to_show(name: str) -> str:
    problem = name_problem(name, slashes=False)
    if problem:
        raise ValueError(problem)
    return name


Name = Annotated[str, AfterValidator(_fit_to_show)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AugmentConfig(_Section):
    """Shares of shown frames that are changed in some way, their labels with them; 0 turns a way off."""

    shift: Share = Field(0.0, description="Moved by whole px; what comes in from outside is unknown.")
    farthest_shift: float = Field(0.1, ge=0, le=0.5, description="Largest move, as a share of the side.")
    gaps: Share = Field(0.0, description="Given gaps between modules, besides those they have.")
    shadows: Share = Field(0.0, description="Given the shadow of a stop, an arm or an edge.")
    dose: Share = Field(0.0, description="Thinned to a lower dose, down to 3%, evenly in its logarithm.")
    pooling: Share = Field(0.0, description="Summed 2 x 2, so that the detector looks half as large.")


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
    reuse_lag: int = Field(
        0, ge=0, le=1000, description="Batches between two showings of a frame; 0 shows all in one batch."
    )
    vignette: float = Field(
        0.4, ge=0, le=1, description="Share of frames cut to a smaller rectangle, as other detectors are."
    )
    distance_known: float = Field(
        0.7, ge=0, le=1, description="Share of frames whose distance the network is told, if it takes one."
    )
    augment: AugmentConfig = AugmentConfig()
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
    patience: int = Field(
        0, ge=0, description="Validations without a better mean loss after which the run ends; 0: never."
    )


class TrainingConfig(_Section):
    """How the network learns."""

    steps: int = Field(2000, ge=1, description="Optimizer steps.")
    batch: int = Field(32, ge=1, description="Frames a step, over all processes.")
    accumulate: int = Field(
        1, ge=1, description="Parts into which a batch is cut to save memory; divides the batch."
    )
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="AdamW, or SGD with momentum.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum (SGD).")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate.")
    finder_rate: float = Field(
        1.0, ge=0, le=1, description="Learning rate of stage 1 of 'polar', relative to that of the rest."
    )
    weight_decay: float = Field(1e-2, ge=0, description="Weight decay.")
    warmup_steps: int = Field(100, ge=0, description="Steps over which the rate rises to its peak.")
    schedule: Literal["cosine", "constant", "one-cycle", "trapezoid"] = Field(
        "cosine", description="Course after the warm-up; trapezoid is constant, then falls over the cooldown."
    )
    cooldown_steps: int = Field(
        500,
        ge=1,
        description="Steps of the fall (trapezoid). A file COOLDOWN in the run folder starts it early.",
    )
    loss: Literal["likelihood", "l1", "l2", "smooth-l1"] = Field(
        "likelihood", description="Loss; all but likelihood in units of 5% of the side and 3 degrees."
    )
    ema_decay: float = Field(
        0.998, ge=0, lt=1, description="Decay per step of the averaged weights that become the model."
    )
    clip_norm: float = Field(1.0, gt=0, description="Largest gradient norm.")
    tilt_weight: float = Field(0.3, ge=0, description="Weight of the tilt in the loss; the center has 1.")
    keep: Literal["last", "best"] = Field(
        "last", description="Which model to keep: the last, or the one of the best mean validation loss."
    )
    start_from: str = Field(
        "", description="Model (file or bundled) whose weights to begin with, where names and shapes agree."
    )
    seed: int = Field(0, ge=0, description="Seed of the initial weights.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where to train.")
    precision: Literal["single", "bfloat16", "float16"] = Field(
        "single", description="Of most of the arithmetic; float16 on CUDA only."
    )
    compile: Literal["no", "yes"] = Field("no", description="Whether torch compiles the network first.")
    threads: int = Field(0, ge=0, description="CPU threads; 0 takes them all.")
    checkpoint_minutes: float = Field(5.0, gt=0, description="Minutes between two checkpoints.")


class Config(_Section):
    """A whole training configuration."""

    name: Name = Field("run", description="Name of the run and its model.")
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
        if self.training.batch % self.training.accumulate:
            raise ValueError("training.batch must be a multiple of training.accumulate")
        return self

    @model_validator(mode="after")
    def _has_a_loss(self) -> Config:
        if self.training.loss == "likelihood" and self.model.uncertainty == "none":
            raise ValueError(
                "training.loss = 'likelihood' needs model.uncertainty = 'predicted'; choose 'l1' otherwise"
            )
        if self.model.architecture == "polar" and self.training.loss != "likelihood":
            raise ValueError("the architecture 'polar' needs training.loss = 'likelihood'")
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
    raw = read_toml(path, ConfigError, "configuration")
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
            parts.append(f"unknown key {shortened(where)!r}{hint}")
        else:
            what = item["msg"].removeprefix("Value error, ").lower()
            given = shortened(repr(item["input"]))
            parts.append(f"{where} = {given} will not do: {what}" if item["loc"] else what)
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
        # What JSON escapes TOML escapes alike, but for this one, which JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    return repr(value)


def _toml_key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else _toml_value(key)

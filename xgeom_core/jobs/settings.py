"""Training configurations as jobs need them: fitted to a place, changed at some keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.job import Place

if TYPE_CHECKING:
    from xgeom_core.training.config import Config


def for_place(config: Config, place: Place) -> Config:
    """A configuration that names the device of `place` and absolute paths.

    A job does not run where it was asked for, and its command must do the same in any terminal.
    """
    device = config.training.device
    if place.slurm is None:
        kinds = {name.partition(":")[0] for name in place.devices}
        device = "cuda" if "cuda" in kinds else "mps" if "mps" in kinds else "cpu"
    start = config.training.start_from
    if start and Path(start).exists():
        start = str(Path(start).absolute())
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"files": _absolute(config.data.files)}),
            "validation": config.validation.model_copy(update={"files": _absolute(config.validation.files)}),
            "training": config.training.model_copy(update={"device": device, "start_from": start}),
        }
    )


def changed(path: Path, config: Config | None, changes: dict[str, Any]) -> Config:
    """The configuration in a file, or the one given, with other values at some keys.

    Raises
    ------
    ConfigError
        If the result will not do; says at which key.
    """
    # pydantic takes time to import, and lists of jobs need none of it.
    from pydantic import ValidationError  # noqa: PLC0415

    from xgeom_core.training.config import Config, load_config  # noqa: PLC0415

    plain: dict[str, Any] = (config or load_config(path)).model_dump(mode="json")
    for key, value in changes.items():
        *above, last = key.split(".")
        section = plain
        for step in above:
            section = section.setdefault(step, {})
        section[last] = value
    try:
        return Config.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the configuration"
        raise ConfigError(f"{where} will not do: {first['msg'].removeprefix('Value error, ')}.") from None


def _absolute(paths: list[Path]) -> list[Path]:
    return [path.absolute() for path in paths]

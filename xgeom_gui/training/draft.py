"""A job being composed: from what the pages say to what is submitted. Knows no widget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xgeom_core.errors import ConfigError, XgeomError
from xgeom_core.jobs.job import Job, JobKind, Place, command_text
from xgeom_core.jobs.settings import check_place, for_place
from xgeom_core.resources import resource
from xgeom_core.system.safe_files import make_folder, write_text
from xgeom_core.training.config import Config
from xgeom_core.training.search_space import Space
from xgeom_gui.training.form_values import Problem
from xgeom_gui.training.form_words import title_of
from xgeom_gui.training.sweep_values import space_toml

CONFIG, SPACE = "config.toml", "space.toml"
_KEY = re.compile(r"\b(?:model|data|validation|training)(?:\.\w+)+")


@dataclass(frozen=True)
class Draft:
    """Everything that a start needs.

    Parameters
    ----------
    config : Config
    place : Place
    title : str
    folder : Path
        The folder that the job will have.
    space : Space, optional
        What a sweep varies; None for one run.
    trials, at_once : int
        Runs of a sweep, and how many of them at a time.
    """

    config: Config
    place: Place
    title: str
    folder: Path
    space: Space | None = None
    trials: int = 20
    at_once: int = 1

    @property
    def kind(self) -> JobKind:
        """What kind of job it is."""
        return "train" if self.space is None else "sweep"

    def arguments(self) -> tuple[str, ...]:
        """What follows ``xgeom``."""
        config = str(self.folder / CONFIG)
        if self.space is None:
            return ("train", config, "--run-dir", str(self.folder))
        return (
            *("sweep", config, "--space", str(self.folder / SPACE), "--dir", str(self.folder)),
            *("--trials", str(self.trials), "--jobs", str(self.at_once)),
        )

    def files(self) -> dict[str, str]:
        """What must stand in the folder before the command can run."""
        files = {CONFIG: for_place(self.config, self.place).to_toml()}
        if self.space is not None:
            files[SPACE] = space_toml(self.space)
        return files

    def command(self) -> str:
        """The command line, as one would type it."""
        return command_text(Job("", self.kind, self.title, self.folder, self.arguments(), self.place, 0.0))

    def write(self) -> None:
        """Put the files into the folder, so that the command works in a terminal. Touches the disk.

        Raises
        ------
        ConfigError
            If the folder cannot be written.
        """
        try:
            make_folder(self.folder)
            for name, text in self.files().items():
                write_text(self.folder / name, text)
        except OSError as error:
            raise ConfigError(
                f"{self.folder} cannot be written ({error.strerror}); choose another folder for jobs."
            ) from None

    def missing(self) -> tuple[Problem, ...]:
        """Files that are named and not there. Touches the disk."""
        found = []
        for path, files in (
            ("data.files", self.config.data.files),
            ("validation.files", self.config.validation.files),
        ):
            gone = [str(file) for file in files if not file.is_file()]
            if gone and path == "data.files" and self.place.slurm is None:
                found.append(Problem(path, f"There is no file {gone[0]}; a job may still have to make it."))
            elif gone:
                found.append(Problem(path, f"There is no file {gone[0]}."))
        start = self.config.training.start_from
        if start and not Path(start).is_file() and not _bundled(start):
            found.append(Problem("training.start_from", f"There is no model {start!r}, here or bundled."))
        return tuple(found)


def place_problem(config: Config, place: Place) -> Problem | None:
    """What of the place does not fit the settings."""
    try:
        check_place(config, place)
    except ConfigError as error:
        text = str(error)
        named = _KEY.search(text)
        words = _KEY.sub(lambda match: f"“{title_of(match.group())}”", text)
        return Problem(named.group() if named else "place", words)
    return None


def _bundled(name: str) -> bool:
    try:
        resource(f"models/{name}.safetensors")
    except XgeomError:
        return False
    return True

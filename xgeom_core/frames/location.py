"""What the user typed: a path, or a path and a dataset in it."""

from __future__ import annotations

import os
from pathlib import Path

from xgeom_core.errors import UnreadableFileError, UsageError

SEPARATOR = "::"
_GEOMETRY = "::geometry="


def split_geometry(location: str | os.PathLike[str]) -> tuple[str, str]:
    """Split off the geometry file that puts the panels of a file into one image; "" where none is named."""
    place, _, geometry = os.fspath(location).partition(_GEOMETRY)
    return place, geometry


def with_geometry(location: str, geometry: str) -> str:
    """A location whose panels are put together by another geometry file than its own, if it has one."""
    return f"{split_geometry(location)[0]}{_GEOMETRY}{geometry}"


def split_location(location: str | os.PathLike[str]) -> tuple[str, str]:
    """Split ``"PATH::/dataset"`` into path and dataset.

    Parameters
    ----------
    location : str or path-like
        A path, or a path and the name of a dataset with ``::`` between them.

    Returns
    -------
    path, dataset : str
        The dataset is "" where none is named, and else starts with a slash. A file whose own name
        holds ``::`` is taken at its word.
    """
    text = os.fspath(location)
    if SEPARATOR not in text or Path(text).exists():
        return text, ""
    path, _, dataset = text.rpartition(SEPARATOR)
    return path, absolute(dataset)


def absolute(dataset: str) -> str:
    """The dataset's name with one leading slash and no trailing one; "" stays ""."""
    name = dataset.strip().strip("/")
    return f"/{name}" if name else ""


def choose_dataset(in_location: str, argument: str | None) -> str:
    """The one dataset asked for, in the location or as an argument; "" for none.

    Raises
    ------
    UsageError
        If both are given and differ.
    """
    given = absolute(argument or "")
    if given and in_location and given != in_location:
        raise UsageError(f"Two datasets are asked for, {in_location} and {given}: name only one.")
    return given or in_location


def check_file(path: str) -> None:
    """Make sure that there is something to read.

    Raises
    ------
    UnreadableFileError
        If the path does not exist, is a folder, is empty or may not be read.
    """
    file = Path(path)
    try:
        if not file.exists():
            raise UnreadableFileError(f"{path} does not exist: check the name and the folder.")
        if file.is_dir():
            raise UnreadableFileError(f"{path} is a folder, not a file of frames: name a file in it.")
        if not file.is_file():
            raise UnreadableFileError(f"{path} is not a regular file: name a file of frames.")
        if file.stat().st_size == 0:
            raise UnreadableFileError(f"{path} is empty (0 bytes): copy or write it again.")
        with file.open("rb"):
            pass
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read ({error.strerror or error}).") from error

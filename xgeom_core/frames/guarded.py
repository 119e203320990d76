"""Files read in the reading process: whatever is wrong with one becomes a sentence.

A file from a stranger, or a damaged one, can crash the library that reads it, keep it busy for ever or ask
for more memory than there is. That happens in a process of its own here (`xgeom_core.frames.child`), with
limits on time, memory and size; docs/untrusted-files.md says what is promised.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.source import FrameSource
from xgeom_core.frames.asking import ask
from xgeom_core.frames.remote_source import RemoteSource
from xgeom_core.frames.service import Service
from xgeom_core.frames.tree_nodes import Details, Node


def open_frames(location: str | os.PathLike[str], *, dataset: str | None = None) -> FrameSource:
    """Open a file of diffraction frames; nothing is read yet but what describes it.

    Parameters
    ----------
    location : str or path-like
        ``"PATH"`` or ``"PATH::/dataset"``.
    dataset : str, optional
        The dataset to read, where an HDF5 file holds several; as good as naming it in ``location``.

    Returns
    -------
    FrameSource
        Use it in a ``with`` statement, or close it.

    Raises
    ------
    UnreadableFileError
        If the file is absent, truncated, of a kind that is not known, or cannot be read within the limits.
    MissingDatasetError
        If the file holds no image, or not the dataset asked for.
    MissingSourceError
        If the file keeps its images in other files that are gone.
    UsageError
        If ``location`` and ``dataset`` name different datasets.
    """
    return RemoteSource(os.fspath(location), dataset or "")


def image_suffixes() -> frozenset[str]:
    """Usual endings of the names of files with images, as the readers know them."""
    return frozenset(ask(Service.image_suffixes, "The list of formats"))


def read_mask(path: str | os.PathLike[str]) -> NDArray[np.bool_]:
    """As `xgeom_core.frames.mask_file.read_mask`."""
    return ask(Service.mask, os.fspath(path), os.fspath(path))


def format_of(path: str | os.PathLike[str]) -> str:
    """Key of the format of a geometry file (see `xgeom_core.formats.registry`).

    Raises
    ------
    UnreadableFileError
        If no format recognizes it.
    """
    return ask(Service.format_of, os.fspath(path), os.fspath(path))


def assembles(path: str | os.PathLike[str]) -> bool:
    """Whether a geometry file of CrystFEL puts panels that are stacked in a file into one image."""
    return ask(Service.assembles, os.fspath(path), os.fspath(path))


def read_geometry(path: str | os.PathLike[str], hints: Hints = Hints()) -> list[Reading]:  # noqa: B008 - frozen
    """As `xgeom_core.formats.registry.read_geometry`."""
    return ask(Service.geometry, os.fspath(path), os.fspath(path), hints)


def tree_children(path: str, group: str = "/") -> tuple[Node, ...]:
    """As `xgeom_core.frames.tree.children`."""
    return ask(Service.tree_children, path, path, group)


def tree_details(path: str, name: str) -> Details:
    """As `xgeom_core.frames.tree.details`."""
    return ask(Service.tree_details, path, path, name)


def tree_search(path: str, text: str) -> tuple[tuple[Node, ...], bool]:
    """As `xgeom_core.frames.tree.search`."""
    return ask(Service.tree_search, path, path, text)

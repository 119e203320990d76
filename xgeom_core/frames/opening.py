"""open_frames: look into a file and pick the layout by what is there, not by its name alone."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import h5py

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.crystfel import stacks as crystfel_stacks
from xgeom_core.formats.electron import emd, hyperspy
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5 import plain as plain_hdf5
from xgeom_core.formats.hdf5 import training
from xgeom_core.formats.nexus import images as nxmx
from xgeom_core.formats.registry import images_of
from xgeom_core.formats.source import FrameSource
from xgeom_core.frames.location import check_file, choose_dataset, split_geometry, split_location


def open_frames(location: str | os.PathLike[str], *, dataset: str | None = None) -> FrameSource:
    """Open a file of diffraction frames; nothing is read yet but what describes it.

    Parameters
    ----------
    location : str or path-like
        ``"PATH"`` or ``"PATH::/dataset"``, and after either ``"::geometry=FILE.geom"``: the CrystFEL
        geometry file that puts the panels into one image.
    dataset : str, optional
        The dataset to read, where an HDF5 file holds several; as good as naming it in ``location``.

    Returns
    -------
    FrameSource
        Use it in a ``with`` statement, or close it.

    Raises
    ------
    UnreadableFileError
        If the file is absent, truncated, or of a kind that is not known.
    MissingDatasetError
        If the file holds no image, or not the dataset asked for.
    MissingSourceError
        If the file keeps its images in other files that are gone.
    UsageError
        If ``location`` and ``dataset`` name different datasets.
    """
    place, geometry = split_geometry(location)
    path, named = split_location(place)
    wanted = choose_dataset(named, dataset)
    check_file(path)
    if geometry:
        check_file(geometry)
        return crystfel_stacks.open_assembled(path, wanted, geometry)
    if h5py.is_hdf5(path):
        return _open_hdf5(path, wanted)
    if Path(path).suffix.lower() in hdf5.SUFFIXES:
        raise UnreadableFileError(
            f"{path} is not an HDF5 file, whatever its name says (it starts with "
            f"{_beginning(path)!r}): copy it again, or give it the name of what it is."
        )
    if wanted:
        raise MissingDatasetError(
            f"{path} is not an HDF5 file and has no dataset {wanted}: leave away the part after the path."
        )
    known = images_of(Path(path))
    return known(path, wanted) if known is not None else open_fabio(path)


def _open_hdf5(path: str, wanted: str) -> FrameSource:
    """Try the layouts from the most to the least particular."""
    with ExitStack() as stack:
        file = hdf5.open_file(path)
        stack.callback(file.close)
        try:
            source: FrameSource | None = training.open_training(file, path, wanted)
            if source is None:
                source = nxmx.open_nxmx(file, path, wanted)
            for layout in (hyperspy.LAYOUT.open_layout, emd.LAYOUT.open_layout, crystfel_stacks.open_beside):
                if source is None:
                    source = layout(file, path, wanted)
            if source is None:
                source = plain_hdf5.open_plain(file, path, wanted)
        except (OSError, RuntimeError, KeyError) as error:
            # Whatever the HDF5 library finds wrong inside a damaged file.
            raise UnreadableFileError(
                f"{path} is a damaged HDF5 file ({hdf5.brief(str(error))}): copy it again."
            ) from error
        stack.pop_all()
        return source


def _beginning(path: str) -> str:
    with Path(path).open("rb") as file:
        return file.read(16).decode("ascii", "replace")

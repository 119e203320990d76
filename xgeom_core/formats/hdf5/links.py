"""HDF5 files that point at other files, and what to say when those are gone.

HDF5 itself fails with a cryptic message when the target of an external link is gone, and gives zeros
without any error when the source of a virtual dataset is. Both are looked for here before a frame is
read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import h5py

from xgeom_core.errors import MissingSourceError


def find_target(master: str, name: str) -> str | None:
    """The file that HDF5 opens for a name stored in a master, or None if there is none.

    HDF5 takes an absolute name at its word and then looks for its last part beside the master; a
    relative name is looked for beside the master and then in the working directory. "Beside" also
    means where a symbolic link to the master leads.

    Parameters
    ----------
    master : str
        Path of the file that holds the link.
    name : str
        File name stored in the link; "." is the master itself.
    """
    if name == ".":
        return master
    folders = [Path(master).parent, Path(os.path.realpath(master)).parent]
    if Path(name).is_absolute() or PureWindowsPath(name).is_absolute():
        candidates = [Path(name), *(folder / PureWindowsPath(name).name for folder in folders)]
    else:
        candidates = [*(folder / name for folder in folders), Path(name)]
    return next((str(path) for path in candidates if path.is_file()), None)


def missing_names(master: str, names: Iterable[str]) -> list[str]:
    """Those of the stored file names that lead to no file, each once, in order."""
    return [name for name in dict.fromkeys(names) if find_target(master, name) is None]


def missing_source_error(master: str, what: str, missing: list[str], total: int) -> MissingSourceError:
    """The error for sources that are gone: the first one's name, and how many."""
    if total == 1:
        return MissingSourceError(
            f"{master} keeps its {what} in another file, {missing[0]}, which does not exist: "
            f"put that file beside it."
        )
    gone = "none of which exists" if len(missing) == total else f"{len(missing)} of which do not exist"
    return MissingSourceError(
        f"{master} keeps its {what} in {total} other files, {gone} (the first is {missing[0]}): "
        f"put those files beside it."
    )


def source_names(dataset: h5py.Dataset) -> list[str]:
    """File names of a virtual dataset's sources, each once, in order."""
    names = dict.fromkeys(str(source.file_name) for source in dataset.virtual_sources())
    # A pattern stands for a series of blocks; "%%" is a literal percent sign.
    return [name.replace("%b", "0").replace("%%", "%") for name in names]


def check_virtual(master: str, dataset: h5py.Dataset, what: str) -> None:
    """Make sure that every file behind a virtual dataset exists; nothing to do for other datasets.

    Raises
    ------
    MissingSourceError
        Naming the first missing file and how many there are.
    """
    if not dataset.is_virtual:
        return
    names = source_names(dataset)
    missing = missing_names(master, names)
    if missing:
        raise missing_source_error(master, what, missing, len(names))


def check_sources(master: str, dataset: h5py.Dataset, where: tuple[int, ...]) -> None:
    """Make sure that the sources of one image of a virtual dataset can give data.

    For an image that is all fill value, or cannot be read: a source file may exist and lack the
    dataset, or be virtual itself with sources gone, and HDF5 gives the fill value then as well.

    Parameters
    ----------
    where : tuple of int
        Position of the image on the leading axes; empty if the dataset is two-dimensional.

    Raises
    ------
    MissingSourceError
        If a source of this image cannot give data.
    """
    for source in dataset.virtual_sources() if dataset.is_virtual else ():
        low, high = source.vspace.get_select_bounds()
        if any(not a <= i <= b for a, i, b in zip(low, where, high, strict=False)):
            continue
        target = find_target(master, str(source.file_name)) if "%" not in source.file_name else None
        if target is None or target == master:
            continue
        _check_source(master, target, str(source.dset_name))


def _check_source(master: str, target: str, name: str) -> None:
    try:
        with h5py.File(target, "r", locking=False) as file:
            inner = file.get(name)
            if isinstance(inner, h5py.Dataset):
                check_virtual(target, inner, "images")
                return
    except OSError as error:
        raise MissingSourceError(
            f"{master} keeps its images in {target}, which is not a readable HDF5 file: copy it again."
        ) from error
    raise MissingSourceError(
        f"{master} expects the dataset {name} in {target}, which holds no such dataset: "
        f"the two files do not belong together."
    )


def external_file(group: h5py.Group, name: str) -> str | None:
    """The file that a member's link names if it is an external link, else None."""
    link = group.get(name, getlink=True)
    return str(link.filename) if isinstance(link, h5py.ExternalLink) else None


def external_files_on(file: h5py.File, path: str) -> Iterator[str]:
    """Files named by external links on the way to ``path``."""
    group: Any = file
    for part in path.strip("/").split("/"):
        if not isinstance(group, h5py.Group) or group.get(part, getlink=True) is None:
            return
        target = external_file(group, part)
        if target is not None:
            yield target
        try:
            group = group[part]
        except (KeyError, OSError, RuntimeError):
            return

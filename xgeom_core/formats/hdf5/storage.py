"""Where the bytes of an HDF5 dataset lie: not in files that are none of its business, not in itself.

HDF5 can keep a dataset's bytes in any other file ("external raw storage"), which then need be no HDF5 file:
a stranger's file may name ``/etc/passwd``, or a pipe that never gives anything. And a virtual dataset may be
made of itself, which the library follows until it crashes.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py

from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.hdf5 import links
from xgeom_core.formats.limits import GREATEST_FRAME_PX

_MOST_FOLLOWED = 64
"""Sources of a virtual dataset that are looked into; the rest are left to the limits of the process."""


def check_storage(path: str, dataset: h5py.Dataset) -> None:
    """Make sure that a dataset's bytes can be read without harm.

    Parameters
    ----------
    path : str
        The file as the user named it, for the sentence.
    dataset : h5py.Dataset

    Raises
    ------
    UnreadableFileError
        If its bytes lie in a file outside of its own file's folder, or if it is virtual and made of itself.
    """
    check_external(path, dataset)
    if dataset.is_virtual:
        with ExitStack() as stack:
            _follow(path, dataset, {}, stack, [_MOST_FOLLOWED])


def content(dataset: h5py.Dataset) -> Any:
    """All of a dataset that is no larger than a frame.

    Raises
    ------
    OSError
        Also if it is larger, or as `check_storage`: whoever reads a header does without the field then.
    """
    if (dataset.size or 0) > GREATEST_FRAME_PX:
        raise OSError(f"{dataset.name} has {dataset.size} values")
    path = str(dataset.file.filename)
    try:
        check_storage(path, dataset)
    except UnreadableFileError as error:
        # Whoever reads it says of which file.
        raise OSError(str(error).removeprefix(f"{path} ")) from None
    return dataset[()]


def check_external(path: str, dataset: h5py.Dataset) -> None:
    """The part of `check_storage` that is quick enough to be done before each reading."""
    stranger = foreign_file(dataset)
    if stranger is not None:
        raise UnreadableFileError(
            f"{path} keeps the bytes of its dataset {dataset.name} in {stranger!r}, and only files in its "
            "own folder are read that way: copy the data into the file."
        )


def foreign_file(dataset: h5py.Dataset) -> str | None:
    """The first file with bytes of a dataset that is no file in the folder of its own; None as a rule."""
    for name, _, _ in dataset.external or ():
        # HDF5 looks for it in the working directory, wherever the file itself is.
        target, folder = Path(name).resolve(), Path(dataset.file.filename).resolve().parent
        if not target.is_relative_to(folder) or (target.exists() and not target.is_file()):
            return str(name)
    return None


def _follow(
    path: str, dataset: h5py.Dataset, above: dict[Any, str], stack: ExitStack, left: list[int]
) -> None:
    """Go through the sources of a virtual dataset; `above` are the datasets that are made of this one."""
    info = h5py.h5o.get_info(dataset.id)
    own = (info.fileno, info.addr)
    if own in above:
        raise UnreadableFileError(
            f"{path} is made of itself: its virtual dataset {dataset.name} is a part of its own source "
            f"{above[own]}; it is damaged, or made to bring programs down."
        )
    master = dataset.file.filename
    for target, name in dict.fromkeys(
        (source.file_name, source.dset_name) for source in dataset.virtual_sources()
    ):
        if left[0] == 0:
            return
        left[0] -= 1
        inner = _source(master, str(target), str(name), dataset.file, stack)
        if inner is None:
            continue
        check_external(path, inner)
        if inner.is_virtual:
            _follow(path, inner, {**above, own: str(name)}, stack, left)


def _source(master: str, target: str, name: str, file: h5py.File, stack: ExitStack) -> h5py.Dataset | None:
    """The dataset of a source; None where there is none, which those who read it find out."""
    found = links.find_target(master, target.replace("%b", "0"))
    if found is None:
        return None
    try:
        holder = file if found == master else stack.enter_context(h5py.File(found, "r", locking=False))
        inner = holder.get(name.replace("%b", "0"))
    except (OSError, RuntimeError, KeyError, ValueError):
        return None
    return inner if isinstance(inner, h5py.Dataset) else None

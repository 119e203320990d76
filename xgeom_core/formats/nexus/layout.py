"""Where things lie in a NeXus file: entries, detectors, images."""

from __future__ import annotations

import re
from collections.abc import Iterator

import h5py

from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.hdf5.file import image_set

_NUMBERED = re.compile(r"^data_?(\d+)$")


def find_entry(file: h5py.File) -> h5py.Group | None:
    """The entry of the images: the first that holds data or a detector."""
    holding = (one for one in _entries(file) if "data" in one or next(detectors_of(one), None) is not None)
    return next(holding, None)


def detectors(file: h5py.File) -> list[tuple[h5py.Group, h5py.Group]]:
    """Pairs of entry and detector, by class or by the usual names."""
    return [(entry, detector) for entry in _entries(file) for detector in detectors_of(entry)]


def detectors_of(entry: h5py.Group) -> Iterator[h5py.Group]:
    """The detectors of an entry."""
    for instrument in _named_or_of_class(entry, "instrument", "NXinstrument"):
        yield from _named_or_of_class(instrument, "detector", "NXdetector")


def modules_of(detector: h5py.Group) -> list[h5py.Group]:
    """The modules of a detector."""
    return _named_or_of_class(detector, "module", "NXdetector_module")


def detector_of(entry: h5py.Group, dataset: str) -> h5py.Group | None:
    """The detector that a dataset belongs to by its name, else the usual or first one of the entry."""
    found = list(detectors_of(entry))
    owner = (one for one in found if dataset.startswith(f"{one.name}/"))
    usual = (one for one in found if str(one.name).endswith("/detector"))
    return next(owner, None) or next(usual, None) or next(iter(found), None)


def run_names(group: h5py.Group) -> list[str]:
    """Members of the data group that make up the run, in order.

    ``data`` alone if there is one (beside numbered stacks it is their concatenation), else the
    numbered ones, else what the ``signal`` attribute names.
    """
    names = list(group)
    if "data" in names:
        return ["data"]
    numbered = [(int(match.group(1)), name) for name in names if (match := _NUMBERED.match(name))]
    if numbered:
        return [name for _, name in sorted(numbered)]
    signal = fields.text(fields.attribute(group, "signal"))
    return [signal] if signal in names else []


def image_size(entry: h5py.Group, detector: h5py.Group) -> tuple[int, int] | None:
    """Pixels ``(fast, slow)`` of the images, where they can be looked at."""
    group = fields.subgroup(entry, "data")
    runs = [(group, name) for name in run_names(group)] if group is not None else []
    for parent, name in ((detector, "data"), *runs):
        images = image_set(name, fields.child(parent, name))
        if images is not None:
            return images.shape[::-1]
    return None


def _entries(file: h5py.File) -> list[h5py.Group]:
    """The entries, but for those of images on a grid of Q and of CXI files, whose rules are others."""
    found = [] if "cxi_version" in file else _named_or_of_class(file, "entry", "NXentry")
    return [entry for entry in found if fields.read_text(entry, "definition") != "NXcanSAS"]


def _named_or_of_class(parent: h5py.Group, name: str, nx_class: str) -> list[h5py.Group]:
    """Groups of a class, else the one of the usual name."""
    usual = fields.subgroup(parent, name)
    return fields.groups_of_class(parent, nx_class) or ([usual] if usual is not None else [])

"""NXmx and Dectris HDF5: a master or a data file, one stack of images or a run of several.

The images lie under ``/entry/data``: ``data``, or ``data_000001``, ``data_000002``, ... as one run, often
through external links. The geometry lies under ``/entry/instrument`` in fields whose ``units``
attributes are honored.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import h5py
import numpy as np

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.files import hdf5, links
from xgeom_core.files.hdf5 import Hdf5Source, ImageSet
from xgeom_core.files.header_text import Header
from xgeom_core.files.masking import BoolImage, mask_counts
from xgeom_core.files.nxmx_metadata import MASK_FIELDS, find_detector, read_header
from xgeom_core.files.source import Contents
from xgeom_core.frame import Frame

TRUTH = "xgeom_truth"
"""Group under the entry with the known centers and tilts of simulated frames."""

_NUMBERED = re.compile(r"^data_?(\d+)$")


def open_nxmx(file: h5py.File, path: str, wanted: str) -> NxmxSource | None:
    """Open an NXmx or Dectris file; None if the file is not one, or a dataset elsewhere is wanted.

    Raises
    ------
    MissingSourceError
        If linked files are gone.
    MissingDatasetError
        If there are no frames, or not the dataset asked for.
    UnreadableFileError
        If the stacks of a run do not fit together.
    """
    entry = find_entry(file)
    group = hdf5.subgroup(entry, "data") if entry is not None else None
    if entry is None or group is None:
        return None
    inside = f"{group.name}/"
    if wanted and wanted != group.name and not wanted.startswith(inside):
        return None
    names = run_names(group)
    if not names and not wanted.startswith(inside):
        return None
    _check_links(group, path, names)
    chosen = [wanted] if wanted.startswith(inside) else [f"{inside}{name}" for name in names]
    run = [image for image in (_images(file, path, name) for name in chosen) if image.length > 0]
    _check_run(path, run, str(group.name))
    header = read_header(entry)
    contents = Contents(
        path=path,
        layout="NXmx",
        length=sum(image.length for image in run),
        shape=run[0].shape,
        dataset=chosen[0] if len(chosen) == 1 else str(group.name),
        datasets=tuple(f"{inside}{name}" for name in names) or tuple(chosen),
        metadata=header.metadata,
        notes=header.notes,
    )
    return NxmxSource(contents, file, entry, run, header)


def find_entry(file: h5py.File) -> h5py.Group | None:
    """The NXentry of the file: the first one that says so, or a group named "entry"."""
    for name in file:
        group = hdf5.subgroup(file, name)
        if group is None or "data" not in group:
            continue
        if hdf5.text_of(group.attrs.get("NX_class", "")) == "NXentry":
            return group
    return hdf5.subgroup(file, "entry")


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
    signal = hdf5.text_of(group.attrs.get("signal", ""))
    return [signal] if signal in names else []


def _check_links(group: h5py.Group, path: str, names: Sequence[str]) -> None:
    """Name the linked files that are gone before HDF5 stumbles over the first."""
    targets = [target for name in names if (target := links.external_file(group, name)) is not None]
    missing = links.missing_names(path, targets)
    if missing:
        raise links.missing_source_error(path, "images", missing, len(dict.fromkeys(targets)))


def _images(file: h5py.File, path: str, name: str) -> ImageSet:
    """As `hdf5.require_images`, but an empty stack is fine: Dectris writes those at the end of a run."""
    item = hdf5.require(file, path, name)
    found = hdf5.image_set(name, item)
    if found is not None and found.length == 0:
        return found
    return hdf5.require_images(file, path, name)


def _check_run(path: str, run: list[ImageSet], group: str) -> None:
    if not run:
        raise MissingDatasetError(f"{path} holds no frames: the image stacks in {group} are empty.")
    for image in run:
        if image.shape != run[0].shape:
            raise UnreadableFileError(
                f"{path} is not one run of frames: {image.name} has {image.shape} pixels and "
                f"{run[0].name} has {run[0].shape}; open one of them by its name."
            )


class NxmxSource(Hdf5Source):
    """Frames of an NXmx or Dectris file."""

    def __init__(
        self, contents: Contents, file: h5py.File, entry: h5py.Group, run: list[ImageSet], header: Header
    ) -> None:
        super().__init__(contents, file)
        self._entry = entry
        self._run = run
        self._ends = list(accumulate(image.length for image in run))
        self._notes = list(header.notes)
        self._mask: BoolImage | None = None
        self._mask_read = False

    def _frame(self, index: int) -> Frame:
        part = bisect_right(self._ends, index)
        image = self._run[part]
        within = index - (self._ends[part] - image.length)
        raw = hdf5.read_image(self._file, self.path, image.name, within)
        bad = self._bad_pixels()
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation, bad=bad)
        notes = tuple(self._notes)
        return Frame(data, valid, saturated, self.metadata, self.path, self.dataset, index, notes)

    def _bad_pixels(self) -> BoolImage | None:
        """Pixels with any bit of the pixel mask set; read once."""
        if not self._mask_read:
            self._mask_read = True
            try:
                self._mask = self._read_mask()
            except (OSError, KeyError, RuntimeError):
                self._notes.append("The file's pixel mask is damaged or gone; only sentinels are masked.")
        return self._mask

    def _read_mask(self) -> BoolImage | None:
        detector = find_detector(self._entry)
        for name in MASK_FIELDS:
            if detector is None or detector.get(name, getlink=True) is None:
                continue
            mask: BoolImage = np.squeeze(np.asarray(detector[name][()]) != 0)
            if mask.shape == self.shape:
                return mask
            self._notes.append(
                f"The file's pixel mask has {mask.shape} pixels and the frames have {self.shape}; "
                f"it is not used."
            )
        return None

    def _truth(self, index: int) -> Estimate | None:
        group = hdf5.subgroup(self._entry, TRUTH)
        if group is None or "center_px" not in group or len(group["center_px"]) != len(self):
            return None
        x, y = map(float, group["center_px"][index])
        if not np.isfinite([x, y]).all():
            return None
        tilt: tuple[float, float] | None = None
        if "tilt_deg" in group:
            pitch, yaw = map(float, group["tilt_deg"][index])
            tilt = (pitch, yaw) if np.isfinite([pitch, yaw]).all() else None
        return Estimate("truth", (x, y), tilt_deg=tilt)

"""NXmx and Dectris HDF5: a master or a data file, one stack of images or a run of several.

The images lie under ``/entry/data``: ``data``, or ``data_000001``, ``data_000002``, ... as one run, often
through external links; where there are none, the largest of the file is taken.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import h5py
import numpy as np

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.hdf5 import fields, links
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5.file import Hdf5Source, ImageSet
from xgeom_core.formats.hdf5.plain import choose
from xgeom_core.formats.hdf5.storage import content
from xgeom_core.formats.judging import judged
from xgeom_core.formats.masking import BoolImage, mask_counts
from xgeom_core.formats.nexus import layout
from xgeom_core.formats.nexus.header import headers_of
from xgeom_core.formats.source import Contents
from xgeom_core.frame import Frame

TRUTH = "xgeom_truth"
"""Group under the entry with the known centers and tilts of simulated frames."""
_MASKS = ("detectorSpecific/pixel_mask", "pixel_mask")


def open_nxmx(file: h5py.File, path: str, wanted: str) -> NxmxSource | None:
    """Open a NeXus or Dectris file; None if the file is not one.

    Raises
    ------
    MissingSourceError
        If the linked file asked for is gone, or all of them.
    MissingDatasetError
        If there are no frames, or not the dataset asked for.
    UnreadableFileError
        If the stacks of a run do not fit together.
    """
    entry = layout.find_entry(file)
    group = fields.subgroup(entry, "data") if entry is not None else None
    if entry is None or (group is None and layout.detector_of(entry, "") is None):
        return None
    names = layout.run_names(group) if group is not None else []
    inside = f"{group.name}/" if group is not None and names else ""
    if not inside or (wanted and wanted != inside[:-1] and not wanted.startswith(inside)):
        image, found_names = choose(file, path, wanted)
        return _source(file, path, entry, [image], found_names, image.name)
    chosen = [wanted] if wanted.startswith(inside) else [f"{inside}{name}" for name in names]
    gone = _gone(group, path, [name.removeprefix(inside) for name in chosen])
    found = [None if name.removeprefix(inside) in gone else _images(file, path, name) for name in chosen]
    run = _with_room(chosen, found)
    _check_run(path, run, inside[:-1])
    source = _source(
        file,
        path,
        entry,
        run,
        tuple(f"{inside}{name}" for name in names),
        chosen[0] if len(chosen) == 1 else inside[:-1],
        _gone_note(list(gone.values())),
    )
    there = [name for name, image in zip(chosen, found, strict=True) if image is not None and image.length]
    source.start = sum(image.length for image in run[: [image.name for image in run].index(there[0])])
    return source


def _source(
    file: h5py.File,
    path: str,
    entry: h5py.Group,
    run: list[ImageSet],
    names: tuple[str, ...],
    name: str,
    notes: tuple[str, ...] = (),
) -> NxmxSource:
    detector = layout.detector_of(entry, run[0].name)
    header = judged(headers_of(entry, detector, run[0].shape[::-1]), run[0].shape[::-1])
    single = file[run[0].name] if len(run) == 1 else None
    contents = Contents(
        path=path,
        layout="NXmx",
        length=sum(image.length for image in run),
        shape=run[0].shape,
        dataset=name,
        datasets=names,
        metadata=header.metadata,
        notes=(*header.notes, *notes),
        axes=run[0].axes if single is not None else (),
        axis_names=hdf5.axis_names(single) if single is not None else (),
    )
    return NxmxSource(contents, file, entry, detector, run)


def _gone(group: h5py.Group, path: str, names: Sequence[str]) -> dict[str, str]:
    """Members whose linked file is gone, and that file, before HDF5 stumbles over the first.

    Raises
    ------
    MissingSourceError
        If no linked file of them is there.
    """
    targets = {name: target for name in names if (target := links.external_file(group, name)) is not None}
    missing = links.missing_names(path, targets.values())
    if missing and len(missing) == len(set(targets.values())):
        raise links.missing_source_error(path, "images", missing, len(missing))
    return {name: target for name, target in targets.items() if target in missing}


def _with_room(names: Sequence[str], found: Sequence[ImageSet | None]) -> list[ImageSet]:
    """The stacks of a run; None stands for one that is gone.

    Before one that is there it keeps its room, so that frames keep their numbers: all stacks but the last
    are equally long. After the last one that is there nobody can say how many frames there were.
    """
    known = [image for image in found if image is not None and image.length > 0]
    if not known:
        return []
    last = max(i for i, image in enumerate(found) if image is not None)
    usual = max(image.length for image in known)
    run = []
    for i, (name, image) in enumerate(zip(names, found, strict=True)):
        if image is None and i < last:
            run.append(ImageSet(name, (usual,), known[0].shape))
        elif image is not None and image.length > 0:
            run.append(image)
    return run


def _gone_note(missing: Sequence[str]) -> tuple[str, ...]:
    if not missing:
        return ()
    files = dict.fromkeys(missing)
    which = (
        f"{missing[0]} does" if len(files) == 1 else f"{len(files)} data files (the first is {missing[0]}) do"
    )
    return (f"{which} not exist; the other frames are shown. Put the missing beside this file for the rest.",)


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
    """Frames of a NeXus or Dectris file."""

    def __init__(
        self,
        contents: Contents,
        file: h5py.File,
        entry: h5py.Group,
        detector: h5py.Group | None,
        run: list[ImageSet],
    ) -> None:
        super().__init__(contents, file)
        self._entry, self._detector = entry, detector
        self._run = run
        self._ends = list(accumulate(image.length for image in run))
        self._notes = list(contents.notes)
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
            except fields.BROKEN:
                self._notes.append("The file's pixel mask is damaged or gone; only sentinels are masked.")
        return self._mask

    def _read_mask(self) -> BoolImage | None:
        for name in _MASKS:
            if self._detector is None or self._detector.get(name, getlink=True) is None:
                continue
            mask: BoolImage = np.squeeze(np.asarray(content(self._detector[name])) != 0)
            if mask.shape == self.shape:
                return mask
            self._notes.append(
                f"The file's pixel mask has {mask.shape} pixels and the frames have {self.shape}; "
                f"it is not used."
            )
        return None

    def _truth(self, index: int) -> Estimate | None:
        group = fields.subgroup(self._entry, TRUTH)
        centers, tilts = (group and fields.dataset(group, name) for name in ("center_px", "tilt_deg"))
        if not centers or centers.shape != (len(self), 2):
            return None
        x, y = map(float, centers[index])
        pitch, yaw = map(float, tilts[index]) if tilts and tilts.shape == centers.shape else (np.nan, np.nan)
        if not np.isfinite([x, y]).all():
            return None
        return Estimate("truth", (x, y), tilt_deg=(pitch, yaw) if np.isfinite([pitch, yaw]).all() else None)

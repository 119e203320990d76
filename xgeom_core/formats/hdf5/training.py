"""Training files: simulated frames with labels, as resonet and this project write them.

Layout (all axis 0 = example)::

    images (N, slow, fast) or (N, shots, slow, fast)   frame i is example i // shots, shot i % shots
        attrs transform   "sqrt" (the default) or "none"
        attrs pooling     native detector pixels per stored pixel along each axis
    labels (N, number of names), attrs names            beam_center_fast, beam_center_slow, ...
    geom   (N, 5), attrs names                          detdist, wavelen, pixsize, xdim, ydim
    known  as images, only in files of xgeom            1 where the detector is sensitive, 0 in gaps

The stored pixels are the native pixels of these frames. Lengths are in mm, wavelengths in Å, labels
of the beam center in pixels of the full detector from the outer corner of its first pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import h5py
import numpy as np
from numpy.typing import NDArray

from xgeom_core import units
from xgeom_core.errors import MissingDatasetError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.hdf5 import fields, links
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5.file import Hdf5Source
from xgeom_core.formats.hdf5.storage import check_storage
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.source import Contents, position
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata

_TABLES = ("labels", "geom")
# Written by xgeom: 1 where the simulated detector is sensitive, one image per frame.
_KNOWN = "known"
# resonet's own label of the stored center ignores that cropping is by whole pixels; it is right to
# within 0.8 px for a central crop, and far off for the random crops that cannot be undone.
_AGREEMENT_PX = 1.0
_TILT_WARNING = (
    "The tilt labels are left out: files not written by xgeom label tilts in other units and about "
    "another pivot."
)


def open_training(file: h5py.File, path: str, wanted: str) -> TrainingSource | None:
    """Open a training file; None if the file is not one, or another dataset than its images is wanted.

    Raises
    ------
    MissingSourceError
        If the file is a master whose sources are gone.
    MissingDatasetError
        If ``images`` holds no images.
    """
    if not is_training(file) or wanted not in {"", "/images"}:
        return None
    for name in ("images", *_TABLES):
        if name in file:
            links.check_virtual(path, file[name], name)
            check_storage(path, file[name])
    images = file["images"]
    if images.ndim < 3 or images.dtype.kind not in "uif" or 0 in images.shape:
        raise MissingDatasetError(
            f"{path} has the layout of a training file, but its dataset /images of shape {images.shape} "
            f"and type {images.dtype} is not a stack of images: (N, slow, fast) was expected."
        )
    layout = Layout.read(file)
    row = layout.row(0)
    contents = Contents(
        path=path,
        layout="training",
        length=math.prod(layout.axes),
        axes=layout.axes,
        shape=layout.shape,
        dataset="/images",
        datasets=("/images", *_other_images(file)),
        metadata=layout.metadata(row),
        notes=layout.notes(row),
    )
    return TrainingSource(contents, file, layout)


def is_training(file: h5py.File) -> bool:
    """Whether the file has images and labels with names."""
    images, labels = fields.dataset(file, "images"), fields.dataset(file, "labels")
    return images is not None and labels is not None and "names" in labels.attrs


def _other_images(file: h5py.File) -> list[str]:
    """Image datasets beside the images; the tables are none."""
    tables = {"/images", f"/{_KNOWN}", *(f"/{name}" for name in _TABLES)}
    return [image.name for image in hdf5.find_images(file)[0] if image.name not in tables]


@dataclass(frozen=True)
class Layout:
    """How one training file is laid out, and what follows from a row of its tables.

    Parameters
    ----------
    file : h5py.File
        The open file; rows are read when asked for.
    shape : tuple of int
        Stored pixels ``(slow, fast)``.
    axes : tuple of int
        Examples, and frames per example where there are several.
    transform : str
        ``"sqrt"`` or ``"none"``.
    stated_pooling : int or None
        The file's own pooling.
    own : bool
        Whether xgeom wrote the file, so that tilt labels can be trusted.
    columns : dict
        Names of the columns of each table.
    """

    file: h5py.File = field(repr=False)
    shape: tuple[int, int]
    axes: tuple[int, ...]
    transform: str
    stated_pooling: int | None
    own: bool
    columns: dict[str, list[str]]

    @classmethod
    def read(cls, file: h5py.File) -> Layout:
        """The layout of an open training file."""
        images = file["images"]
        pooling = fields.number(images, "pooling")
        return cls(
            file=file,
            shape=(int(images.shape[-2]), int(images.shape[-1])),
            axes=tuple(map(int, images.shape[:-2])),
            transform=fields.text(images.attrs.get("transform", "sqrt")).lower(),
            stated_pooling=int(pooling) if pooling is not None else None,
            own="xgeom_version" in file.attrs,
            columns={name: _names(fields.dataset(file, name)) for name in _TABLES},
        )

    def row(self, index: int) -> dict[str, float]:
        """Everything the tables say of frame ``index``; geometry wins over labels of the same name."""
        place = position(index, self.axes)
        values: dict[str, float] = {}
        for table, columns in self.columns.items():
            if columns:
                dataset = self.file[table]
                numbers = np.asarray(dataset[place[: dataset.ndim - 1]], dtype=np.float64).ravel()
                values.update(zip(columns, map(float, numbers), strict=False))
        return values

    def pooling(self, row: dict[str, float]) -> int | None:
        """Detector pixels per stored pixel; None if nothing tells."""
        if self.stated_pooling is not None:
            return self.stated_pooling if self.stated_pooling >= 1 else None
        width = units.positive(row.get("xdim"))
        return max(1, round(width / self.shape[1])) if width is not None else None

    def metadata(self, row: dict[str, float]) -> Metadata:
        """Distance, wavelength and the size of the stored pixels."""
        pooling, pixel = self.pooling(row), units.positive(row.get("pixsize"))
        size = pixel * pooling if pixel is not None and pooling is not None else None
        return Metadata(
            distance_mm=units.positive(row.get("detdist")),
            wavelength_A=units.positive(row.get("wavelen")),
            pixel_mm=units.both(size, size),
        )

    def notes(self, row: dict[str, float]) -> tuple[str, ...]:
        """What is odd about the file."""
        if self.transform not in {"sqrt", "none"}:
            return (
                f"The transform {self.transform!r} of the images is unknown; their values count as they are.",
            )
        if self.pooling(row) is None:
            return ("The file does not tell how its images were pooled; the pixel size is unknown.",)
        return ()

    def center(self, row: dict[str, float]) -> tuple[tuple[float, float], str] | None:
        """The known center in stored pixels and how it was reached; None if that cannot be done."""
        pooling = self.pooling(row)
        beam = [row.get("beam_center_fast", math.nan), row.get("beam_center_slow", math.nan)]
        sides = [units.positive(row.get("xdim")), units.positive(row.get("ydim"))]
        if pooling is None or None in sides or not all(map(math.isfinite, beam)):
            return None
        pooled = [int(side or 0) // pooling for side in sides]
        starts = [(pooled[axis] - self.shape[1 - axis]) // 2 for axis in (0, 1)]
        if min(starts) < 0:  # the stored image is larger than the pooled detector: not a central crop
            return None
        center = beam[0] / pooling - starts[0], beam[1] / pooling - starts[1]
        if not _agrees(center, row):
            return None
        how = (
            f"beam_center_fast/slow (px of the full detector, corner origin), pooled by {pooling}, "
            f"cropped by ({starts[0]}, {starts[1]})"
        )
        return center, how


class TrainingSource(Hdf5Source):
    """Frames of a training file."""

    def __init__(self, contents: Contents, file: h5py.File, layout: Layout) -> None:
        super().__init__(contents, file)
        self._layout = layout

    def _frame(self, index: int) -> Frame:
        layout = self._layout
        raw = hdf5.read_image(self._file, self.path, self.dataset, index)
        # Pooled simulations have no sentinels: every value an unsigned type can hold is a count.
        bad = self._insensitive(index, raw.shape)
        if layout.transform == "sqrt" and raw.dtype.kind != "u":
            bad |= raw < 0  # no root of a count
        counts = raw.astype(np.float32)
        if layout.transform == "sqrt":
            counts *= counts
        data, valid, saturated = mask_counts(counts, bad=bad)
        row = layout.row(index)
        metadata, notes = layout.metadata(row), layout.notes(row)
        return Frame(data, valid, saturated, metadata, self.path, self.dataset, index, notes)

    def _insensitive(self, index: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Pixels in the gaps of the simulated detector; none where the file does not tell."""
        if not self._layout.own or fields.dataset(self._file, _KNOWN) is None:
            return np.zeros(shape, dtype=bool)
        return np.asarray(hdf5.read_image(self._file, self.path, f"/{_KNOWN}", index) == 0)

    def _truth(self, index: int) -> Estimate | None:
        layout = self._layout
        row = layout.row(index)
        found = layout.center(row)
        if found is None:
            return None
        center, convention = found
        tilt = row.get("pitch_deg", math.nan), row.get("yaw_deg", math.nan)
        labelled = all(map(math.isfinite, tilt))
        return Estimate(
            "truth",
            center,
            tilt_deg=tilt if labelled and layout.own else None,
            warnings=(_TILT_WARNING,) if labelled and not layout.own else (),
            convention=convention,
        )


def _names(table: h5py.Dataset | None) -> list[str]:
    """Names of a table's columns; none if there is no such table."""
    names = fields.attribute(table, "names") if table is not None else None
    return [fields.text(name) for name in np.atleast_1d(names)] if names is not None else []


def _agrees(center: tuple[float, float], row: dict[str, float]) -> bool:
    """Whether the file's own label of the stored center, where it has one, is the same point."""
    label = units.stated_center(row.get("cent_fast_train"), row.get("cent_slow_train"))
    if label is None:
        return True
    return all(abs(a - b) <= _AGREEMENT_PX for a, b in zip(center, label, strict=True))

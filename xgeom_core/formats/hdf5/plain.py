"""Any HDF5 file with an image in it: the largest one, or the one asked for.

Geometry is taken only where it is stated plainly: attributes of the dataset whose names carry their
units (``distance_m``, ``pixel_m``, ``wavelength_A``; ``beam_center_x``, ``beam_center_y`` in px), and
the fields beside the images in CXI files, which are in meters and joules by definition.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5 import links
from xgeom_core.formats.hdf5.file import Hdf5Source, ImageSet
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.source import Contents
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata

_AUXILIARY = ("mask", "flat", "dark", "gain", "pedestal", "offset", "bad", "background")
_CONVENTION = (
    "dataset attributes beam_center_x/y, taken as px from the pixel corner; origin not stated: +-0.5 px"
)


def open_plain(file: h5py.File, path: str, wanted: str) -> PlainSource:
    """Open the largest image dataset, or the one asked for.

    Raises
    ------
    MissingDatasetError
        If there is no image, or not the one asked for.
    MissingSourceError
        If the images lie in other files that are gone.
    """
    images, missing = hdf5.find_images(file)
    if wanted:
        chosen = hdf5.require_images(file, path, wanted)
    elif images:
        chosen = hdf5.require_images(file, path, min(images, key=_rank).name)
    elif missing:
        names = links.missing_names(path, missing) or missing
        raise links.missing_source_error(path, "images", names, len(dict.fromkeys(missing)))
    else:
        raise MissingDatasetError(
            f"{path} holds no image: a two- or three-dimensional numeric dataset of at least "
            f"{hdf5.MIN_SIDE}x{hdf5.MIN_SIDE} pixels was expected."
        )
    contents = Contents(
        path=path,
        layout="HDF5",
        length=chosen.length,
        shape=chosen.shape,
        dataset=chosen.name,
        datasets=tuple(image.name for image in images),
        metadata=_metadata(file, chosen.name),
    )
    return PlainSource(contents, file)


class PlainSource(Hdf5Source):
    """Frames of one image dataset without a layout."""

    def _frame(self, index: int) -> Frame:
        raw = hdf5.read_image(self._file, self.path, self.dataset, index)
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation)
        return Frame(data, valid, saturated, self.metadata, self.path, self.dataset, index)


def _rank(image: ImageSet) -> tuple[bool, int]:
    """Smallest for the dataset most likely meant: not a mask or a dark, then the largest."""
    last = image.name.rsplit("/", 1)[-1].lower()
    auxiliary = any(word in last for word in _AUXILIARY)
    return auxiliary, -image.length * image.shape[0] * image.shape[1]


def _metadata(file: h5py.File, name: str) -> Metadata:
    dataset = file[name]
    if "cxi_version" in file:
        return _cxi_metadata(dataset.parent)
    pixel = _with_unit(dataset, "pixel", "pixel_size")
    center = units.stated_center(
        _number(dataset.attrs.get("beam_center_x")), _number(dataset.attrs.get("beam_center_y"))
    )
    wavelength = _number(dataset.attrs.get("wavelength_A"))
    return Metadata(
        distance_mm=_with_unit(dataset, "distance", "detector_distance"),
        wavelength_A=units.positive(wavelength),
        pixel_mm=units.both(pixel, pixel),
        center_px=center,
        center_convention=_CONVENTION if center is not None else "",
    )


def _with_unit(dataset: h5py.Dataset, *names: str) -> float | None:
    """A length in mm from an attribute whose name ends in its unit."""
    for name in names:
        for unit in ("m", "mm", "um"):
            value = _number(dataset.attrs.get(f"{name}_{unit}"))
            if value is not None:
                return units.length_mm(value, unit)
    return None


def _cxi_metadata(detector: h5py.Group) -> Metadata:
    """Fields of a CXI detector group, all in SI units."""
    instrument = detector.parent
    energy = next(
        (value for key in ("source_1", "source") if (value := _field(instrument, f"{key}/energy"))), None
    )
    distance, fast, slow = (
        units.length_mm(_field(detector, key), "m") for key in ("distance", "x_pixel_size", "y_pixel_size")
    )
    return Metadata(
        distance_mm=distance, wavelength_A=units.wavelength_A(energy, "J"), pixel_mm=units.both(fast, slow)
    )


def _field(group: h5py.Group, name: str) -> float | None:
    item = group.get(name)
    return _number(item[()]) if isinstance(item, h5py.Dataset) and item.size and item.size < 10**6 else None


def _number(value: Any) -> float | None:
    """The first number of an attribute or dataset; None if there is none."""
    if value is None:
        return None
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return float(array.flat[0]) if array.size else None

"""Any HDF5 file with an image in it: the largest one, or the one asked for.

Geometry is taken only where it is stated plainly: attributes of the dataset whose names carry their
units (``distance_m``, ``pixel_m``, ``wavelength_A``; ``beam_center_x``, ``beam_center_y`` in px), the
fields beside the images in CXI files, which are in meters and joules by definition, and the grid of Q of
NXcanSAS files.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from xgeom_core import units
from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.format import Format
from xgeom_core.formats.hdf5 import cansas, fields, links
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5.file import Hdf5Source, ImageSet
from xgeom_core.formats.header import FieldNote, Header, half_a_pixel
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.judging import judged
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.source import Contents
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata

NAME = "HDF5"
_AUXILIARY = ("mask", "flat", "dark", "gain", "pedestal", "offset", "bad", "background")
_CONVENTION = (
    "dataset attributes beam_center_x/y, taken as px from the pixel corner; origin not stated: +-0.5 px"
)


def open_plain(file: h5py.File, path: str, wanted: str) -> StackSource:
    """Open the largest image dataset, or the one asked for.

    Raises
    ------
    MissingDatasetError
        If there is no image, or not the one asked for.
    MissingSourceError
        If the images lie in other files that are gone.
    """
    chosen, all_names = choose(file, path, wanted)
    return open_stack(file, path, chosen, all_names, NAME, _headers(file, chosen.name))


def choose(file: h5py.File, path: str, wanted: str) -> tuple[ImageSet, tuple[str, ...]]:
    """The images asked for, else those most likely meant, and the names of all; errors as `open_plain`."""
    images, missing = hdf5.find_images(file)
    names = tuple(image.name for image in images)
    if wanted:
        return hdf5.require_images(file, path, wanted), names
    if images:
        best = min(images, key=lambda image: _rank(file, image))
        return hdf5.require_images(file, path, best.name), names
    if missing:
        gone = links.missing_names(path, missing) or missing
        raise links.missing_source_error(path, "images", gone, len(dict.fromkeys(missing)))
    raise MissingDatasetError(
        f"{path} holds no image: a numeric dataset was expected whose last two axes are at least "
        f"{hdf5.MIN_SIDE}x{hdf5.MIN_SIDE} grey pixels."
    )


def open_stack(
    file: h5py.File, path: str, chosen: ImageSet, names: tuple[str, ...], layout: str, headers: list[Header]
) -> StackSource:
    """The frames of one dataset, with what the headers state."""
    header = judged(headers, chosen.shape[::-1])
    contents = Contents(
        path=path,
        layout=layout,
        length=chosen.length,
        shape=chosen.shape,
        dataset=chosen.name,
        datasets=names,
        metadata=header.metadata,
        notes=header.notes,
        axes=chosen.axes,
        axis_names=hdf5.axis_names(file[chosen.name]),
    )
    return StackSource(contents, file)


class StackSource(Hdf5Source):
    """Frames of one image dataset."""

    def _frame(self, index: int) -> Frame:
        raw = hdf5.read_image(self._file, self.path, self.dataset, index)
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation)
        notes = self._contents.notes
        return Frame(data, valid, saturated, self.metadata, self.path, self.dataset, index, notes)


def _rank(file: h5py.File, image: ImageSet) -> tuple[bool, bool, int]:
    """Smallest for the dataset most likely meant: no mask, what NeXus calls the signal, the largest."""
    group, _, last = image.name.rpartition("/")
    auxiliary = any(word in last.lower() for word in _AUXILIARY)
    signal = fields.attribute(file[image.name], "signal") is not None or (
        fields.text(fields.attribute(file[group or "/"], "signal")) == last
    )
    return auxiliary, not signal, -image.length * image.shape[0] * image.shape[1]


def headers(path: Path, hints: Hints) -> list[Header]:
    """What is stated beside the images that `open_plain` opens; errors as there."""
    with hdf5.told(str(path)), hdf5.open_file(str(path)) as file:
        return _headers(file, choose(file, str(path), "")[0].name)


def _headers(file: h5py.File, name: str) -> list[Header]:
    dataset = file[name]
    grid = cansas.header(dataset)
    if grid is not None:
        return [grid]
    metadata = _cxi(dataset.parent) if "cxi_version" in file else _attributes(dataset)
    shape = dataset.shape
    return [Header(metadata, image_size=(int(shape[-1]), int(shape[-2])))]


def _attributes(dataset: h5py.Dataset) -> Metadata:
    pixel = _with_unit(dataset, "pixel", "pixel_size")
    x, y = (fields.number(dataset, f"beam_center_{axis}") for axis in "xy")
    center = units.stated_center(x, y)
    return Metadata(
        distance_mm=_with_unit(dataset, "distance", "detector_distance"),
        wavelength_A=units.positive(fields.number(dataset, "wavelength_A")),
        pixel_mm=units.both(pixel, pixel),
        center_px=center,
        center_convention=_CONVENTION if center else "",
        choices=half_a_pixel(center),
    )


def _with_unit(dataset: h5py.Dataset, *names: str) -> float | None:
    """A length in mm from an attribute whose name ends in its unit."""
    for name in names:
        for unit in ("m", "mm", "um"):
            value = fields.number(dataset, f"{name}_{unit}")
            if value is not None:
                return units.length_mm(value, unit)
    return None


def _cxi(detector: h5py.Group) -> Metadata:
    """Fields of a CXI detector group, all in SI units."""
    energy = fields.read_field(detector.parent, "source_1/energy", "source/energy")
    distance, fast, slow = (
        fields.length_mm(fields.read_field(detector, key))
        for key in ("distance", "x_pixel_size", "y_pixel_size")
    )
    return Metadata(
        distance_mm=distance,
        wavelength_A=units.wavelength_A(energy.first, energy.unit, "j") if energy else None,
        pixel_mm=units.both(fast, slow),
    )


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is HDF5 of any kind."""
    return head.startswith(hdf5.MAGIC)


FORMAT = Format(
    name=NAME,
    key="hdf5",
    suffixes=(".h5", ".hdf5"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "its images have no attributes beam_center_x and beam_center_y"),
    write=None,
    convention=(
        "Attributes of the images whose names carry their unit, and beam_center_x/y in px. They do not say "
        "whether pixels count from corner or center of the first one: the corner is taken."
    ),
    open_frames=hdf5.opener(open_plain),
    fields=(
        FieldNote("beam_center_x", "center_px", "px from the first pixel's corner, +0.5 is offered"),
        FieldNote("beam_center_y", "center_px", "px from the first pixel's corner, +0.5 is offered"),
        FieldNote("distance_m", "distance_mm", "m; also distance_mm, distance_um, detector_distance_m, ..."),
        FieldNote("pixel_m", "pixel_mm", "m, both axes; also pixel_mm, pixel_um, pixel_size_m, ..."),
        FieldNote("wavelength_A", "wavelength_A", "Å"),
        FieldNote("Qx, Qy", "center_px", "of NXcanSAS, at the pixels' centers: where both are zero"),
    ),
)

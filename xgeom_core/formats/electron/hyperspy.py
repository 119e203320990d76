"""HyperSpy's own files (``.hspy``): a dataset, axes as groups ``axis-0`` and on, metadata as attributes."""

from __future__ import annotations

import h5py

from xgeom_core.formats.electron import calibration
from xgeom_core.formats.electron.arrays import (
    ArrayFormat,
    Found,
    group_of,
    image_array,
    number_of,
    text_of,
)
from xgeom_core.formats.header import FieldNote, Header

NAME = "HyperSpy"
_SIGNALS = "Experiments"
_MICROSCOPE = ("metadata/Acquisition_instrument/TEM", "metadata/Acquisition_instrument/SEM")


def find(file: h5py.File, wanted: str) -> Found | None:
    """The signal with the most pixels, or the one wanted."""
    signals = group_of(file, _SIGNALS)
    if signals is None or not text_of(file, "file_format").lower().startswith("hyperspy"):
        return None
    groups = [group for name in signals if (group := group_of(signals, name)) is not None]
    images = {group: found for group in groups if (found := image_array(group.get("data"))) is not None}
    names = tuple(found.name for found in images.values())
    chosen = [group for group, found in images.items() if wanted in ("", found.name, str(group.name))]
    if not chosen:
        return None
    group = max(chosen, key=lambda one: one["data"].size)
    return Found(images[group], _header(group, images[group].shape), names)


def _header(group: h5py.Group, shape: tuple[int, int]) -> Header:
    microscope = next((found for name in _MICROSCOPE if (found := group_of(group, name))), None)
    rank = group["data"].ndim
    fast, slow = (_axis(group_of(group, f"axis-{rank - n}"), shape[-n]) for n in (1, 2))
    axes = (fast, slow) if fast is not None and slow is not None else None
    return calibration.stated(
        calibration.kilovolts(number_of(microscope, "beam_energy")),
        number_of(microscope, "camera_length"),
        axes,
        detector=text_of(microscope, "microscope"),
        title=text_of(group_of(group, "metadata/General"), "title"),
    )


def _axis(node: h5py.Group | None, size: int) -> calibration.Axis | None:
    scale, offset = number_of(node, "scale"), number_of(node, "offset")
    if scale is None or scale == 0:
        return None
    return calibration.Axis(scale, offset or 0.0, text_of(node, "units"), size)


LAYOUT = ArrayFormat(NAME, find)
FORMAT = LAYOUT.format(
    "hyperspy",
    ".hspy",
    "HyperSpy's calibrated axes are zero at the beam where somebody has calibrated them; values are taken as "
    "those of pixel centers. Axes in 1/Å, 1/nm or mrad and the camera length give the pixel size.",
    "the axes of its images are not calibrated",
    (
        FieldNote("beam_energy", "wavelength_A", "kV, relativistic"),
        FieldNote("camera_length", "distance_mm", "mm, nominal"),
        FieldNote("scale", "pixel_mm", "1/nm, 1/Å or mrad a pixel, times the camera length"),
        FieldNote("offset", "center_px", "value of the first pixel's center; zero is at the beam"),
        FieldNote("microscope", "detector", "as it stands"),
        FieldNote("title", "title", "as it stands"),
    ),
)

"""CBF: images of Pilatus, Eiger and other detectors, with a mini-header or a full imgCIF header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.cbf import mini
from xgeom_core.formats.cbf.content import Content, read_content
from xgeom_core.formats.cbf.decoding import decoded
from xgeom_core.formats.cbf.headers import headers, headers_of, is_cbf
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.reading import Hints

NAME = "CBF"


def recognizes(path: Path, head: bytes) -> bool:
    """Whether it is a CBF by its first bytes, by a binary section, or by the axes of a detector in imgCIF."""
    return is_cbf(head)


def open_frames(path: str, dataset: str = "") -> ImageSource:
    """Open the images of a CBF: one, several, or the panels of one detector, put one below the other.

    Raises
    ------
    UnreadableFileError
        If the file is damaged, or stored in a way that is not read.
    MissingDatasetError
        If it holds images of several sizes.
    """
    content = read_content(Path(path))
    stated = headers_of(content, Hints())
    images = _images(path, content, stated)
    slow, fast = images.shape[1:]
    return ImageSource(path, NAME, lambda *_: stated, images.__getitem__, (slow, fast), len(images))


def _images(path: str, content: Content, stated: list[Header]) -> NDArray[np.generic]:
    otherwise = next((header.image_size for header in stated if header.image_size), None)
    sizes = {section.image_size or otherwise for section in content.sections}
    size = sizes.pop()
    if size is None:
        raise MissingDatasetError(f"{path} does not state how many pixels a row of its image has.")
    if sizes:
        raise MissingDatasetError(f"{path} holds images of several sizes, such as {size[0]} x {size[1]}.")
    found = [decoded(path, section, size) for section in content.sections]
    images = found[0] if len(found) == 1 else np.concatenate(found)
    # As many images as panels: each is the picture of one.
    panels = max(len(header.metadata.panels) for header in stated)
    return images.reshape(1, -1, size[0]) if len(images) == panels else images


FORMAT = Format(
    name=NAME,
    key="cbf",
    suffixes=(".cbf", ".cbf.gz", ".cbf.bz2"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "neither Beam_xy nor the axes of a detector stand in its header"),
    write=None,
    convention=(
        "Mini-header Beam_xy: the beam on the detector in px, origin not stated (taken as the first pixel's "
        "corner). Full headers state vectors in mm, and center_fast and center_slow from the first pixel's "
        "center."
    ),
    open_frames=open_frames,
    fields=(
        *mini.FIELDS,
        FieldNote(
            "_axis.vector, _axis.offset", "center_px", "mm, z towards the source; also tilt and distance"
        ),
        FieldNote("_diffrn_scan_frame_axis.angle", "tilt_deg", "degrees, of each axis that turns"),
        FieldNote("_diffrn_scan_frame_axis.displacement", "distance_mm", "mm, of each axis that moves"),
        FieldNote("_array_structure_list_axis.displacement_increment", "pixel_mm", "mm"),
        FieldNote("_array_structure_list.array_id", "panels", "a panel for each array, or section of one"),
        FieldNote("_diffrn_scan_axis.angle_increment", "rotation", "degrees a frame, of a goniometer's axis"),
        FieldNote("_diffrn_data_frame.center_fast", "center_px", "mm or px, from the first pixel's center"),
        FieldNote("_diffrn_measurement.sample_detector_distance", "distance_mm", "mm"),
        FieldNote("_diffrn_radiation_wavelength.wavelength", "wavelength_A", "Å"),
        FieldNote("_diffrn_radiation.polarizn_source_ratio", "polarization", "(Ip - In) / (Ip + In)"),
        FieldNote("_array_intensities.overload", "saturation", "counts"),
        FieldNote("_diffrn_detector.type", "detector", "its name"),
    ),
)

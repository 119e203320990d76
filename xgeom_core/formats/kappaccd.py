"""KappaCCD frames (Nonius): lines of text, then sums of readouts; no beam center is stated."""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, one
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.swing import swung_header
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Metadata, Rotation

NAME = "KappaCCD"
_HEADER_BYTES = 8192
_FIELD = re.compile(r"^([A-Za-z][^=\n]{0,60}?)[ \t]*=[ \t]*([^\n]{0,100})$", re.MULTILINE)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the lines of a KappaCCD stand at the start."""
    start = head[:_HEADER_BYTES]
    return head.startswith(b"No") and b"X dimension" in start and b"Kappa-support angle" in start


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the lines state; an UnreadableFileError if the file is no frame of a KappaCCD."""
    head = read_head(path, _HEADER_BYTES)
    if not recognizes(path, head):
        raise UnreadableFileError(f"{path} is no frame of a KappaCCD: its lines of text are missing.")
    text = head.decode("latin-1").replace("\r\n", "\n")
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(text):
        fields.setdefault(name, value.strip())
    binned = 2.0 if "Binned mode" in text else 1.0
    lengths = (units.length_mm(one(fields, f"pixel {axis}-size (um)"), "um") for axis in "XY")
    pixel = units.both(*(length * binned if length is not None else None for length in lengths))
    theta, axis = one(fields, "Theta start"), "phi" if "Phi scan range" in fields else "omega"
    start, step = one(fields, f"{axis.title()} start"), one(fields, f"{axis.title()} scan range")
    found = swung_header(
        Metadata(
            distance_mm=units.positive(one(fields, "Dx start")),
            wavelength_A=_wavelength(
                *(one(fields, name) for name in ("Alpha1", "Alpha2", "Alpha1/Alpha2 ratio"))
            ),
            pixel_mm=pixel,
            detector=fields.get("Detector ID", ""),
            rotation=Rotation(start, step, name=axis) if start is not None and step is not None else None,
        ),
        2 * theta if theta is not None else None,
        1,
        image_size=image_size([one(fields, f"{side} dimension") for side in "XY"]),
    )
    return [found]


def _wavelength(alpha1: float | None, alpha2: float | None, ratio: float | None) -> float | None:
    """The mean of the two lines by their strengths, or the first where the second is not stated."""
    if alpha1 is None or alpha2 is None or ratio is None or ratio <= 0:
        return units.positive(alpha1)
    return units.tidy((ratio * alpha1 + alpha2) / (ratio + 1))


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the image of a file; errors as of `xgeom_core.formats.fabio_images.open_fabio`."""
    return open_fabio(path, NAME, headers, "kcdimage")


FORMAT = Format(
    name=NAME,
    key="kappaccd",
    suffixes=(".kcd",),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "a KappaCCD does not record it"),
    write=None,
    convention=(
        "No beam center is stated. The swing of the detector is twice Theta, about the slow axis as in DIALS."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote("Dx start", "distance_mm", "mm, along the normal"),
        FieldNote("Theta start", "tilt_deg", "degrees, half of the swing; positive is a positive yaw"),
        FieldNote("Alpha1", "wavelength_A", "Å; the mean with Alpha2 by their ratio"),
        FieldNote("pixel X-size (um)", "pixel_mm", "µm, fast; twice that in binned mode"),
        FieldNote("pixel Y-size (um)", "pixel_mm", "µm, slow; twice that in binned mode"),
        FieldNote("Phi start", "rotation", "degrees; Omega start where omega turns"),
        FieldNote("Phi scan range", "rotation", "degrees a frame; Omega scan range where omega turns"),
        FieldNote("Detector ID", "detector", "as it stands"),
    ),
)

"""ADXV: centers in mm as it shows them (``ADXV_CENTER_X`` and ``_Y``), and its ``.adxv_beam_center`` file.

Facts: nanoBragg and a comparison of programs made at the SRS in Daresbury (mm count x from the left, y
from *below*; pixels count y from above). Of the file only what another program writes for ADXV is public:
``x y width height`` in pixels.
"""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats import mm_centers, values
from xgeom_core.formats.format import Format
from xgeom_core.formats.mm_centers import NUMBER, Stated, last_number
from xgeom_core.formats.planes import image_size
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Choice

CONVENTION = (
    "ADXV states where the beam meets the detector in mm: x along the fast axis, y from the lower edge up. "
    "It counts from the image's outer corner (0 is added)."
)
_KEYS = {
    axis: re.compile(
        rf"\bADXV_CENTER_{axis}['\"]?\s{{0,3}}[:= ]\s{{0,3}}['\"]?({NUMBER})(?![\w.])", re.IGNORECASE
    )
    for axis in "XY"
}
_HEAD = re.compile(rb"\bADXV_CENTER_([XY])\b", re.IGNORECASE)
_OWN_FILE = "adxv_beam_center"


def recognizes(path: Path, head: bytes) -> bool:
    """Both keys outside an SMV header, or ADXV's own file by its name and its numbers."""
    if head.lstrip().startswith(b"{") and b"HEADER_BYTES" in head[:200]:
        return False
    if {axis.upper() for axis in _HEAD.findall(head)} == {b"X", b"Y"}:
        return True
    numbers = head[:400].split()
    return (
        _OWN_FILE in path.name
        and len(numbers) >= 2
        and all(values.number(item.decode("latin-1")) is not None for item in numbers[:2])
    )


def read(path: Path, hints: Hints) -> list[Reading]:
    """The one center of the file."""
    text = read_text(path)
    x_mm, y_mm = (last_number(_KEYS[axis], text) for axis in "XY")
    if x_mm is None or y_mm is None:
        return [_own_file(text, path, hints)]
    pixel_mm = values.pixel_known(path, "ADXV", None, hints)
    size = _size(path, hints)
    x, y = x_mm / pixel_mm[0], size[1] - y_mm / pixel_mm[1]
    native = {"ADXV_CENTER_X": values.shown(x_mm, "mm"), "ADXV_CENTER_Y": values.shown(y_mm, "mm")}
    stated = Stated(native=native)
    return [mm_centers.reading(FORMAT.name, CONVENTION, path, (x, y), stated, pixel_mm, hints)]


def _size(path: Path, hints: Hints) -> tuple[int, int]:
    if hints.image_size is None:
        raise MissingDatasetError(
            f"{path} counts y from the lower edge (ADXV), so the image size is needed: state it, or open the "
            "frame that it belongs to."
        )
    return hints.image_size


def _own_file(text: str, path: Path, hints: Hints) -> Reading:
    """``x y width height`` in pixels."""
    numbers = [values.number(item) for item in text.split()[:4]]
    if len(numbers) < 2 or numbers[0] is None or numbers[1] is None:
        raise MissingDatasetError(
            f"{path} states neither ADXV_CENTER_X and ADXV_CENTER_Y nor a center in px."
        )
    x, y = numbers[0], numbers[1]
    size = image_size(numbers[2:4]) or hints.image_size
    choices: tuple[Choice, ...] = ()
    if size is not None:
        choices = (Choice("y counted from above", (x, y)), Choice("y counted from below", (x, size[1] - y)))
    note = "Whether this file of ADXV counts y from above is documented nowhere; it is taken so."
    stated = Stated(
        image_size=size,
        native={"x": values.shown(x, "px"), "y": values.shown(y, "px")},
        notes=(note,),
    )
    return mm_centers.reading(FORMAT.name, CONVENTION, path, (x, y), stated, hints.pixel_mm, hints, choices)


FORMAT = Format("ADXV", "adxv", (".adxv_beam_center",), recognizes, read, None, CONVENTION)

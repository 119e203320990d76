"""CrysAlis frames (.rodhypix, .img of Oxford Diffraction) and Esperanto: a detector on a theta arm.

Read as DIALS reads them: e1 towards the source, e3 up; the detector turned about e1 and e2, then about e3 by
theta, clockwise seen from above; the origin is where the beam meets it with all angles zero.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xgeom_core import units
from xgeom_core.errors import UnreadableFileError, XgeomError
from xgeom_core.formats import planes
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, half_a_pixel
from xgeom_core.formats.image_readings import ImageSource, reading_of_headers
from xgeom_core.formats.numbers import numbers
from xgeom_core.formats.planes import Plane, image_size, rounded
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_head
from xgeom_core.metadata import Metadata

NAME = "CrysAlis"
_ROD, _ESPERANTO, _LINE = b"OD SAPPHIRE", b"ESPERANTO FORMAT", 256
_HEADER_BYTES = 2**15
_TEXT_BYTES = 256  # of the part of text in front of the binary sections
# Bytes from the start of the goniometer's section, which follows two others whose sizes the text states.
_STEPS, _STEP_RAD, _WAVELENGTHS, _DISTANCE = 284, 368, 568, 712
_TILTS, _ORIGIN = 640, 664
_CONVENTION = (
    "CrysAlis origin (px), where the beam meets the detector with all angles zero, turned with it; from the "
    "first pixel's corner, which is not stated: +-0.5 px"
)
_Numbers = Mapping[str, float]


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts as CrysAlis's own frames or as Esperanto."""
    return head.startswith((_ROD, _ESPERANTO))


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the goniometer's section states; an UnreadableFileError if the header is damaged."""
    head = read_head(path, _HEADER_BYTES)
    try:
        return [_header(_esperanto(head) if head.startswith(_ESPERANTO) else _rod(head))]
    except (struct.error, KeyError, ValueError, IndexError):
        raise UnreadableFileError(f"{path} is no whole frame of CrysAlis: its header is damaged.") from None


def _rod(head: bytes) -> _Numbers:
    """Numbers of the binary header, by their names in Esperanto."""
    text = head[:_TEXT_BYTES].decode("latin-1")
    stated: dict[str, int] = {}
    for name, value in re.findall(r"\b([A-Z]{2,8})=\s{0,8}(\d{1,8})", text):
        stated.setdefault(name, int(value))  # NS is the special section first, then that of statistics
    general = _TEXT_BYTES
    special = general + stated["NG"]
    goniometer = special + stated["NS"]

    def doubles(at: int, count: int) -> tuple[float, ...]:
        return struct.unpack_from(f"<{count}d", head, at)

    steps, step_rad = struct.unpack_from("<2i", head, goniometer + _STEPS), doubles(goniometer + _STEP_RAD, 2)
    binning = struct.unpack_from("<2H", head, general)
    origin, pixel = doubles(goniometer + _ORIGIN, 2), doubles(special + 568, 2)
    alpha1, _, alpha12 = doubles(goniometer + _WAVELENGTHS, 3)
    tilts = doubles(goniometer + _TILTS, 2)
    return {
        "lnx": stated["NX"],
        "lny": stated["NY"],
        "dth_s": float(np.degrees(steps[1] * step_rad[1])),
        "dxorigininpix": origin[0] / (binning[0] or 1),
        "dyorigininpix": origin[1] / (binning[1] or 1),
        "drealpixelsizex": pixel[0],
        "drealpixelsizey": pixel[1],
        "detectorrotindeg_x": tilts[0],
        "detectorrotindeg_y": tilts[1],
        "ddistanceinmm": doubles(goniometer + _DISTANCE, 1)[0],
        "dalpha12": alpha12 or alpha1,
        "loverflowthreshold": struct.unpack_from("<i", head, special + 472)[0],
    }


_WORDS = {
    "IMAGE": ("lnx", "lny"),
    "SPECIAL_CCD_2": ("", "", "", "", "loverflowthreshold"),
    "PIXELSIZE": ("drealpixelsizex", "drealpixelsizey"),
    "STARTANGLESINDEG": ("", "dth_s"),
    "GONIOMODEL_1": (
        *("", "", "detectorrotindeg_x", "detectorrotindeg_y", ""),
        *("dxorigininpix", "dyorigininpix", "", "", "ddistanceinmm"),
    ),
    "WAVELENGTH": ("", "", "dalpha12"),
}


def _esperanto(head: bytes) -> _Numbers:
    """Numbers of the lines of text, by their names in Esperanto's description."""
    found: dict[str, float] = {}
    for at in range(_LINE, len(head), _LINE):
        key, *words = head[at : at + _LINE].decode("latin-1").split() or [""]
        if at > 64 * _LINE or (key and not key.isprintable()):
            break
        for name, word in zip(_WORDS.get(key, ()), words, strict=False):
            if name and len(number := numbers(word)) == 1:
                found[name] = number[0]
    return found


def _header(stated: _Numbers) -> Header:
    size = image_size([stated.get("lnx"), stated.get("lny")])
    known = Metadata(
        wavelength_A=planes.wavelength(stated.get("dalpha12")),
        saturation=units.positive(stated.get("loverflowthreshold")),
    )
    try:
        plane = _plane(stated)
        found = planes.plane_geometry(plane, np.array([0.0, 0.0, -1.0]), None, "CrysAlis's angles")
    except (XgeomError, KeyError) as error:
        return Header(known, (f"The detector's place is not read: {error}.",), image_size=size)
    metadata = Metadata(
        found.distance_mm,
        known.wavelength_A,
        plane.pixel_mm,
        found.center_px,
        (found.pitch_deg, found.yaw_deg),
        _CONVENTION,
        known.saturation,
        distance_along="normal",
        choices=half_a_pixel(found.center_px),
    )
    origin = rounded([stated["dxorigininpix"], stated["dyorigininpix"]])
    native = {"origin": f"{origin} px", "theta": f"{stated['dth_s']:g} deg"}
    return Header(metadata, native=native, image_size=size)


def _plane(stated: _Numbers) -> Plane:
    """The detector in a frame with x to the right, y up and z towards the source; KeyError if silent."""
    from scipy.spatial.transform import Rotation as Turn  # noqa: PLC0415 - slow to import, and few files need it

    pixel = planes.pixel_size([stated["drealpixelsizex"], stated["drealpixelsizey"]], "PIXELSIZE")
    at = [stated[name] for name in ("dxorigininpix", "dyorigininpix", "ddistanceinmm")]
    across, down, distance = planes.vector(at, "GONIOMODEL_1")
    turn = np.eye(3)
    for name, axis in (
        ("detectorrotindeg_x", (0.0, 0.0, 1.0)),
        ("detectorrotindeg_y", (-1.0, 0.0, 0.0)),
        ("dth_s", (0.0, -1.0, 0.0)),
    ):
        turn = Turn.from_rotvec(np.radians(stated[name]) * np.array(axis)).as_matrix() @ turn
    origin = turn @ np.array([-across * pixel[0], -down * pixel[1], -distance])
    return Plane(origin, turn[:, 0], turn[:, 1], pixel)


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the image of a file; errors as of `xgeom_core.formats.fabio_images.open_fabio`."""
    text = read_head(Path(path), len(_ESPERANTO)) == _ESPERANTO
    return open_fabio(path, NAME, headers, "esperantoimage" if text else "oxdimage")


FORMAT = Format(
    name=NAME,
    key="crysalis",
    suffixes=(".img", ".rodhypix", ".esperanto", ".esper"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "its goniometer's section is damaged"),
    write=None,
    convention=(
        "The origin in px is where the beam meets the detector with all angles zero. Its rotations and theta "
        "are read as DIALS reads them; whether pixels count from their corners is not stated."
    ),
    open_frames=open_frames,
    fields=(
        FieldNote("dxorigininpix", "center_px", "px along the fast axis, all angles zero"),
        FieldNote("dyorigininpix", "center_px", "px along the slow axis, all angles zero"),
        FieldNote("ddistanceinmm", "distance_mm", "mm, along the normal"),
        FieldNote("dth_s", "tilt_deg", "degrees; theta of the arm; moves the center"),
        FieldNote("detectorrotindeg_x", "tilt_deg", "degrees about the beam: turns the tilt"),
        FieldNote("detectorrotindeg_y", "tilt_deg", "degrees about the horizontal axis"),
        FieldNote("dalpha12", "wavelength_A", "Å"),
        FieldNote("drealpixelsizex", "pixel_mm", "mm, fast"),
        FieldNote("drealpixelsizey", "pixel_mm", "mm, slow"),
        FieldNote("loverflowthreshold", "saturation", "counts"),
    ),
)

"""TIFF images: Pilatus descriptions, tags of EPICS areaDetector, or nothing but pixels."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from xgeom_core import units
from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.cbf import mini
from xgeom_core.formats.cbf.mini import mini_header
from xgeom_core.formats.fabio_images import open_fabio
from xgeom_core.formats.format import Format
from xgeom_core.formats.header import FieldNote, Header, half_a_pixel, if_stated
from xgeom_core.formats.image_readings import HeaderReader, ImageSource, reading_of_headers
from xgeom_core.formats.limits import check_size
from xgeom_core.formats.numbers import numbers
from xgeom_core.formats.raw_images import open_raw
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.tiff_tags import DESCRIPTION, MODEL, Directory, directories, is_tiff
from xgeom_core.metadata import Metadata

NAME = "TIFF"
_MINI_FIELD = re.compile(
    r"^\s*#\s*(Pixel_size|Detector(_\w+)?|Wavelength|Beam_xy|Count_cutoff)\b", re.MULTILINE
)
_ATTRIBUTE = re.compile(r"\s*([^:=]{1,60}?)\s*(?:\(\s*([A-Za-z\u00c5]{1,10})\s*\))?\s*[:=]\s*(.{0,200})")
_MOST_DIGITS = 10**9


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file starts as a TIFF."""
    return is_tiff(head)


def headers(path: Path, hints: Hints) -> list[Header]:
    """What description and tags state; an UnreadableFileError if the file is no TIFF or damaged."""
    return headers_of(_first(path, directories(path)))


def headers_of(directory: Directory) -> list[Header]:
    """What the tags of one image state."""
    slow, fast = directory.shape
    size = (fast, slow)
    model = directory.text(MODEL).strip().split(",")[0]
    description = directory.text(DESCRIPTION)
    found = mini_headers(description, "TIFF description", size)
    if not found:
        # Some programs describe the array here, and not what is on it.
        said = description.strip()
        title = said if said.isprintable() and re.match(r"\w\w", said) and "ImageJ=" not in said else ""
        found = [replace(_attributes(directory.texts, title), image_size=size)]
    named = found[0].metadata.detector or ("" if model == "Unknown" else model)
    return [replace(found[0], metadata=replace(found[0].metadata, detector=named)), *found[1:]]


def mini_headers(text: str, where: str, size: tuple[int, int] | None) -> list[Header]:
    """What a text with the fields of a Pilatus mini-header states; none if it holds no such fields."""
    return [mini_header(text, where, size)] if _MINI_FIELD.search(text) else []


def _attributes(texts: tuple[str, ...], title: str) -> Header:
    """What the attributes that EPICS areaDetector writes into tags state: "Wavelength(A):0.3344"."""
    stated: dict[str, tuple[float, str]] = {}
    named: dict[str, str] = {}
    for text in texts:
        match = _ATTRIBUTE.fullmatch(text)
        if match is None:
            continue
        name, unit, value = match.group(1).lower().replace("_", " "), match.group(2) or "", match.group(3)
        named[name] = value.strip()
        found = numbers(value)
        if len(found) == 1 and abs(found[0]) < _MOST_DIGITS:
            stated[name] = (found[0], unit)
    wavelength, energy = _number(stated, r"wavelength"), _number(stated, r"energy")
    distance = _number(stated, r"(detector|det|sample|camera)\W?(distance|length)|distance")
    pixel = [_number(stated, rf"pixel\W?size(\W?{axis})?") for axis in "xy"]
    beam = units.stated_center(
        *((_number(stated, rf"beam\W?(center)?\W?{axis}") or (None,))[0] for axis in "xy")
    )
    return Header(
        Metadata(
            distance_mm=units.length_mm(*distance, default="mm") if distance else None,
            wavelength_A=_wavelength(wavelength, energy),
            pixel_mm=units.both(*(units.length_mm(*one, default="mm") if one else None for one in pixel)),
            center_px=beam,
            center_convention=if_stated(
                beam, "TIFF attribute BeamX, BeamY (px), origin not stated: +-0.5 px"
            ),
            detector=named.get("cameramodel", ""),
            title=title,
            choices=half_a_pixel(beam),
        )
    )


def _number(stated: dict[str, tuple[float, str]], pattern: str) -> tuple[float, str] | None:
    """Value and unit of the first attribute whose name ends as a pattern says, words before it allowed."""
    end = re.compile(rf"(?:.*\W)?(?:{pattern})")
    return next((value for name, value in stated.items() if end.fullmatch(name)), None)


def _wavelength(wavelength: tuple[float, str] | None, energy: tuple[float, str] | None) -> float | None:
    if wavelength is not None:
        return units.wavelength_A(*wavelength)
    if energy is None:
        return None
    value, unit = energy
    return units.wavelength_A(value, unit or ("eV" if value > 500 else "keV"))


def open_frames(path: str, dataset: str) -> ImageSource:
    """Open the images of a file; errors as of :func:`open_tiff`."""
    return open_tiff(path, NAME, headers)


def open_tiff(path: str, layout: str, read_headers: HeaderReader) -> ImageSource:
    """Open the images of a TIFF that are as large as the first; fabio unpacks what is compressed.

    Raises
    ------
    UnreadableFileError
        If the file is damaged or truncated.
    MissingDatasetError
        If it holds something else than grey images.
    """
    found = directories(Path(path))
    first = _first(Path(path), found)
    pixel = first.pixel
    if pixel is None:
        return open_fabio(path, layout, read_headers)
    images = [one for one in found if one.shape == first.shape and one.pixel == pixel]
    return open_raw(
        path, layout, read_headers, pixel, first.shape, [one.pieces or [(0, 0)] for one in images]
    )


def _first(path: Path, found: list[Directory]) -> Directory:
    if not found:
        raise MissingDatasetError(f"{path} is a TIFF without an image.")
    if not all(found[0].shape):
        raise UnreadableFileError(f"{path} is damaged: its image has no size.")
    check_size(str(path), found[0].shape)
    return found[0]


FORMAT = Format(
    name=NAME,
    key="tiff",
    suffixes=(".tif", ".tiff"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "neither its description nor its tags hold one"),
    write=None,
    convention=(
        "Descriptions with the fields of a Pilatus mini-header: Beam_xy in px, origin not stated (taken as "
        "the first pixel's corner). Tags of EPICS areaDetector by their names and units."
    ),
    open_frames=open_frames,
    fields=(
        *mini.FIELDS,
        FieldNote("Model", "detector", "tag 272, up to the first comma"),
        FieldNote("Wavelength(A)", "wavelength_A", "EPICS attribute, unit in brackets; Å without"),
        FieldNote("Energy(eV)", "wavelength_A", "EPICS attribute where no wavelength is stated"),
        FieldNote("DetectorDistance(mm)", "distance_mm", "EPICS attribute; mm without a unit"),
        FieldNote("PixelSizeX(um)", "pixel_mm", "EPICS attribute, with PixelSizeY; mm without a unit"),
        FieldNote("BeamX", "center_px", "EPICS attribute, with BeamY: px, from the first pixel's corner"),
        FieldNote("CameraModel", "detector", "EPICS attribute"),
        FieldNote("ImageDescription", "title", "where it holds no such fields"),
    ),
)

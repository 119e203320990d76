"""The header that Dectris detectors send with a stream of images: JSON with the detector's configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import planes
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.metadata import Choice

NAME = "Dectris stream"
_CONVENTION = (
    "Dectris beam_center_x/y (px): where the beam meets the detector; the origin is not defined and taken "
    "as the outer corner of the first pixel."
)
_LARGEST = 2**20


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is JSON of a stream header or of a detector configuration."""
    if head.lstrip()[:1] not in (b"{", b"["):
        return False
    if b'"dheader' in head:
        return True
    return all(name in head for name in (b'"beam_center_x"', b'"detector_distance"', b'"x_pixel_size"'))


def read(path: Path, hints: Hints) -> list[Reading]:
    """One Reading of the configuration.

    Raises
    ------
    UnreadableFileError
        If the file is not JSON.
    MissingDatasetError
        If no beam center is set in it.
    """
    text = read_text(path, _LARGEST)
    try:
        data = json.JSONDecoder().raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path} is not the JSON of a Dectris stream header.") from error
    config = _config(data)
    values = {name: _value(config.get(name)) for name in ("beam_center_x", "beam_center_y")}
    x, y = values["beam_center_x"], values["beam_center_y"]
    if x is None or y is None or (x == 0 and y == 0) or max(abs(x), abs(y)) > 1e7:
        raise MissingDatasetError(
            f"{path} states no beam center: beam_center_x and beam_center_y are not set."
        )
    pixels = [_value(config.get(f"{axis}_pixel_size")) for axis in "xy"]
    pixel = hints.pixel_mm
    if pixels[0] and pixels[1] and all(1e-9 < (one or 0) < 1 for one in pixels):
        pixel = float(f"{pixels[0] * 1e3:.12g}"), float(f"{pixels[1] * 1e3:.12g}")
    distance = _value(config.get("detector_distance"))
    distance_mm = float(f"{distance * 1e3:.12g}") if distance and 0 < distance < 1e3 else hints.distance_mm
    size = [_value(config.get(f"{axis}_pixels_in_detector")) for axis in "xy"]
    return [
        Reading(
            Estimate(NAME, (x, y), convention=_CONVENTION),
            path=str(path),
            distance_mm=distance_mm,
            pixel_mm=pixel,
            wavelength_A=planes.wavelength(_value(config.get("wavelength"))) or hints.wavelength_A,
            image_size=planes.image_size(size) or hints.image_size,
            native={"beam_center_x": f"{rounded([x])} px", "beam_center_y": f"{rounded([y])} px"},
            choices=(Choice("first pixel's center is the origin (+0.5 px)", (x + 0.5, y + 0.5)),),
        )
    ]


def _config(data: Any) -> dict[str, Any]:
    """The object that holds the center: the data themselves, their ``config``, or the first of a list."""
    candidates = data if isinstance(data, list) else [data]
    for candidate in candidates[:16]:
        if isinstance(candidate, dict):
            inner = candidate.get("config")
            for one in (candidate, inner):
                if isinstance(one, dict) and "beam_center_x" in one:
                    return one
    return {}


def _value(entry: Any) -> float | None:
    """A number, or the ``value`` of a parameter as the detector's web interface gives it."""
    return planes.finite(entry.get("value") if isinstance(entry, dict) else entry)


def write(writing: Writing) -> str:
    """The configuration parameters that state this geometry; a tilt has no parameter and is left out.

    With a template, the template with these parameters changed.
    """
    geometry = writing.geometry
    values: dict[str, float | int] = {
        "beam_center_x": geometry.center_px[0],
        "beam_center_y": geometry.center_px[1],
        "detector_distance": float(f"{geometry.distance_mm / 1e3:.12g}"),
        "x_pixel_size": float(f"{geometry.pixel_mm[0] / 1e3:.12g}"),
        "y_pixel_size": float(f"{geometry.pixel_mm[1] / 1e3:.12g}"),
        "x_pixels_in_detector": writing.image_size[0],
        "y_pixels_in_detector": writing.image_size[1],
    }
    if geometry.wavelength_A is not None:
        values["wavelength"] = geometry.wavelength_A
    if writing.template is None:
        return json.dumps(values, indent=2) + "\n"
    try:
        data = json.loads(read_text(writing.template, _LARGEST))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(
            f"{writing.template} is not the JSON of a Dectris stream header; give one as the template."
        ) from error
    config = _config(data)
    if not config:
        raise UnreadableFileError(
            f"{writing.template} holds no beam_center_x; give a stream header as the template."
        )
    for name, value in values.items():
        if isinstance(config.get(name), dict):
            config[name]["value"] = value
        else:
            config[name] = value
    return json.dumps(data, indent=2) + "\n"


FORMAT = Format(
    name=NAME,
    key="dectris",
    suffixes=(".json",),
    recognizes=recognizes,
    read=read,
    write=write,
    convention=(
        "beam_center_x/y: the beam on the detector in px, origin not defined (taken as the first pixel's "
        "corner). Lengths are in m; a tilt cannot be stated."
    ),
)

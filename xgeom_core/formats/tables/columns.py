"""What the columns of a table of centers are called, and how nested JSON becomes columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Names are compared in lower case, with anything but letters and digits as one underscore.
_AXES = {"x": "x", "y": "y"}
_CENTER = (
    *(
        "{a}",
        "{a}_px",
        "c{a}",
        "{a}c",
        "{a}0",
        "center{a}",
        "center_{a}",
        "{a}_center",
        "beam_{a}",
        "{a}_beam",
    ),
    *("beam{a}", "beam_center_{a}", "beamcenter_{a}", "beamcenter{a}", "beam_center{a}", "{a}_beam_center"),
    *("{a}cen", "{a}_cen", "{a}center"),
)
_SIGMA = (
    "{n}_sigma",
    "sigma_{n}",
    "s{n}",
    "sig{n}",
    "{n}_err",
    "{n}_error",
    "{n}_std",
    "std_{n}",
    "d{n}",
    "e{n}",
)
_PLAIN: dict[str, tuple[str, ...]] = {
    "file": ("file", "path", "filename", "file_name", "image_file", "image_filename"),
    "frame": ("frame", "index", "frame_index", "frame_number", "frame_no", "event", "shot"),
    "image": ("image", "image_number", "image_no", "imageno", "image_nr"),
    "distance_mm": ("distance_mm", "distance", "detector_distance_mm", "camera_length_mm"),
    "wavelength_A": ("wavelength_a", "wavelength", "wavelength_angstrom"),
    "pixel_mm": ("pixel_mm", "pixel_size_mm"),
    "pixel_um": ("pixel_um", "pixel_size_um"),
    "pixel_x_mm": ("pixel_x_mm",),
    "pixel_y_mm": ("pixel_y_mm",),
    "width": ("width", "image_width"),
    "height": ("height", "image_height"),
    "status": ("status",),
    "reason": ("reason",),
    "source": ("source", "program", "method"),
    "where": ("where",),
}
# Pairs that JSON objects hold as lists.
_PAIRS = {
    "center_px": ("x_px", "y_px"),
    "center_sigma_px": ("x_sigma_px", "y_sigma_px"),
    "tilt_deg": ("pitch_deg", "yaw_deg"),
    "tilt_sigma_deg": ("pitch_sigma_deg", "yaw_sigma_deg"),
    "pixel_mm": ("pixel_x_mm", "pixel_y_mm"),
    "image_size": ("width", "height"),
    "center": ("center_x", "center_y"),
    "beam_center": ("beam_x", "beam_y"),
    "beam_center_px": ("beam_x", "beam_y"),
    "beamcenter": ("beam_x", "beam_y"),
}


def plain(name: str) -> str:
    """A column's name in the form that names are compared in."""
    return re.sub(r"[^a-z0-9]+", "_", name[:80].strip().lower().replace("centre", "center")).strip("_")


def _names() -> dict[str, str]:
    """Every known column name and what it means."""
    known = {name: meaning for meaning, names in _PLAIN.items() for name in names}
    for axis in _AXES:
        for form in _CENTER:
            name = form.format(a=axis)
            known.setdefault(name, axis)
            known.setdefault(name + "_px", axis)
            known.setdefault(name + "_pixel", axis)
            known.setdefault(name + "_mm", f"{axis}_mm")
        stems = [axis, f"{axis}_px", f"center_{axis}", f"beam_{axis}", f"c{axis}"]
        _add_sigmas(known, stems, ("", "_px"), f"sigma_{axis}")
    for angle in ("pitch", "yaw"):
        for name in (angle, f"{angle}_deg", f"tilt_{angle}", f"tilt_{angle}_deg"):
            known.setdefault(name, angle)
        _add_sigmas(known, [angle, f"{angle}_deg"], ("", "_deg"), f"sigma_{angle}")
    return known


def _add_sigmas(known: dict[str, str], stems: list[str], units: tuple[str, ...], meaning: str) -> None:
    for stem in stems:
        for form in _SIGMA:
            for unit in units:
                known.setdefault(form.format(n=stem) + unit, meaning)


_KNOWN = _names()


def meanings(header: list[str]) -> dict[str, int]:
    """Which column holds what; the first of several with the same meaning."""
    found: dict[str, int] = {}
    for number, name in enumerate(header):
        meaning = _KNOWN.get(plain(name))
        if meaning is not None:
            found.setdefault(meaning, number)
    return found


def has_center(found: Mapping[str, Any]) -> bool:
    """Whether both coordinates of a center are among the columns, in px or in mm."""
    return {"x", "y"} <= found.keys() or {"x_mm", "y_mm"} <= found.keys()


def flat(record: Mapping[str, Any]) -> dict[str, str]:
    """A JSON object as named texts: pairs taken apart, null left out, anything deeper ignored."""
    texts: dict[str, str] = {}
    for name, value in record.items():
        names = _PAIRS.get(plain(str(name)))
        if isinstance(value, list) and names is not None and len(value) == 2:
            texts |= {key: str(part) for key, part in zip(names, value, strict=True) if _is_value(part)}
        elif _is_value(value):
            texts[str(name)] = str(value)
    return texts


def _is_value(value: Any) -> bool:
    # An integer of thousands of digits is no coordinate, and Python refuses to print it.
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 10**15
    return isinstance(value, str | float)

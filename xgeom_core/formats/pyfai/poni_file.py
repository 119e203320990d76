"""The text of a PONI file: its keys, its detector and what is missing. What it means is in ``pyfai``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import values
from xgeom_core.formats.planes import finite
from xgeom_core.formats.pyfai.detectors import curved, known

KEYS = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3")
ORIENTATIONS = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Poni:
    """The values of a PONI file, lengths in mm and angles in radians.

    Parameters
    ----------
    distance, poni1, poni2 : float
        Along the normal, and its foot in the detector (slow, fast), mm.
    rot1, rot2, rot3 : float
        Radians.
    pixel_mm : tuple of float or None
        ``(fast, slow)``, from the file or the detector's name.
    orientation : int or None
        1 to 4; None where the file does not say.
    shape : tuple of int or None
        Pixels ``(fast, slow)`` of the detector, where known.
    """

    distance: float
    poni1: float
    poni2: float
    rot1: float
    rot2: float
    rot3: float
    pixel_mm: tuple[float, float] | None
    orientation: int | None
    shape: tuple[int, int] | None
    wavelength_A: float | None
    stated: dict[str, str]
    warnings: tuple[str, ...]


def parse_poni(text: str, path: Path) -> Poni:
    """The values of a PONI file from its text; a later line replaces an earlier one.

    Raises
    ------
    UnreadableFileError, MissingDatasetError
        If a value is not a number, or one is missing.
    """
    found: dict[str, str] = {}
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon and not line.lstrip().startswith("#"):
            found[key.strip().lower()] = value.strip()
    config = _config(found.get("detector_config", ""), path)
    detector = found.get("detector", "")
    if curved(detector):
        raise UnreadableFileError(
            f"{path} is for a curved detector ({detector}); xgeom knows flat ones only."
        )
    model = known(detector)
    size = _size(config.get("max_shape"))
    sizes = [_pixel(axis, found, config, path) for axis in (2, 1)]
    if model is not None:
        sizes = [size_mm or model.pixel_um / 1e3 for size_mm in sizes]
        if size is None:
            binned = [
                round(n * model.pixel_um / 1e3 / (mm or 1.0))
                for n, mm in zip(model.shape[::-1], sizes, strict=True)
            ]
            size = (binned[0], binned[1]) if min(binned) >= 1 else None
    angles = {key: _value(found, key, path) for key in KEYS}
    for key in ("rot1", "rot2", "rot3"):
        values.bounded(angles[key], 100.0, path, key)
    wavelength = values.number(found.get("wavelength"))
    lengths = [values.bounded(angles[key] * 1e3, values.MOST_MM, path, key) for key in KEYS[:3]]
    return Poni(
        distance=lengths[0],
        poni1=lengths[1],
        poni2=lengths[2],
        rot1=angles["rot1"],
        rot2=angles["rot2"],
        rot3=angles["rot3"],
        pixel_mm=(sizes[0], sizes[1]) if sizes[0] and sizes[1] else None,
        orientation=_orientation(config, path),
        shape=size,
        wavelength_A=values.sane_wavelength(wavelength * 1e10) if wavelength is not None else None,
        stated=_stated(found, config),
        warnings=_warnings(found, config),
    )


def _value(found: dict[str, str], key: str, path: Path) -> float:
    name = key.capitalize()
    if key not in found:
        raise MissingDatasetError(f"{path} does not state {name}; a PONI file has {', '.join(KEYS).title()}.")
    value = values.number(found[key])
    if value is None:
        raise UnreadableFileError(f"{path} gives {name} as {found[key][:40]!r}; a number was expected.")
    return value


def _config(text: str, path: Path) -> dict[str, Any]:
    """``Detector_config`` with lower-case keys; {} where it is absent."""
    if not text or text.lower() == "none":
        return {}
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise UnreadableFileError(f"{path} has a Detector_config that is not a JSON object: {text[:40]!r}.")
    return {str(key).lower(): value for key, value in config.items()}


def _pixel(axis: int, found: dict[str, str], config: dict[str, Any], path: Path) -> float | None:
    """A pixel size in mm: ``pixel1`` is slow, ``pixel2`` fast."""
    size = finite(config.get(f"pixel{axis}"))
    if size is None:
        size = values.number(found.get(f"pixelsize{axis}"))
    if size is None:
        return None
    if not 1e-9 < size < 1.0:
        raise UnreadableFileError(f"{path} gives a pixel size of {size:g} m; such as 0.000172 was expected.")
    return values.tidy(size * 1e3)


def _orientation(config: dict[str, Any], path: Path) -> int | None:
    stated = config.get("orientation")
    number = finite(stated)
    if stated is None or number == 0:
        return None
    if number not in ORIENTATIONS:
        raise UnreadableFileError(f"{path} has orientation {str(stated)[:20]!r}; 1 to 4 was expected.")
    return int(number)


def _size(shape: Any) -> tuple[int, int] | None:
    """``max_shape`` (slow, fast) as (fast, slow)."""
    numbers = [finite(item) for item in shape] if isinstance(shape, list) and len(shape) == 2 else []
    if not numbers or any(n is None or not 1 <= n <= values.MOST_PX for n in numbers):
        return None
    return int(numbers[1] or 0), int(numbers[0] or 0)


def _stated(found: dict[str, str], config: dict[str, Any]) -> dict[str, str]:
    units = {"distance": " m", "poni1": " m", "poni2": " m", "rot1": " rad", "rot2": " rad", "rot3": " rad"}
    stated = {key.capitalize(): found[key] + unit for key, unit in units.items()}
    if "detector" in found:
        stated["Detector"] = found["detector"]
    if "orientation" in config:
        stated["orientation"] = str(config["orientation"])
    return stated


def _warnings(found: dict[str, str], config: dict[str, Any]) -> tuple[str, ...]:
    notes = []
    spline = found.get("splinefile") or config.get("splinefile")
    if spline and str(spline).lower() != "none":
        notes.append("The file corrects the image with a spline file, which is not applied here.")
    if found.get("parallax", "").lower() == "true":
        notes.append("The file was made with pyFAI's parallax correction, which is not applied here.")
    if found.get("detector", "").lower() == "nexusdetector":
        notes.append("The detector is described in a NeXus file of its own, which is not read here.")
    return tuple(notes)

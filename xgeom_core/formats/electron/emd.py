"""EMD files: Berkeley's open format (and py4DSTEM's after it), and Velox's, which shares the name only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from xgeom_core.formats.electron import calibration
from xgeom_core.formats.electron.arrays import (
    BROKEN,
    ArrayFormat,
    Found,
    ImageArray,
    group_of,
    image_array,
    number_of,
    text_of,
)
from xgeom_core.formats.header import FieldNote, Header

NAME = "EMD"
_ARRAYS = ("1", "array")  # emd_group_type before and since version 1.0
_DEPTH, _MOST_NODES = 6, 500
_KV = ("accelerating_voltage", "accelerating voltage", "voltage", "high_tension", "beam_energy")
_CAMERA = ("camera_length", "camera length", "cameralength")
_MOST_JSON = 2**20


def find(file: h5py.File, wanted: str) -> Found | None:
    """The images with the most pixels, or those wanted, by either layout."""
    found = [*_berkeley(file), *_velox(file)]
    names = tuple(images.name for images, _ in found)
    chosen = [one for one in found if wanted in ("", one[0].name, one[0].name.rsplit("/", 1)[0])]
    if not chosen:
        return None
    images, group = max(chosen, key=lambda one: file[one[0].name].size)
    header = _of_velox(file[group]) if images.last else _of_berkeley(file, file[group], images)
    return Found(images, header, names)


def _berkeley(file: h5py.File) -> Iterator[tuple[ImageArray, str]]:
    for group in _groups(file, _DEPTH):
        if text_of(group, "emd_group_type") in _ARRAYS:
            images = image_array(group.get("data"))
            if images is not None:
                yield images, str(group.name)


def _groups(file: h5py.File, depth: int) -> Iterator[h5py.Group]:
    """The groups of a file, breadth first and not through links to other files."""
    level: list[h5py.Group] = [file]
    seen = 0
    for _ in range(depth):
        following = []
        for parent in level:
            for name in parent:
                if seen > _MOST_NODES or isinstance(parent.get(name, getlink=True), h5py.ExternalLink):
                    continue
                seen += 1
                group = group_of(parent, name)
                if group is not None:
                    following.append(group)
                    yield group
        level = following


def _of_berkeley(file: h5py.File, group: h5py.Group, images: ImageArray) -> Header:
    microscope = group_of(file, "microscope")
    first = 0 if "dim0" in group else 1
    rank = len(images.axes) + 2
    fast, slow = (_dim(group.get(f"dim{rank - n + first}"), images.shape[-n]) for n in (1, 2))
    camera_m = number_of(microscope, *_CAMERA)
    return calibration.stated(
        calibration.kilovolts(number_of(microscope, *_KV)),
        camera_m * 1e3 if camera_m is not None else None,
        (fast, slow) if fast is not None and slow is not None else None,
        detector=text_of(microscope, "name", "microscope"),
        title=text_of(group_of(file, "sample"), "material", "name") or text_of(group, "name"),
    )


def _dim(node: Any, size: int) -> calibration.Axis | None:
    """An axis from the values of its pixels, of which the first two tell all."""
    try:
        values = np.asarray(node[:2], dtype=np.float64)
        scale = float(values[1] - values[0])
    except (*BROKEN, IndexError):
        return None
    if not np.isfinite(values).all() or scale == 0:
        return None
    return calibration.Axis(scale, float(values[0]), text_of(node, "units"), size)


def _velox(file: h5py.File) -> Iterator[tuple[ImageArray, str]]:
    """Velox stores (slow, fast, frame), and beside it text of JSON, a column a frame."""
    parent = group_of(file, "Data/Image")
    for name in parent or ():
        group = group_of(parent, name)
        images = image_array(group.get("Data"), last=True) if group is not None else None
        if group is not None and images is not None and len(images.axes) == 1:
            yield images, str(group.name)


def _of_velox(group: h5py.Group) -> Header:
    facts = _json(group.get("Metadata"))
    kv, camera = _value(facts, "Optics", "AccelerationVoltage"), _value(facts, "Optics", "CameraLength")
    size = [_value(facts, "BinaryResult", "PixelSize", side) for side in ("width", "height")]
    unit = facts.get("BinaryResult", {}).get("PixelUnitX", "") if isinstance(facts, dict) else ""
    shape = group["Data"].shape
    axes = None
    if size[0] and size[1]:
        offsets = [_value(facts, "BinaryResult", "Offset", side) or 0.0 for side in "xy"]
        axes = (
            calibration.Axis(size[0], offsets[0], str(unit), shape[1]),
            calibration.Axis(size[1], offsets[1], str(unit), shape[0]),
        )
    return calibration.stated(
        calibration.kilovolts(kv),
        camera * 1e3 if camera is not None else None,
        axes,
        detector=str(facts.get("BinaryResult", {}).get("Detector", ""))[:100],
    )


def _json(node: Any) -> dict[str, Any]:
    """The facts of the first frame; only objects of objects are kept, so that looking them up is safe."""
    try:
        if not isinstance(node, h5py.Dataset) or node.ndim != 2 or node.shape[0] > _MOST_JSON:
            return {}
        text = np.asarray(node[:, 0], dtype=np.uint8).tobytes().split(b"\0")[0].decode("utf-8", "replace")
        facts = json.loads(text)
    except (*BROKEN, RecursionError):
        return {}
    if not isinstance(facts, dict):
        return {}
    return {name: part for name, part in facts.items() if isinstance(part, dict)}


def _value(facts: Any, *names: str) -> float | None:
    for name in names:
        facts = facts.get(name) if isinstance(facts, dict) else None
    try:
        value = float(facts)
    except (TypeError, ValueError):
        return None
    return value if abs(value) < 1e300 else None


LAYOUT = ArrayFormat(NAME, find)
FORMAT = LAYOUT.format(
    "emd",
    ".emd",
    "EMD's axes are zero at the beam where somebody has calibrated them; values are taken as those of pixel "
    "centers. Axes in 1/Å, 1/nm or mrad and the camera length give the pixel size.",
    "the axes of its images are not calibrated",
    (
        FieldNote("accelerating_voltage", "wavelength_A", "V or kV, relativistic"),
        FieldNote("camera_length", "distance_mm", "m, nominal"),
        FieldNote(
            "dim", "center_px", "values of pixel centers; zero is at the beam; steps give the pixel size"
        ),
        FieldNote("name", "detector", "of the microscope"),
        FieldNote("AccelerationVoltage", "wavelength_A", "Velox: V, relativistic"),
        FieldNote("CameraLength", "distance_mm", "Velox: m, nominal"),
        FieldNote("PixelSize", "pixel_mm", "Velox: in PixelUnitX a pixel, times the camera length"),
    ),
)

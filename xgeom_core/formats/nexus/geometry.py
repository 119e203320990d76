"""NXmx and Dectris files (HDF5): the detector's transformation chain and its beam_center fields.

The chain states everything, tilt included; ``beam_center_x/y`` is what most programs look at. Where both
are there and differ, both are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.errors import MissingDatasetError, UnreadableFileError, XgeomError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import planes
from xgeom_core.formats.format import Format
from xgeom_core.formats.nexus import fields as nexus
from xgeom_core.formats.nexus.chain import Chain, IncompleteChainError, module_panel
from xgeom_core.formats.nexus.writing import write_file
from xgeom_core.formats.panels import Panel, common_size, in_image, miss_warning, note, panel_in_beam
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.metadata import Choice

NAME = "NXmx"
_MAGIC = b"\x89HDF\r\n\x1a\n"
_BEAM = np.array([0.0, 0.0, 1.0])
_AGREE_PX = 0.05
_CHAIN_CONVENTION = (
    "NXmx transformation chain: the beam runs along +z of the NeXus frame, and the first pixel's corner is "
    "taken to stand where the chain ends, as DIALS takes it; the standard does not say whether corner or "
    "center."
)
_FIELD_CONVENTION = (
    "NXmx beam_center_x/y ({unit}): where the beam meets the detector; the standard does not define the "
    "origin, which is taken as the outer corner of the first pixel."
)
_WHAT = "transformation chain"
_HALF = "first pixel's center is the origin (+0.5 px)"


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is HDF5 with an NXdetector, or something laid out like one, in it."""
    if not head.startswith(_MAGIC):
        return False
    try:
        with h5py.File(path, "r") as file:
            return next(_detectors(file), None) is not None
    except nexus.BROKEN:
        return False


def read(path: Path, hints: Hints) -> list[Reading]:
    """The geometry of each detector in the file, from its chain and from its beam center.

    Raises
    ------
    UnreadableFileError
        If the file is no HDF5 or damaged.
    MissingDatasetError
        If it states no beam center.
    """
    if not path.is_file():
        raise UnreadableFileError(f"{path} is not there or is a folder; an HDF5 file was expected.")
    try:
        with h5py.File(path, "r") as file:
            found = list(_detectors(file))
            readings = [
                reading
                for entry, detector in found
                for reading in _read_detector(path, entry, detector, hints, len(found) > 1)
            ]
    except XgeomError:
        raise
    except nexus.BROKEN as error:
        raise UnreadableFileError(
            f"{path} cannot be read as HDF5 ({str(error)[:100]}): it is damaged or still being written."
        ) from error
    if not readings:
        raise MissingDatasetError(
            f"{path} states no beam center: neither a transformation chain nor beam_center_x and "
            "beam_center_y in a group of class NXdetector."
        )
    return readings


def _detectors(file: h5py.File) -> Iterator[tuple[h5py.Group, h5py.Group]]:
    """Pairs of entry and detector, by class or by the usual names."""
    entries = nexus.groups_of_class(file, "NXentry")
    usual = nexus.child(file, "entry")
    if not entries and isinstance(usual, h5py.Group):
        entries = [usual]
    for entry in entries:
        instruments = nexus.groups_of_class(entry, "NXinstrument")
        named = nexus.child(entry, "instrument")
        if not instruments and isinstance(named, h5py.Group):
            instruments = [named]
        for instrument in instruments:
            detectors = nexus.groups_of_class(instrument, "NXdetector")
            plain = nexus.child(instrument, "detector")
            if not detectors and isinstance(plain, h5py.Group):
                detectors = [plain]
            for detector in detectors:
                yield entry, detector


def _read_detector(
    path: Path, entry: h5py.Group, detector: h5py.Group, hints: Hints, several: bool
) -> list[Reading]:
    where = str(detector.name) if several else ""
    wavelength = planes.wavelength(nexus.wavelength_A(entry, detector)) or hints.wavelength_A
    panels, chains, problem = _panels(detector)
    stated = _stated(path, where, detector, panels, hints, wavelength)
    if not panels:
        note_ = (f"The transformation chain is not used: {problem}.",) if problem else ()
        return [_fields_reading(stated, note_ + _swing(detector))] if stated is not None else []
    try:
        chain = _chain_reading(path, where, panels, chains, stated, wavelength)
    except XgeomError as error:
        if stated is None:
            raise
        problem = str(error).removeprefix(f"{path}, {_WHAT}: ")
        reason = (f"The transformation chain is not used: {problem}",)
        return [_fields_reading(stated, reason)]
    if stated is None or _close(stated, chain):
        return [chain]
    beside = _fields_reading(stated, ("It differs from the transformation chain in the same file.",))
    name = f"{where}, " if where else ""
    return [replace(chain, where=f"{name}transformation chain"), replace(beside, where=f"{name}beam_center")]


def _panels(detector: h5py.Group) -> tuple[list[Panel], list[Chain], str]:
    """All modules as panels; none, and why, if any of them is incomplete."""
    modules = nexus.groups_of_class(detector, "NXdetector_module")
    plain = nexus.child(detector, "module")
    if not modules and isinstance(plain, h5py.Group):
        modules = [plain]
    try:
        both = [module_panel(module, index) for index, module in enumerate(modules)]
    except IncompleteChainError as error:
        return [], [], str(error)
    return [panel for panel, _ in both], [chain for _, chain in both], ""


def _chain_reading(
    path: Path,
    where: str,
    panels: list[Panel],
    chains: list[Chain],
    stated: Reading | None,
    wavelength: float | None,
) -> Reading:
    panel, miss = panel_in_beam(panels, _BEAM)
    geometry = planes.plane_geometry(panel.plane, _BEAM, wavelength, f"{path}, {_WHAT}")
    center = in_image(panels, panel, geometry.center_px)
    convention, warnings = _CHAIN_CONVENTION, miss_warning(panels, panel, miss)
    if stated is not None and len(panels) == 1 and max(map(abs, geometry.center_px)) < 1e-6:
        # Older Dectris files leave the place across the beam to beam_center; DIALS reads them like this too.
        center = stated.estimate.center_px
        convention = f"{stated.estimate.convention} The tilt is that of the transformation chain."
    elif stated is not None:
        x, y = stated.estimate.center_px
        if max(abs(x - center[0]), abs(y - center[1])) > _AGREE_PX:
            warnings += (f"beam_center_x/y in the same file says ({x:.2f}, {y:.2f}) px instead.",)
    varying = sorted({name for chain in chains for name in chain.varying})
    if varying:
        warnings += (f"{varying[0]} varies over the frames; its first value is used.",)
    return Reading(
        Estimate(
            NAME,
            center,
            tilt_deg=(geometry.pitch_deg, geometry.yaw_deg),
            warnings=warnings,
            convention=convention + note(panels, panel),
        ),
        path=str(path),
        where=where,
        distance_mm=geometry.distance_mm,
        pixel_mm=panel.plane.pixel_mm,
        wavelength_A=wavelength,
        image_size=common_size(panels, panel),
        panels=len(panels),
        native=_native(panel, stated),
        choices=(Choice(_HALF, (center[0] + 0.5, center[1] + 0.5)),),
    )


def _native(panel: Panel, stated: Reading | None) -> dict[str, str]:
    return {
        "origin": f"{rounded(panel.plane.origin)} mm",
        "fast_pixel_direction": rounded(panel.plane.fast, 6),
        "slow_pixel_direction": rounded(panel.plane.slow, 6),
        **(stated.native if stated is not None else {}),
    }


def _stated(
    path: Path,
    where: str,
    detector: h5py.Group,
    panels: list[Panel],
    hints: Hints,
    wavelength: float | None,
) -> Reading | None:
    """What the plain fields say; None if they state no center."""
    pixel = _pixel(detector) or (panels[0].plane.pixel_mm if panels else None) or hints.pixel_mm
    fields = [nexus.read_field(detector, f"beam_center_{axis}") for axis in "xy"]
    center: list[float] = []
    for axis, field in enumerate(fields):
        if field is None:
            return None
        factor = 1.0 if units.is_pixels(field.unit) else units.length_factor_mm(field.unit)
        if factor is None or (not units.is_pixels(field.unit) and pixel is None):
            return None
        per_pixel = 1.0 if units.is_pixels(field.unit) or pixel is None else pixel[axis]
        center.append(field.first * factor / per_pixel)
    if not any(center) or max(map(abs, center)) > 1e9 or fields[0] is None or fields[1] is None:
        return None  # both 0 is how files say that nobody has set it
    unit = fields[0].unit or "px"
    distance = nexus.length_mm(nexus.read_field(detector, "detector_distance", "distance"))
    distance = distance if distance is not None and 0 < distance < 1e6 else hints.distance_mm
    native = {
        f"beam_center_{axis}": f"{rounded([f.first])} {unit}"
        for axis, f in zip("xy", fields, strict=True)
        if f
    }
    if distance is not None:
        native["distance"] = f"{rounded([distance])} mm"
    x, y = center
    return Reading(
        Estimate(NAME, (x, y), convention=_FIELD_CONVENTION.format(unit=unit)),
        path=str(path),
        where=where,
        distance_mm=distance,
        pixel_mm=pixel,
        wavelength_A=wavelength,
        image_size=_data_size(detector, panels) or hints.image_size,
        native=native,
        choices=(Choice(_HALF, (x + 0.5, y + 0.5)),),
    )


def _fields_reading(stated: Reading, warnings: tuple[str, ...]) -> Reading:
    """The reading of the plain fields with warnings."""
    return replace(stated, estimate=replace(stated.estimate, warnings=warnings))


def _close(stated: Reading, chain: Reading) -> bool:
    pairs = zip(stated.estimate.center_px, chain.estimate.center_px, strict=True)
    return all(abs(a - b) <= _AGREE_PX for a, b in pairs)


def _pixel(detector: h5py.Group) -> tuple[float, float] | None:
    sizes = [
        nexus.length_mm(
            nexus.read_field(detector, f"{axis}_pixel_size", f"detectorSpecific/{axis}_pixel_size")
        )
        for axis in "xy"
    ]
    if sizes[0] is None or sizes[1] is None or not all(1e-6 <= (size or 0) <= 1e3 for size in sizes):
        return None
    return sizes[0], sizes[1]


def _data_size(detector: h5py.Group, panels: list[Panel]) -> tuple[int, int] | None:
    if len(panels) == 1 and panels[0].image_size is not None:
        return panels[0].image_size
    sizes = [nexus.read_field(detector, f"detectorSpecific/{axis}_pixels_in_detector") for axis in "xy"]
    return planes.image_size([field.first if field else None for field in sizes])


def _swing(detector: h5py.Group) -> tuple[str, ...]:
    """A warning where the detector is swung and no chain says how."""
    angle = nexus.read_field(detector, "goniometer/two_theta", "goniometer/two_theta_start")
    if angle is None or abs(angle.first) < 0.01:
        return ()
    return (
        f"The detector is swung by {angle.first:g} degrees in two-theta; beam_center_x/y may be that of the "
        "unswung detector.",
    )


FORMAT = Format(
    name=NAME,
    key="nxmx",
    suffixes=(".nxs", "_master.h5", ".h5"),
    recognizes=recognizes,
    read=read,
    write=None,
    convention=(
        "The transformation chain states the place of the first pixel in mm; beam_center_x/y states the "
        "beam in px. The standard does not say whether pixels count from corner or center of the first one: "
        "the corner is taken."
    ),
    write_file=write_file,
)

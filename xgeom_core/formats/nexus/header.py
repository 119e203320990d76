"""What an NXmx, NXsas or Dectris file states of one detector, as Headers: its chain and its plain fields.

The transformation chain states everything, tilt included; ``beam_center_x/y`` is what most programs look
at. Where both are there and differ, both are given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.errors import GeometryError
from xgeom_core.formats import planes
from xgeom_core.formats.electron.dectris import electrons
from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.header import Header, half_a_pixel
from xgeom_core.formats.judging import same_center
from xgeom_core.formats.nexus import beam
from xgeom_core.formats.nexus.chain import Chain, IncompleteChainError, module_panel
from xgeom_core.formats.nexus.layout import modules_of
from xgeom_core.formats.nexus.lengths import plain_fields, sense_of
from xgeom_core.formats.panels import (
    Panel,
    assembled,
    common_size,
    in_image,
    miss_warning,
    note,
    panel_in_beam,
)
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.swing import swung
from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.metadata import Metadata, PanelPlace, Point, Verdict

BEAM = np.array([0.0, 0.0, 1.0])
"""Direction of the beam in the frame of NeXus: y up, z along the beam."""
_SATURATION = (
    "saturation_value",
    "countrate_correction_count_cutoff",
    "detectorSpecific/countrate_correction_count_cutoff",
    "detectorSpecific/saturation_value",
)
_MATERIALS = {"silicon": "Si", "cadmium telluride": "CdTe", "gallium arsenide": "GaAs", "germanium": "Ge"}
_SENSOR_MM = (0.001, 20.0)
_TILT_FIELD = "xgeom_tilt"  # (pitch, yaw) in degrees, as xgeom wrote it before it wrote chains
_UNTILTED = np.diag([-1.0, -1.0, 1.0])  # from the frame of NeXus to this project's
_AGREE = 0.01  # distances that differ by less are one
_SQUARE_DEG = 1e-7
_YAW_SIGN = 1  # of a positive two_theta; beamlines differ, which `swung` says
_CHAIN = "transformation chain"
_CHAIN_CONVENTION = (
    "NXmx transformation chain: the beam runs along +z of the NeXus frame, and the first pixel's corner is "
    "taken to stand where the chain ends, as DIALS takes it; the standard does not say whether corner or "
    "center: +-0.5 px."
)


def headers_of(
    entry: h5py.Group,
    detector: h5py.Group | None,
    size: tuple[int, int] | None,
    pixel_mm: Point | None = None,
) -> list[Header]:
    """What an entry states of a detector: its chain if it has one, then its plain fields.

    Parameters
    ----------
    detector : h5py.Group or None
        None if the file has none, which leaves the wavelength and the title.
    size : tuple of int or None
        Pixels ``(fast, slow)`` of the images, where they are known.
    pixel_mm : tuple of float, optional
        Stands in where the file states no pixel size.
    """
    said: list[str] = []
    if detector is None:
        return [Header(_surroundings(entry, None, _UNTILTED, said), tuple(said), image_size=size)]
    modules, problem = _modules(detector)
    panels = [module.panel for module in modules]
    if panels:
        pixel_mm = panels[0].plane.pixel_mm
        size = size or common_size(panels, panels[0])
    plain = plain_fields(detector, pixel_mm, size or _stated_size(detector))
    chain, to_lab = None, _UNTILTED
    if modules:
        try:
            chain, to_lab = _of_chain(modules, plain), _to_lab(panels)
        except GeometryError as error:
            problem = str(error).removeprefix(f"{_CHAIN}: ")
    around = _surroundings(entry, detector, to_lab, said)
    plain = replace(plain, metadata=_with_plain(around, plain.metadata), notes=(*plain.notes, *said))
    if chain is None:
        reason = (f"The transformation chain is not used: {problem}",) if problem else ()
        metadata, swing = swung(plain.metadata, _two_theta(detector), _YAW_SIGN)
        return [replace(plain, metadata=metadata, notes=(*plain.notes, *reason, *swing))]
    stated = plain.metadata.center_px
    if stated is not None and not same_center(stated, chain.metadata.center_px):
        chain, plain = replace(chain, where=_CHAIN), replace(plain, where="beam_center")
    # Doubts about units are none of the chain's.
    doubts = {verdict.reason for verdict in plain.metadata.verdicts}
    notes = tuple(one for one in plain.notes if one not in doubts)
    return [chain, replace(plain, metadata=replace(plain.metadata, verdicts=()), notes=notes)]


@dataclass(frozen=True, eq=False)
class _Module:
    """One detector module."""

    name: str
    panel: Panel
    chain: Chain


def _modules(detector: h5py.Group) -> tuple[list[_Module], str]:
    """All modules with their chains; none, and why, if any of them is incomplete."""
    found: list[_Module] = []
    try:
        for index, group in enumerate(modules_of(detector)):
            found.append(_Module(str(group.name).rsplit("/", 1)[-1], *module_panel(group, index)))
    except IncompleteChainError as error:
        return [], f"{error}."
    return found, ""


def _of_chain(modules: list[_Module], plain: Header) -> Header:
    """What the chain states; a GeometryError if the beam never meets the detector."""
    panels = [module.panel for module in modules]
    panel, miss = panel_in_beam(panels, BEAM)
    geometry = planes.plane_geometry(panel.plane, BEAM, None, _CHAIN)
    # Nobody states a tilt by leaving all rotations away.
    tilted = max(abs(geometry.pitch_deg), abs(geometry.yaw_deg)) > _SQUARE_DEG
    turned = tilted or any(module.chain.turns for module in modules)
    # The digits that multiplying matrices made up are left away.
    x, y = (round(at, 9) for at in in_image(panels, panel, geometry.center_px))
    center, convention = (x, y), _CHAIN_CONVENTION
    choices = half_a_pixel(center)
    stated = plain.metadata
    verdicts: tuple[Verdict, ...] = ()
    if stated.center_px is not None and len(panels) == 1 and max(map(abs, geometry.center_px)) < 1e-6:
        # Older Dectris files leave the place across the beam to beam_center; DIALS reads them like this too.
        center, choices, verdicts = stated.center_px, stated.choices, stated.verdicts
        convention = f"{stated.center_convention} The rest is that of the transformation chain."
    native = {
        "origin": f"{rounded(panel.plane.origin)} mm",
        "fast_pixel_direction": rounded(panel.plane.fast, 6),
        "slow_pixel_direction": rounded(panel.plane.slow, 6),
        **plain.native,
    }
    metadata = Metadata(
        distance_mm=units.tidy(geometry.distance_mm),
        pixel_mm=panel.plane.pixel_mm,
        center_px=center,
        tilt_deg=(geometry.pitch_deg, geometry.yaw_deg) if turned else None,
        center_convention=convention + note(panels, panel),
        panels=_places(modules, _to_lab(panels)),
        choices=choices,
        verdicts=verdicts,
    )
    notes = (*miss_warning(panels, panel, miss), *_differences(modules, geometry, center, stated))
    return Header(metadata, notes, native, image_size=common_size(panels, panel))


def _differences(modules: list[_Module], geometry: Geometry, center: Point, stated: Metadata) -> list[str]:
    """What the plain fields say otherwise than the chain, and which link does not stay what it is."""
    notes = []
    if stated.center_px is not None and not same_center(stated.center_px, center):
        x, y = stated.center_px
        notes.append(f"beam_center_x/y in the same file says ({x:.2f}, {y:.2f}) px instead.")
    along = (geometry.distance_mm, geometry.normal_distance_mm())
    if stated.distance_mm and all(abs(stated.distance_mm / one - 1.0) > _AGREE for one in along):
        notes.append(f"The distance in the same file says {stated.distance_mm:g} mm instead.")
    varying = sorted({name for module in modules for name in module.chain.varying})
    return notes + [f"{name} varies over the frames; its first value is used." for name in varying[:1]]


def _to_lab(panels: list[Panel]) -> FloatArray:
    """From the frame of NeXus to this project's: z along the beam, x along the fast axis across it."""
    fast = panel_in_beam(panels, BEAM)[0].plane.fast
    across = fast - (fast @ BEAM) * BEAM
    x = across / np.linalg.norm(across)
    return np.array([x, np.cross(BEAM, x), BEAM])


def _places(modules: list[_Module], to_lab: FloatArray) -> tuple[PanelPlace, ...]:
    """Where the panels of one image stand; empty for a single one, or where the image is not theirs."""
    panels = [module.panel for module in modules]
    if len(panels) == 1 or not assembled(panels):
        return ()
    found = []
    for module in modules:
        plane, size, (x, y) = module.panel.plane, module.panel.image_size, module.panel.offset_px
        if size is None:
            return ()
        origin, fast, slow = ((to_lab @ one).tolist() for one in (plane.origin, plane.fast, plane.slow))
        found.append(PanelPlace(module.name, (int(x), int(y)), size, tuple(origin), tuple(fast), tuple(slow)))
    return tuple(found)


def _surroundings(
    entry: h5py.Group, detector: h5py.Group | None, to_lab: FloatArray, notes: list[str]
) -> Metadata:
    """What the entry states beside the place of the detector; ``notes`` takes what is odd."""
    around = Metadata(
        wavelength_A=beam.wavelength(entry, detector, notes),
        polarization=beam.polarization(entry),
        rotation=beam.rotation(entry, to_lab),
        title=beam.title(entry),
    )
    if detector is None:
        return around
    description = fields.read_text(detector, "description", "detectorSpecific/description")
    wavelength, said = electrons(description, around.wavelength_A)
    notes += said
    saturation = fields.read_field(detector, *_SATURATION)
    thickness = fields.read_field(detector, "sensor_thickness", "detectorSpecific/sensor_thickness")
    material = fields.read_text(detector, "sensor_material", "detectorSpecific/sensor_material")
    sensor = sense_of(thickness, lambda mm: _SENSOR_MM[0] <= mm <= _SENSOR_MM[1])
    if thickness is not None and (sensor or 0.0) < _SENSOR_MM[0]:
        sensor, material = None, ""  # written where nobody knows it, because programs want one
    return replace(
        around,
        saturation=units.positive(saturation.first) if saturation is not None else None,
        wavelength_A=wavelength,
        detector=description,
        sensor_material=_MATERIALS.get(material.lower(), material),
        sensor_mm=sensor,
        tilt_deg=_own_tilt(detector),
    )


def _with_plain(around: Metadata, plain: Metadata) -> Metadata:
    names = ("distance_mm", "pixel_mm", "center_px", "center_convention", "choices", "verdicts")
    return replace(around, **{name: getattr(plain, name) for name in names})


def _own_tilt(detector: h5py.Group) -> Point | None:
    field = fields.read_field(detector, _TILT_FIELD)
    return (field.first, float(field.numbers[1])) if field and field.numbers.size == 2 else None


def _two_theta(detector: h5py.Group) -> float | None:
    """The swing of the detector in degrees."""
    field = fields.read_field(detector, "goniometer/two_theta", "goniometer/two_theta_start")
    factor = units.angle_factor_deg(field.unit or "deg") if field is not None else None
    return field.first * factor if field is not None and factor is not None else None


def _stated_size(detector: h5py.Group) -> tuple[int, int] | None:
    sizes = [fields.read_field(detector, f"detectorSpecific/{axis}_pixels_in_detector") for axis in "xy"]
    return planes.image_size([size.first if size else None for size in sizes])

"""SMV headers of d*TREK (Rigaku): the detector by vectors, moved and turned by its goniometer.

Read as DIALS reads them: the detector's axes in a frame of their own, the first pixel's corner from the beam
position of the spatial correction, then the goniometer's axes from the last to the first.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xgeom_core import units
from xgeom_core.errors import XgeomError
from xgeom_core.formats import planes
from xgeom_core.formats.header import FieldNote, Header, half_a_pixel, many, one
from xgeom_core.formats.planes import Plane, rounded
from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import Metadata, Rotation

_CONVENTION = (
    "d*TREK SPATIAL_DISTORTION_INFO (px) on the detector as its vectors and goniometer place it; from the "
    "first pixel's corner as DIALS takes it, which is not stated: +-0.5 px"
)


def is_dtrek(fields: Mapping[str, str]) -> bool:
    """Whether the header states a detector by vectors."""
    name = _name(fields)
    return bool(name) and f"{name}DETECTOR_VECTORS" in fields


def header(fields: Mapping[str, str], size: tuple[int, int] | None) -> Header:
    """What a header of d*TREK states; what cannot be a detector is said in a note."""
    name = _name(fields)
    info = many(fields, f"{name}SPATIAL_DISTORTION_INFO")
    wave = many(fields, "SCAN_WAVELENGTH") or many(fields, "SOURCE_WAVELENGTH")
    sweep = many(fields, "ROTATION")
    polarization = many(fields, "SOURCE_POLARZ")[:1]
    known = Metadata(
        wavelength_A=units.positive(wave[-1]) if wave else None,
        saturation=units.positive(one(fields, "SATURATED_VALUE")),
        detector=fields.get(f"{name}DETECTOR_DESCRIPTION", "") or fields.get("DETECTOR_TYPE", ""),
        polarization=polarization[0] if polarization and 0 <= polarization[0] <= 1 else None,
        rotation=Rotation(sweep[0], sweep[2], name=fields.get("ROTATION_AXIS_NAME", ""))
        if len(sweep) > 2
        else None,
        title=fields.get("COMMENT", ""),
    )
    try:
        plane, beam = _plane(fields, name, info)
        found = planes.plane_geometry(plane, beam, None, "d*TREK's vectors")
    except XgeomError as error:
        return Header(known, (f"The detector is not read: {error}",), image_size=size)
    stated = Metadata(
        **{
            **vars(known),
            "distance_mm": found.distance_mm,
            "pixel_mm": plane.pixel_mm,
            "center_px": found.center_px,
            "tilt_deg": (found.pitch_deg, found.yaw_deg),
            "center_convention": _CONVENTION,
            "choices": half_a_pixel(found.center_px),
            "distance_along": "normal",
        }
    )
    native = {"SPATIAL_DISTORTION_INFO": f"{rounded(info[:2])} px"}
    return Header(stated, native=native, image_size=size)


def _name(fields: Mapping[str, str]) -> str:
    return next(iter(fields.get("DETECTOR_NAMES", "").split()), "")


def _plane(fields: Mapping[str, str], name: str, info: list[float]) -> tuple[Plane, FloatArray]:
    """The detector's plane and the beam in d*TREK's frame."""
    from scipy.spatial.transform import Rotation as Turn  # noqa: PLC0415 - slow to import, and few files need it

    pixel = planes.pixel_size(info[2:4], "SPATIAL_DISTORTION_INFO")
    axes = planes.vector(many(fields, f"{name}DETECTOR_VECTORS"), "DETECTOR_VECTORS", 6).reshape(2, 3)
    spatial = many(fields, f"{name}SPATIAL_DISTORTION_VECTORS")
    if spatial:
        axes = planes.vector(spatial, "SPATIAL_DISTORTION_VECTORS", 4).reshape(2, 2) @ axes
    at = planes.vector(info[:2], "SPATIAL_DISTORTION_INFO", 2)
    # Rows: the first pixel's corner, a point one mm along fast, one along slow.
    corner = -(at * pixel) @ axes
    points = np.stack([corner, corner + axes[0], corner + axes[1]])
    kinds = fields.get(f"{name}GONIO_UNITS", "").split()
    values = planes.vector(many(fields, f"{name}GONIO_VALUES"), "GONIO_VALUES", len(kinds))
    vectors = planes.vector(many(fields, f"{name}GONIO_VECTORS"), "GONIO_VECTORS", 3 * len(kinds))
    for kind, value, axis in reversed(list(zip(kinds, values, vectors.reshape(-1, 3), strict=True))):
        if kind == "deg":
            turn = Turn.from_rotvec(np.radians(value) * planes.direction(axis, "GONIO_VECTORS"))
            points = points @ turn.as_matrix().T
        else:
            points = points + value * axis
    source = planes.direction(many(fields, "SOURCE_VECTORS")[:3], "SOURCE_VECTORS")
    fast, slow = (planes.direction(end - points[0], "DETECTOR_VECTORS") for end in points[1:])
    return Plane(points[0], fast, slow, pixel), -source


FIELDS = (
    FieldNote(
        "SPATIAL_DISTORTION_INFO",
        "center_px",
        "d*TREK: beam in px (fast, slow) on the unswung detector, then the pixel size in mm",
    ),
    FieldNote("DETECTOR_VECTORS", "tilt_deg", "d*TREK: directions of the fast and slow axis"),
    FieldNote("GONIO_VALUES", "tilt_deg", "d*TREK: degrees about and mm along GONIO_VECTORS"),
    FieldNote("SOURCE_VECTORS", "tilt_deg", "d*TREK: towards the source"),
    FieldNote("SCAN_WAVELENGTH", "wavelength_A", "d*TREK: Å; the last number of SOURCE_WAVELENGTH as well"),
    FieldNote("SATURATED_VALUE", "saturation", "d*TREK: counts"),
    FieldNote("DETECTOR_DESCRIPTION", "detector", "d*TREK: as it stands"),
    FieldNote("SOURCE_POLARZ", "polarization", "d*TREK: the first number"),
    FieldNote("ROTATION", "rotation", "d*TREK: degrees: start, end, step"),
)

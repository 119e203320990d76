"""What XDS states of a detector, in whichever file, and the reading that follows.

``ORGX, ORGY`` is the foot of the normal from the sample, with the center of the first pixel at 1, so that
``x = ORGX - 0.5`` counts from the outer corner. The beam meets the detector ``F (b.f) / (b.N) / QX``
further on, with the normal ``N = f x s`` and the distance F along it, which is negative where N points
towards the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import planes
from xgeom_core.formats.format import Writing
from xgeom_core.formats.planes import Plane, rounded
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.geometry import FloatArray

NAME = "XDS"
HALF_PIXEL = 0.5
_AGREE_PX = 0.05  # logs print hundredths of a pixel and six digits of the axes
CONVENTION = (
    "XDS states the foot of the normal (ORGX, ORGY) in px with the center of the first pixel at 1; the "
    "center here is where its incident beam meets the detector, from the outer corner of the first pixel."
)


@dataclass(frozen=True, eq=False)
class XdsDetector:
    """A detector in the words of XDS; None where a file is silent.

    Parameters
    ----------
    origin_px : tuple of float
        ORGX and ORGY as stated.
    distance_mm : float or None
        Along the normal ``x_axis x y_axis``, with its sign.
    pixel_mm : tuple of float or None
        QX and QY.
    x_axis, y_axis, beam : ndarray, shape (3,)
        Unit vectors in the lab frame of XDS.
    """

    origin_px: tuple[float, float]
    distance_mm: float | None
    pixel_mm: tuple[float, float] | None
    x_axis: FloatArray
    y_axis: FloatArray
    beam: FloatArray
    wavelength_A: float | None = None
    image_size: tuple[int, int] | None = None


def reading(
    detector: XdsDetector,
    path: str,
    hints: Hints,
    *,
    where: str = "",
    frame: int | None = None,
    warnings: tuple[str, ...] = (),
    panels: int = 1,
    direct_px: tuple[float, float] | None = None,
) -> Reading:
    """The reading of a detector in the words of XDS.

    Parameters
    ----------
    direct_px : tuple of float, optional
        Where the beam meets the detector as a log prints it, center of the first pixel at 1.

    Raises
    ------
    UnreadableFileError
        If pixel size or distance is needed and neither stated nor hinted.
    GeometryError
        If the detector cannot be where it is said to be.
    """
    what = f"{path}{', ' if where else ''}{where}"
    pixel = detector.pixel_mm or hints.pixel_mm
    distance = detector.distance_mm if detector.distance_mm is not None else hints.distance_mm
    wavelength = detector.wavelength_A or hints.wavelength_A
    solved = _solve(detector, pixel, distance, wavelength, direct_px, what)
    if direct_px is not None and pixel is not None:
        printed = direct_px[0] - HALF_PIXEL, direct_px[1] - HALF_PIXEL
        if max(abs(a - b) for a, b in zip(printed, solved.center_px, strict=True)) > _AGREE_PX:
            warnings += (
                f"The log itself puts the beam at ({printed[0]:.2f}, {printed[1]:.2f}) px, which does not "
                f"follow from its other numbers with pixels of {pixel[0]:g} x {pixel[1]:g} mm.",
            )
    return Reading(
        Estimate(NAME, solved.center_px, tilt_deg=solved.tilt_deg, warnings=warnings, convention=CONVENTION),
        path=path,
        where=where,
        frame=frame,
        distance_mm=solved.distance_mm,
        pixel_mm=pixel,
        wavelength_A=wavelength,
        image_size=detector.image_size or hints.image_size,
        panels=panels,
        native=_native(detector, distance, direct_px),
    )


@dataclass(frozen=True)
class _Solved:
    center_px: tuple[float, float]
    tilt_deg: tuple[float, float]
    distance_mm: float | None


def _solve(
    detector: XdsDetector,
    pixel: tuple[float, float] | None,
    distance: float | None,
    wavelength: float | None,
    direct_px: tuple[float, float] | None,
    what: str,
) -> _Solved:
    """Center, tilt and distance along the beam, from as much as is known."""
    if distance is None or (pixel is None and direct_px is None):
        if max(abs(float(detector.beam @ axis)) for axis in (detector.x_axis, detector.y_axis)) > 1e-9:
            missing = "detector distance" if distance is None else "pixel size (QX, QY)"
            raise UnreadableFileError(
                f"{what} does not state the {missing}, which is needed since the beam is not perpendicular "
                "to the detector: state it."
            )
        foot = detector.origin_px[0] - HALF_PIXEL, detector.origin_px[1] - HALF_PIXEL
        return _Solved(foot, (0.0, 0.0), None if distance is None else abs(distance) or None)
    # Tilt and distance do not depend on the size of the pixels; the printed center stands in for it.
    plane = plane_of(detector, pixel or (1.0, 1.0), distance)
    geometry = planes.plane_geometry(plane, detector.beam, wavelength, what)
    center = geometry.center_px
    if pixel is None and direct_px is not None:
        center = direct_px[0] - HALF_PIXEL, direct_px[1] - HALF_PIXEL
    return _Solved(center, (geometry.pitch_deg, geometry.yaw_deg), geometry.distance_mm)


def _native(
    detector: XdsDetector, distance: float | None, direct_px: tuple[float, float] | None
) -> dict[str, str]:
    native = {
        "ORGX": f"{rounded([detector.origin_px[0]])} px",
        "ORGY": f"{rounded([detector.origin_px[1]])} px",
    }
    if distance is not None:
        native["DETECTOR_DISTANCE"] = f"{rounded([distance])} mm"
    native["INCIDENT_BEAM_DIRECTION"] = rounded(detector.beam, 6)
    if direct_px is not None:
        native["direct beam"] = f"{rounded(direct_px)} px"
    return native


def plane_of(detector: XdsDetector, pixel: tuple[float, float], distance: float) -> Plane:
    """The detector as vectors: ``O = F N - (ORGX - 0.5) QX f - (ORGY - 0.5) QY s``."""
    normal = np.cross(detector.x_axis, detector.y_axis)
    # The axes in logs have six digits; the normal must be a unit vector all the same.
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    along_x = (detector.origin_px[0] - HALF_PIXEL) * pixel[0] * detector.x_axis
    along_y = (detector.origin_px[1] - HALF_PIXEL) * pixel[1] * detector.y_axis
    return Plane(distance * normal - along_x - along_y, detector.x_axis, detector.y_axis, pixel)


def checked(
    what: str,
    origin_px: tuple[float | None, float | None],
    distance_mm: float | None,
    pixel_mm: tuple[float | None, float | None],
    x_axis: list[float] | None,
    y_axis: list[float] | None,
    beam: list[float] | None,
    wavelength_A: float | None,
    image_size: tuple[float | None, float | None],
) -> XdsDetector:
    """An XdsDetector of plain numbers; axes and beam have the defaults of XDS.

    Raises
    ------
    UnreadableFileError
        If a number is missing that cannot be, or makes no sense.
    """
    if None in origin_px:
        raise UnreadableFileError(f"{what} does not state ORGX and ORGY, the detector origin.")
    origin = planes.vector(list(origin_px), f"{what}, ORGX and ORGY", 2)
    x = planes.direction(x_axis or [1.0, 0.0, 0.0], f"{what}, DIRECTION_OF_DETECTOR_X-AXIS")
    y = planes.direction(y_axis or [0.0, 1.0, 0.0], f"{what}, DIRECTION_OF_DETECTOR_Y-AXIS")
    if abs(float(x @ y)) > 1e-3:
        raise UnreadableFileError(f"{what}: the detector's X and Y axes are not at right angles.")
    distance = None
    if distance_mm is not None:
        distance = float(planes.vector([distance_mm], f"{what}, DETECTOR_DISTANCE", 1)[0])
    return XdsDetector(
        (float(origin[0]), float(origin[1])),
        distance,
        planes.pixel_size(list(pixel_mm), f"{what}, QX and QY") if None not in pixel_mm else None,
        x,
        y,
        planes.direction(beam or [0.0, 0.0, 1.0], f"{what}, INCIDENT_BEAM_DIRECTION"),
        planes.wavelength(wavelength_A),
        planes.image_size(list(image_size)),
    )


def detector_of(writing: Writing, template: XdsDetector | None) -> XdsDetector:
    """A geometry in the words of XDS; with a template, in its lab frame and with its incident beam.

    Raises
    ------
    UsageError
        If the template's detector is edge on to its beam.
    """
    geometry = writing.geometry
    if template is None:
        fast, slow, _ = geometry.axes()
        beam = np.array([0.0, 0.0, 1.0])
    else:
        beam = template.beam
        if abs(float(np.cross(template.x_axis, template.y_axis) @ beam)) < 1e-3:
            raise UsageError(
                f"The detector in {writing.template} is edge on to the beam; give another template."
            )
        tilt = (geometry.pitch_deg, geometry.yaw_deg)
        fast, slow = planes.with_tilt(template.x_axis, template.y_axis, beam, tilt)
    foot = geometry.foot_px()
    # XDS counts the distance along X x Y, which points to the sample where the image is seen from behind.
    sign = 1.0 if float(np.cross(fast, slow) @ beam) > 0 else -1.0
    return XdsDetector(
        (foot[0] + HALF_PIXEL, foot[1] + HALF_PIXEL),
        sign * geometry.normal_distance_mm(),
        geometry.pixel_mm,
        fast,
        slow,
        beam,
        geometry.wavelength_A,
        writing.image_size,
    )

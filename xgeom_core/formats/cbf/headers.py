"""CBF images: the mini-header of Pilatus and Eiger detectors, and full imgCIF headers.

A file may have both. The axes of a full header know more, such as which way a swing turns, but come from a
template that a beamline fills in; where they contradict the mini-header, which the detector writes anew for
each frame, that one is believed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from xgeom_core import units
from xgeom_core.errors import FrameFileError, GeometryError, UnreadableFileError
from xgeom_core.formats import planes
from xgeom_core.formats.cbf import imgcif
from xgeom_core.formats.cbf.cif import Table, tables
from xgeom_core.formats.cbf.content import SECTION, Content, read_header
from xgeom_core.formats.cbf.imgcif import ImgCif, number
from xgeom_core.formats.cbf.mini import mini_header, two_theta
from xgeom_core.formats.header import Header
from xgeom_core.formats.panels import (
    Panel,
    common_size,
    in_image,
    miss_warning,
    note,
    panel_in_beam,
    places,
)
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Choice, Metadata, Point, Rotation, Verdict

_AXES_CONVENTION = (
    "imgCIF axes: the first data point is taken as the outer corner of the first pixel, as DIALS takes it "
    "and as beamlines fill it in from Beam_xy; the imgCIF dictionary says its center: +-0.5 px."
)
_FRAME_CONVENTION = (
    "imgCIF center_fast, center_slow ({unit}): where the beam meets the detector, from the center of the "
    "first pixel."
)
# By how much axes that were filled in from a mini-header may differ from it.
_SAME_DEG, _SAME_PX, _SAME_SHARE = 0.5, 1.5, 0.005
_MOST = 1e6  # px or mm; no experiment has more
_UPRIGHT_DEG, _SQUARE_DEG = 1.0, 1e-3


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the axes, the mini-header and the frame's own items say, the most trusted first.

    Raises
    ------
    UnreadableFileError
        If the file is no CBF.
    """
    content = read_header(path)
    if not content.sections and not is_cbf(content.cif.encode("latin-1")):
        raise UnreadableFileError(f"{path} is no CBF image: it does not start with ###CBF.")
    return headers_of(content, hints)


def is_cbf(head: bytes) -> bool:
    """Whether a file starts as a CBF, has a binary section of one, or the axes of a detector in imgCIF."""
    if head.startswith(b"###CBF") or SECTION in head:
        return True
    return b"_array_structure_list" in head and b"_axis." in head


def headers_of(content: Content, hints: Hints) -> list[Header]:
    """The same of a file that is read already."""
    size = content.sections[0].image_size if content.sections else None
    mini = mini_header(content.cif, "CBF mini-header", size)
    # Whatever is damaged, the image and the other parts are none the worse for it.
    try:
        found = tables(content.cif, "it")
    except UnreadableFileError as error:
        return [mini, Header(notes=(f"Only the mini-header of the header can be read: {error}",))]
    frame = _frame(found, size, hints)
    try:
        axes = _axes(found, "imgCIF axes", frame.metadata.wavelength_A or hints.wavelength_A)
    except (FrameFileError, GeometryError) as error:
        return [mini, replace(frame, notes=(*frame.notes, f"The header's axes cannot be used: {error}"))]
    if axes is None:
        return [mini, frame]
    doubt = _contradiction(axes, mini)
    if doubt:
        return [replace(mini, notes=(*mini.notes, doubt)), axes, frame]
    # The axes know which way the swing turns, and the mini-header how else it may.
    others = [choice for choice in mini.metadata.choices if choice.tilt_deg is not None]
    stated = replace(axes.metadata, choices=(*axes.metadata.choices, *others))
    return [replace(axes, metadata=stated), replace(mini, notes=()) if others else mini, frame]


def _contradiction(axes: Header, mini: Header) -> str:
    """What the axes say against the mini-header, in a sentence; "" where they agree or one is silent."""
    plane, other = _geometry(axes.metadata), _geometry(mini.metadata)
    if plane is None or other is None:
        return ""
    swing, tilt = two_theta(mini) or 0.0, float(np.degrees(np.arccos(plane.axes()[2][2])))
    # Mini-headers say 0 where nobody fills the swing in.
    if swing and abs(abs(swing) - tilt) > _SAME_DEG:
        return (
            f"The axes in the header are those of a detector tilted by {tilt:.4g} degrees, and its "
            f"mini-header states a swing of {swing:.4g} degrees: the mini-header is used."
        )
    # The foot of the normal stays where it is when a detector swings.
    feet = plane.foot_px(), other.foot_px()
    far = plane.normal_distance_mm(), other.normal_distance_mm()
    apart = max(abs(a - b) for a, b in zip(*feet, strict=True))
    if apart > _SAME_PX or abs(far[0] - far[1]) > _SAME_SHARE * far[1]:
        return (
            f"The axes in the header ({rounded(feet[0], 2)} px, {far[0]:.6g} mm) contradict its mini-header "
            f"({rounded(feet[1], 2)} px, {far[1]:.6g} mm), which is used."
        )
    return ""


def _geometry(stated: Metadata) -> Geometry | None:
    return None if stated.center_px is None else stated.geometry(stated.center_px, stated.tilt_deg)


# ----------------------------------------------------------------------------------------------- axes


def _axes(found: dict[str, Table], what: str, wavelength: float | None) -> Header | None:
    stated = imgcif.from_axes(found, what)
    if stated is None:
        return None
    panel, miss = panel_in_beam(stated.panels, stated.beam)
    geometry = planes.plane_geometry(panel.plane, stated.beam, wavelength, what)
    center = in_image(stated.panels, panel, geometry.center_px)
    tilt = geometry.pitch_deg, geometry.yaw_deg
    convention = _AXES_CONVENTION + note(stated.panels, panel)
    metadata = Metadata(
        distance_mm=geometry.distance_mm,
        wavelength_A=wavelength,
        pixel_mm=panel.plane.pixel_mm,
        center_px=center,
        # Square to the beam is how templates leave a detector that nobody has measured.
        tilt_deg=tilt if max(map(abs, tilt)) > _SQUARE_DEG else None,
        center_convention=convention,
        distance_along="beam",
        rotation=_rotation(stated, panel),
        panels=places(stated.panels, stated.names, stated.beam, panel),
        choices=(
            Choice(
                "first data point is the first pixel's center (+0.5 px)", (center[0] + 0.5, center[1] + 0.5)
            ),
        ),
    )
    notes = miss_warning(stated.panels, panel, miss)
    if not metadata.one_plane:
        said = f"The detector's {len(stated.panels)} panels lie in no single plane: no one tilt describes it."
        metadata = replace(metadata, tilt_deg=None, verdicts=(Verdict("tilt", "doubtful", said),))
        notes = (*notes, said)
    native = {
        "axes": stated.axes,
        "first pixel": f"{rounded(panel.plane.origin)} mm",
        "fast": rounded(panel.plane.fast, 6),
        "slow": rounded(panel.plane.slow, 6),
    }
    return Header(metadata, notes, native, "imgCIF axes", common_size(stated.panels, panel))


def _rotation(stated: ImgCif, facing: Panel) -> Rotation | None:
    if stated.spindle is None:
        return None
    name, direction, start, step = stated.spindle
    turn = planes.lab_axes(facing.plane, stated.beam)
    # Seen from behind, a right-handed turn looks left-handed.
    x, y, z = np.linalg.det(turn) * (turn @ direction) + 0.0
    return Rotation(start, step, (float(x), float(y), float(z)), name)


# -------------------------------------------------------------------------------------------- the rest


def _frame(found: dict[str, Table], size: tuple[int, int] | None, hints: Hints) -> Header:
    """The center that a frame states for itself, and whatever else a full header holds."""
    pixel = _element_size(found)
    center, convention, notes, native = _frame_center(found, pixel or hints.pixel_mm)
    metadata = Metadata(
        distance_mm=_first(found, "diffrn_measurement", "sample_detector_distance"),
        wavelength_A=planes.wavelength(_first(found, "diffrn_radiation_wavelength", "wavelength", "value")),
        pixel_mm=pixel,
        center_px=center,
        center_convention=convention,
        saturation=_first(found, "array_intensities", "overload"),
        detector=next((row["type"] for row in found.get("diffrn_detector", []) if "type" in row), ""),
        polarization=_polarization(found),
        choices=()
        if center is None
        else (
            Choice("counted from the first pixel's corner (no 0.5 px)", (center[0] - 0.5, center[1] - 0.5)),
        ),
    )
    return Header(metadata, notes, native, "frame center", size or _array_size(found))


def _frame_center(
    found: dict[str, Table], pixel: Point | None
) -> tuple[Point | None, str, tuple[str, ...], dict[str, str]]:
    """The center of ``_diffrn_data_frame``, which counts from the center of the first pixel."""
    for row in found.get("diffrn_data_frame", []):
        fast, slow = number(row, "center_fast"), number(row, "center_slow")
        unit = row.get("center_units", "mm").lower()
        per = {"mm": pixel, "pixels": (1.0, 1.0), "bins": (1.0, 1.0)}.get(unit)
        if fast is None or slow is None or per is None or max(abs(fast), abs(slow)) > _MOST:
            continue
        said = "The center is stated as negative; it is taken to lie within the image."
        return (
            (abs(fast) / per[0] + 0.5, abs(slow) / per[1] + 0.5),
            _FRAME_CONVENTION.format(unit=unit),
            (said,) if min(fast, slow) < 0 else (),
            {name: f"{row[name]} {unit}" for name in ("center_fast", "center_slow")},
        )
    return None, "", (), {}


def _first(found: dict[str, Table], category: str, *items: str) -> float | None:
    """The first positive number of one of the items of a category."""
    values = (units.positive(number(row, *items)) for row in found.get(category, []))
    return next((value for value in values if value is not None and value < _MOST), None)


def _polarization(found: dict[str, Table]) -> float | None:
    """The horizontal fraction from ``polarizn_source_ratio``, which is (Ip - In) / (Ip + In)."""
    for row in found.get("diffrn_radiation", []):
        ratio, turned = number(row, "polarizn_source_ratio"), number(row, "polarizn_source_norm") or 0.0
        if ratio is not None and -1 <= ratio <= 1 and abs(turned) < _UPRIGHT_DEG:
            return (1.0 + ratio) / 2.0
    return None


def _array_size(found: dict[str, Table]) -> tuple[int, int] | None:
    """Pixels of the first array, the index of precedence 1 being fast."""
    sides: dict[float | None, float | None] = {}
    for row in found.get("array_structure_list", []):
        sides.setdefault(number(row, "precedence"), number(row, "dimension"))
    return planes.image_size([sides.get(1.0), sides.get(2.0)])


def _element_size(found: dict[str, Table]) -> Point | None:
    """The pixel size of ``_array_element_size`` (in m), index 1 being fast."""
    sizes = {
        row.get("index", ""): units.length_mm(number(row, "size"), "m")
        for row in found.get("array_element_size", [])
    }
    return units.both(sizes.get("1"), sizes.get("2"))

"""Writing for DIALS: an experiment list of one experiment, a moved copy of one, options of dials.import."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.formats import planes
from xgeom_core.formats.dials import models
from xgeom_core.formats.dials.models import Json
from xgeom_core.formats.format import Writing
from xgeom_core.formats.panels import Panel, in_panel, panel_in_beam
from xgeom_core.formats.planes import RigidMove
from xgeom_core.formats.text import read_text
from xgeom_core.geometry import FloatArray, Geometry

# From this project's lab frame (y down, z along the beam) to the one of imgCIF that DIALS uses
# (y up, z towards the source): half a turn about x.
_TO_IMGCIF = np.diag([1.0, -1.0, -1.0])
_PIXEL_TOLERANCE = 1e-3
TEMPLATE_WORDS = "--to dials --template imported.expt --out moved.expt"


def write(writing: Writing) -> str:
    """The text of an ``.expt`` file; with a template, the template with its detector moved as a whole.

    Raises
    ------
    UsageError
        If the wavelength is unknown, or the template does not fit the geometry.
    UnreadableFileError
        If the template is no experiment list.
    """
    data = _fresh(writing) if writing.template is None else _moved(writing)
    return json.dumps(data, indent=2) + "\n"


def vectors(geometry: Geometry) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Origin in mm, fast and slow axis of the detector in the lab frame of imgCIF."""
    fast, slow, _ = geometry.axes()
    return _TO_IMGCIF @ geometry.to_lab(0.0, 0.0), _TO_IMGCIF @ fast, _TO_IMGCIF @ slow


def _fresh(writing: Writing) -> Json:
    geometry = writing.geometry
    if geometry.wavelength_A is None:
        raise UsageError("DIALS needs the wavelength, which is unknown: state it (--wavelength).")
    origin, fast, slow = (part.tolist() for part in vectors(geometry))
    panel = {
        "name": "Panel",
        "type": "SENSOR_UNKNOWN",
        "fast_axis": fast,
        "slow_axis": slow,
        "origin": origin,
        "raw_image_offset": [0, 0],
        "image_size": list(writing.image_size),
        "pixel_size": list(geometry.pixel_mm),
        # What no geometry knows. As a reference_geometry this replaces what the image's header says of the
        # sensor and its masks, so a template is the better way wherever there is one.
        "trusted_range": [0.0, 1e9],
        "thickness": 0.0,
        "material": "",
        "mu": 0.0,
        "identifier": "",
        "mask": [],
        "gain": 1.0,
        "pedestal": 0.0,
        "px_mm_strategy": {"type": "SimplePxMmStrategy"},
    }
    beam = {
        "direction": [0.0, 0.0, 1.0],
        "wavelength": geometry.wavelength_A,
        "divergence": 0.0,
        "sigma_divergence": 0.0,
        "polarization_normal": [0.0, 1.0, 0.0],
        "polarization_fraction": 0.999,
        "flux": 0.0,
        "transmission": 1.0,
    }
    empty: dict[str, list[Any]] = {
        name: [] for name in ("imageset", "goniometer", "scan", "crystal", "profile", "scaling_model")
    }
    return {
        "__id__": "ExperimentList",
        "experiment": [{"__id__": "Experiment", "identifier": "", "beam": 0, "detector": 0}],
        "beam": [beam],
        "detector": [{"panels": [panel]}],
        **empty,
    }


def _moved(writing: Writing) -> Any:
    path = str(writing.template)
    assert writing.template is not None
    try:
        data = json.loads(read_text(writing.template))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(
            f"{path} is not the JSON of DIALS; give an .expt file as the template."
        ) from error
    found = models.experiments(data, path)
    first = found[0]
    beam = models.beam_direction(first.beam, path)
    for other in found[1:]:
        other_beam = models.beam_direction(other.beam, path)
        if other.detector != first.detector or np.abs(other_beam - beam).max() > 1e-7:
            raise UsageError(
                f"{path} holds more than one detector or beam, and one geometry cannot be that of all: split "
                "it first (dials.split_experiments) and give the part that is meant."
            )
    panels = models.panels(first.detector, path)
    panel, _ = panel_in_beam(panels, beam)
    _check(writing, panels, panel, path)
    wanted = writing.geometry
    move = planes.move_to(panel.plane, beam, wanted, in_panel(panels, panel, wanted.center_px))
    # Experiments share detectors, in the oldest layout by their lists of panels: each frame moves once.
    frames = {id(record): record for experiment in found for record in _top_frames(experiment.detector)}
    for record in frames.values():
        _apply(move, record, path)
    for experiment in found:
        if wanted.wavelength_A is not None and "wavelength" in experiment.beam:
            experiment.beam["wavelength"] = wanted.wavelength_A
    return data


def _check(writing: Writing, panels: list[Panel], panel: Panel, path: str) -> None:
    for have, want in zip(panel.plane.pixel_mm, writing.geometry.pixel_mm, strict=True):
        if abs(have - want) > _PIXEL_TOLERANCE * want:
            raise UsageError(
                f"{path} has pixels of {have:g} mm, the geometry to be written has {want:g} mm: give a "
                "template of the same detector."
            )
    if len(panels) == 1 and panel.image_size is not None and panel.image_size != writing.image_size:
        raise UsageError(
            f"{path} is for images of {panel.image_size[0]} x {panel.image_size[1]} px, the geometry is for "
            f"{writing.image_size[0]} x {writing.image_size[1]} px: give a template of the same detector."
        )


def _top_frames(detector: Json) -> list[Json]:
    """The records that stand directly in the lab frame: to move them is to move the detector."""
    root = detector.get("hierarchy")
    panels: list[Json] = detector["panels"]
    if root is None:
        return panels
    frame = [root.get("fast_axis"), root.get("slow_axis"), root.get("origin")]
    if frame not in ([[1, 0, 0], [0, 1, 0], [0, 0, 0]], [None, None, None]):
        return [root]
    # A root that is the lab itself stays so: dxtbx writes it that way for detectors without groups.
    children = root.get("children", [])
    return [panels[int(child["panel"])] if "panel" in child else child for child in children]


def _apply(move: RigidMove, record: Json, path: str) -> None:
    for name, default in (("fast_axis", [1.0, 0.0, 0.0]), ("slow_axis", [0.0, 1.0, 0.0])):
        record[name] = move.turn(planes.direction(record.get(name, default), f"{path}, {name}")).tolist()
    record["origin"] = move.point(
        planes.vector(record.get("origin", [0.0, 0.0, 0.0]), f"{path}, origin")
    ).tolist()


def dials_import_options(writing: Writing) -> str:
    """Options of ``dials.import`` that state this geometry, one a line, with what they leave out.

    Notes
    -----
    ``fast_slow_beam_centre`` shifts the detector of the image header within its plane and ``distance``
    moves it along its normal (dxtbx, ``set_fast_slow_beam_centre_mm`` and ``set_detector_distance``), so
    a tilt comes from the header only. The panel's vectors can be stated too, but in the lab frame of
    the beamline's own format, in which the image may lie turned.
    """
    geometry = writing.geometry
    x, y = geometry.center_px
    lines = ["# Options of dials.import; the center is in px from the outer corner of the first pixel."]
    if geometry.wavelength_A is not None:
        lines.append(f"geometry.beam.wavelength={geometry.wavelength_A:.8g}")
    lines += [
        f"geometry.detector.distance={geometry.distance_mm:.6f}",
        f"geometry.detector.fast_slow_beam_centre={x:.4f},{y:.4f}",
    ]
    tilt = float(np.degrees(np.arccos(np.clip(geometry.axes()[2][2], -1.0, 1.0))))
    if tilt > 1e-3:
        origin, fast, slow = (",".join(f"{value:.9f}" for value in part) for part in vectors(geometry))
        lines += [
            f"# These options cannot state the tilt: pitch {geometry.pitch_deg:.4f}, yaw "
            f"{geometry.yaw_deg:.4f}, {tilt:.4f} degrees in all.",
            f"# State it with  xgeom geometry ... {TEMPLATE_WORDS}",
            "# after dials.import, and go on with moved.expt: goniometer, mask and sensor are kept. What",
            "# --to dials writes alone loses mask and sensor: as  input.reference_geometry=FILE.expt  it",
            "# needs  input.use_gonio_reference=False  beside it. Or, where the image has its fast axis",
            "# along the goniometer axis (+x) and its slow axis downwards (-y), with",
            f"# geometry.detector.panel.fast_axis={fast}",
            f"# geometry.detector.panel.slow_axis={slow}",
            f"# geometry.detector.panel.origin={origin}",
            "# in place of distance and fast_slow_beam_centre.",
        ]
    return "\n".join(lines) + "\n"

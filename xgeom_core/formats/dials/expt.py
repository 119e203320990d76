"""DIALS and dxtbx: experiment lists (``.expt``, ``.json``), old and new, read and written.

The vectors are exact and count from the outer corner of the first pixel, as this project does.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import planes
from xgeom_core.formats.dials import models
from xgeom_core.formats.dials.models import Experiment
from xgeom_core.formats.dials.writing import write
from xgeom_core.formats.format import Format
from xgeom_core.formats.panels import Panel, common_size, in_image, miss_warning, note, panel_in_beam
from xgeom_core.formats.planes import rounded
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text
from xgeom_core.geometry import Geometry

NAME = "DIALS"
_CONVENTION = (
    "DIALS vectors: the center is where the beam meets the panel, in px from the outer corner of the first "
    "pixel. The distance is along the beam."
)
_ENTRY = re.compile(rb'"(detector|experiment|hierarchy|panels)"\s*:')
_PARALLAX_PX = 0.1  # a smaller difference is not worth a word


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is JSON with models of DIALS in it."""
    start = head.lstrip()[:1]
    if start not in (b"{", b"["):
        return False
    if re.search(rb'"__id__"\s*:\s*"(ExperimentList|DataBlock)"', head):
        return True
    # The detector of a file with much else may stand beyond the head; its beam or panels then do not.
    return len(set(_ENTRY.findall(head))) >= 2 and b"slow_axis" in head


def read(path: Path, hints: Hints) -> list[Reading]:
    """One Reading for each pair of beam and detector; experiments that share both are named together.

    Raises
    ------
    UnreadableFileError
        If the file is no experiment list or is damaged.
    GeometryError
        If its detector cannot be where it is said to be.
    """
    data = parse(path)
    groups: dict[tuple[int, int], list[Experiment]] = {}
    found = models.experiments(data, str(path))
    for experiment in found:
        groups.setdefault(experiment.key, []).append(experiment)
    return [
        replace(
            _reading(path, members[0], _where([one.number for one in members], len(found)), hints),
            images=tuple(dict.fromkeys(one.images for one in members if one.images)),
        )
        for members in groups.values()
    ]


def parse(path: Path) -> Any:
    """The JSON of a file; raises UnreadableFileError if it is none."""
    text = read_text(path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise UnreadableFileError(f"{path} is JSON nested far too deep for a list of experiments.") from error
    except ValueError as error:
        raise UnreadableFileError(
            f"{path} is not complete JSON ({str(error)[:120]}); export the experiments again."
        ) from error


def _where(numbers: list[int], total: int) -> str:
    """Which experiments, in words: ``"experiment 3"``, ``"experiments 0-2"``, "" if there is one only."""
    if total == 1:
        return ""
    if len(numbers) == 1:
        return f"experiment {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"experiments {numbers[0]}-{numbers[-1]}"
    listed = ", ".join(map(str, numbers[:6]))
    return f"experiments {listed}" + (f" and {len(numbers) - 6} more" if len(numbers) > 6 else "")


def _reading(path: Path, experiment: Experiment, where: str, hints: Hints) -> Reading:
    what = f"{path}, experiment {experiment.number}"
    beam = models.beam_direction(experiment.beam, what)
    panels = models.panels(experiment.detector, what)
    panel, miss = panel_in_beam(panels, beam)
    wavelength = planes.wavelength(experiment.beam.get("wavelength")) or hints.wavelength_A
    geometry = planes.plane_geometry(panel.plane, beam, wavelength, f"{what}, panel {panel.index}")
    return Reading(
        Estimate(
            NAME,
            in_image(panels, panel, geometry.center_px),
            tilt_deg=(geometry.pitch_deg, geometry.yaw_deg),
            warnings=miss_warning(panels, panel, miss) + _warnings(experiment, panel, geometry),
            convention=_CONVENTION + note(panels, panel),
        ),
        path=str(path),
        where=where,
        distance_mm=geometry.distance_mm,
        pixel_mm=panel.plane.pixel_mm,
        wavelength_A=wavelength,
        image_size=common_size(panels, panel),
        panels=len(panels),
        native={
            "origin": f"{rounded(panel.plane.origin)} mm",
            "fast_axis": rounded(panel.plane.fast, 6),
            "slow_axis": rounded(panel.plane.slow, 6),
            "beam direction": rounded(-beam, 6),
            **({"panel": f"{panel.index} of {len(panels)}"} if len(panels) > 1 else {}),
        },
    )


def _warnings(experiment: Experiment, panel: Panel, geometry: Geometry) -> tuple[str, ...]:
    warnings: tuple[str, ...] = ()
    if experiment.beam.get("s0_at_scan_points"):
        warnings += ("The beam direction varies over the scan in this file; the one for all of it is used.",)
    parallax = _parallax_px(experiment.detector["panels"][panel.index], panel, geometry)
    if parallax > _PARALLAX_PX:
        warnings += (
            "DIALS corrects for parallax in the sensor: the pixels it reports on this tilted detector "
            f"differ by up to {parallax:.1f} px.",
        )
    return warnings


def _parallax_px(record: models.Json, panel: Panel, geometry: Geometry) -> float:
    """Most that the depth of absorption in a tilted sensor can move the beam's spot, in px."""
    strategy, thickness = record.get("px_mm_strategy"), planes.finite(record.get("thickness"))
    if not isinstance(strategy, dict) or "Parallax" not in str(strategy.get("type")) or thickness is None:
        return 0.0
    along = float(geometry.axes()[2][2])
    return abs(thickness) * float(np.sqrt(max(1.0 - along**2, 0.0))) / along / min(panel.plane.pixel_mm)


FORMAT = Format(
    name=NAME,
    key="dials",
    suffixes=(".expt", ".json", ".expt.gz", ".json.gz"),
    recognizes=recognizes,
    read=read,
    write=write,
    convention=(
        "Vectors in mm (origin, fast and slow axis of each panel; beam direction from sample to source): "
        "any point follows from them. Pixels count from the outer corner of the first pixel."
    ),
)

"""CrystFEL geometry files (``.geom``).

Facts: manual page crystfel_geometry(5) of CrystFEL.
"""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.estimate import Estimate
from xgeom_core.formats import values
from xgeom_core.formats.crystfel.geom_file import GeomFile, Panel, parse_geom
from xgeom_core.formats.crystfel.layout import Layout, Panels, lay_out, out_of_order, place
from xgeom_core.formats.crystfel.writing import write_geom
from xgeom_core.formats.format import Format
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.text import read_text

CONVENTION = (
    "CrystFEL states where the corner of each panel is in the lab, whose line x = y = 0 is the beam. "
    "Panel coordinates count pixels from the outer corner of the panel's first pixel (0 is added)."
)
_LINE = re.compile(
    rb"^[ \t]*([^\s;=/]+)/(corner_[xy]|fs|ss|min_fs|min_ss|max_fs|max_ss)[ \t]*=", re.MULTILINE
)
STREAM_START = b"CrystFEL stream format"


def recognizes(path: Path, head: bytes) -> bool:
    """Whether there are panels with corners or ranges, and it is no stream."""
    if head.lstrip()[:64].startswith(STREAM_START):
        return False
    found = {key for panel, key in _LINE.findall(head) if not panel.startswith((b"bad", b"group"))}
    return len(found) >= 2


def read(path: Path, hints: Hints) -> list[Reading]:
    """The one geometry of a geometry file."""
    geom = parse_geom(read_text(path), path)
    panels = place(geom)
    with values.located(path):
        return [reading_of(geom, panels, lay_out(panels, path), path, hints)]


def reading_of(geom: GeomFile, panels: Panels, layout: Layout, path: Path, hints: Hints) -> Reading:
    """The reading of a laid-out geometry file."""
    chosen = geom.panels[layout.index]
    distance = values.length(
        distance_of(geom, chosen, layout, hints), path, "the distance (clen and coffset)"
    )
    geometry = layout.geometry(distance or 1.0)
    estimate = Estimate(
        FORMAT.name,
        layout.center_px,
        (geometry.pitch_deg, geometry.yaw_deg),
        warnings=(*geom.warnings, *_notes(geom, panels, layout)),
        convention=CONVENTION,
    )
    return Reading(
        estimate,
        str(path),
        distance_mm=distance,
        pixel_mm=layout.pixel_mm,
        wavelength_A=geom.wavelength_A or hints.wavelength_A,
        image_size=image_size(geom, chosen),
        panels=len(geom.panels),
        native=native_of(geom, chosen),
    )


def distance_of(geom: GeomFile, chosen: Panel, layout: Layout, hints: Hints) -> float | None:
    """Distance along the beam to the common plane; the hint where ``clen`` is in the data files."""
    if geom.length_mm is None and chosen.length_mm is None:
        return hints.distance_mm
    return layout.z_mm


def native_of(geom: GeomFile, chosen: Panel) -> dict[str, str]:
    """The file's own values of the panel in the beam."""
    shown = {
        "panel": f"{chosen.name[:60]} (of {len(geom.panels)})",
        "corner_x": values.shown(chosen.corner[0], "px"),
        "corner_y": values.shown(chosen.corner[1], "px"),
        "fs": vector_text(chosen.fast),
        "ss": vector_text(chosen.slow),
        "res": values.shown(chosen.per_m, "px/m"),
        "coffset": values.shown(chosen.offset_mm, "mm"),
        **geom.stated,
    }
    if any(geom.shift_mm):
        shown["detector_shift"] = f"{geom.shift_mm[0]:g}, {geom.shift_mm[1]:g} mm"
    return shown


def vector_text(vector: tuple[float, ...]) -> str:
    """A vector in CrystFEL's own form."""
    return " ".join(f"{size:+.6g}{axis}" for size, axis in zip(vector, "xyz", strict=True) if size)


def image_size(geom: GeomFile, chosen: Panel) -> tuple[int, int]:
    """Pixels of the array that holds a panel, as far as panels reach."""
    same = [panel for panel in geom.panels if panel.layer == chosen.layer]
    return int(max(p.last[0] for p in same)) + 1, int(max(p.last[1] for p in same)) + 1


def _notes(geom: GeomFile, panels: Panels, layout: Layout) -> list[str]:
    """What the user should know of a detector of several panels."""
    name = geom.panels[layout.index].name[:60]
    notes = []
    if layout.miss_px > 0.5:
        notes.append(
            f"The beam meets no panel; the center is counted by the nearest one, {name!r}, "
            f"{layout.miss_px:.0f} px outside it."
        )
    if len({panel.layer for panel in geom.panels}) > 1:
        notes.append(f"The panels lie in several arrays or layers; the center is in that of panel {name!r}.")
    elif len(geom.panels) > 1 and out_of_order(panels, layout.index):
        notes.append(
            f"The panels lie in the data otherwise than in space: the center holds around panel {name!r}."
        )
    if layout.staggered:
        notes.append(
            f"The panels stand up to {layout.off_plane_mm:.2f} mm off a common plane: the tilt is the mean "
            f"of theirs, the distance that of panel {name!r}."
        )
    return notes


FORMAT = Format(
    "CrystFEL",
    "crystfel",
    (".geom",),
    recognizes,
    read,
    write_geom,
    CONVENTION,
)

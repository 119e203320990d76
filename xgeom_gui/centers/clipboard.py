"""A center in the words of other programs, by the core's own writers. Knows no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xgeom_core.errors import GeometryError
from xgeom_core.formats import registry
from xgeom_core.formats.dials.writing import dials_import_options
from xgeom_core.formats.format import Writing
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import missing_for_tilt
from xgeom_gui.state.geometry_tracks import Size

_TITLES = {
    "dials": "DIALS experiment (.expt)",
    "xds": "XDS: ORGX, ORGY, axes",
    "crystfel": "CrystFEL geometry (.geom)",
    "pyfai": "pyFAI PONI",
    "mosflm": "MOSFLM: BEAM, DISTANCE",
    "denzo": "DENZO: x beam, y beam",
    "fit2d": "Fit2D parameters",
    "csv": "Table (CSV)",
}


@dataclass(frozen=True)
class Wording:
    """One way to copy a geometry.

    Parameters
    ----------
    title : str
        What the user reads in the menu.
    tip : str
        What it is, or why it cannot be had.
    write : callable or None
        The core's writer; None where something it needs is unknown.
    """

    title: str
    tip: str
    write: Callable[[], str] | None


def plain_text(center: Center) -> str:
    """The center as two numbers: ``1261.56, 1307.32``."""
    x, y = center.estimate.center_px
    return f"{x:.3f}, {y:.3f}"


def wordings(center: Center, frame: Metadata, size: Size) -> tuple[Wording, ...]:
    """Every text that the core can write of a center.

    Parameters
    ----------
    center : Center
    frame : Metadata
        Of the frame shown; stands in for what the center's source does not know.
    size : tuple of int
        Pixels ``(fast, slow)`` of the frame shown.
    """
    geometry, why_not = _geometry(center, frame)
    offered: list[tuple[str, str, Callable[[Writing], str]]] = [
        ("DIALS: dials.import options", "Options of dials.import, one a line", dials_import_options)
    ]
    offered += [
        (_TITLES.get(known.key, known.name), known.convention, known.write)
        for known in registry.FORMATS
        if known.write is not None
    ]
    return tuple(
        Wording(title, why_not or tip, _writer(write, geometry, size) if geometry else None)
        for title, tip, write in offered
    )


def copied_text(center: Center, title: str) -> str:
    """What was copied, in a sentence."""
    x, y = center.estimate.center_px
    tilt = "" if center.estimate.tilt_deg else "; its tilt is unknown and taken as 0"
    return f"Copied {center.name} ({x:.2f}, {y:.2f}) as {title}{tilt}."


def _writer(write: Callable[[Writing], str], geometry: Geometry, size: Size) -> Callable[[], str]:
    return lambda: write(Writing(geometry, size))


def _geometry(center: Center, frame: Metadata) -> tuple[Geometry | None, str]:
    """The geometry, or why there is none."""
    try:
        geometry = center.geometry(frame)
    except GeometryError as error:
        return None, str(error)
    if geometry is None:
        missing = " and ".join(missing_for_tilt(center.metadata(frame)))
        return None, f"Needs {missing}, unknown so far: type it in under Experiment."
    return geometry, ""

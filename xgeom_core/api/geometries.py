"""Writing a geometry for other programs."""

from __future__ import annotations

import os
from pathlib import Path

from xgeom_core.errors import UsageError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.registry import writable_keys
from xgeom_core.formats.registry import write_geometry as write_for_program
from xgeom_core.frames.guarded import format_of
from xgeom_core.geometry import Geometry

# By the ends of names, as the programs themselves call their files.
_ENDINGS = {
    ".expt": "dials",
    ".poni": "pyfai",
    ".geom": "crystfel",
    ".nxs": "nxmx",
    "_master.h5": "nxmx",
    "xds.inp": "xds",
    ".csv": "csv",
}


def write_geometry(
    geometry: Geometry,
    image_size: tuple[int, int],
    path: str | os.PathLike[str],
    *,
    like: str | os.PathLike[str] | None = None,
    format: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a geometry as a file of another program, whole or not at all.

    Parameters
    ----------
    geometry : Geometry
        With distance and pixel size.
    image_size : tuple of int
        Pixels ``(fast, slow)``.
    path : path-like
        The new file; its name tells the format where nothing else does: ``.expt`` (DIALS), ``XDS.INP``,
        ``.geom`` (CrystFEL), ``.poni`` (pyFAI), ``.nxs``.
    like : path-like, optional
        A file of the same program of which everything but the geometry is kept: goniometer, mask, panels.
    format : str, optional
        ``"dials"``, ``"xds"``, ...: see ``xgeom geometry --list``.
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UsageError
        If the format is not known or not written, or the file is there already.
    """
    target, template = Path(path), None if like is None else Path(like)
    key = format or (format_of(template) if template else _by_name(target))
    return write_for_program(key, Writing(geometry, image_size, template), target, overwrite=overwrite)


def _by_name(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    for ending, key in _ENDINGS.items():
        if name.endswith(ending):
            return key
    raise UsageError(
        f"The name {path.name} does not tell for which program it is; say format=..., one of "
        f"{', '.join(writable_keys())}."
    )

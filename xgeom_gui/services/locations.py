"""Specs as the user sees them: ``FILE``, ``FILE::dataset``, a folder, or several files joined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

RUN_SEPARATOR = "\n"
"""Stands between the files of a run; as in `xgeom_core.frames.series`, which is slow to import."""

SESSION_SUFFIX = ".xgeom.json"


def paths_of(spec: str) -> tuple[str, ...]:
    """The files that a spec names."""
    return tuple(part for part in spec.split(RUN_SEPARATOR) if part)


def file_of(location: str) -> str:
    """The file of ``FILE::dataset``, with or without ``::geometry=FILE.geom`` after it."""
    place = location.partition("::geometry=")[0]
    return place.rpartition("::")[0] or place


def name_of(spec: str) -> str:
    """Short name of a spec: ``run_0001.cbf``, ``a.h5 and 2 more``."""
    paths = paths_of(spec)
    if not paths:
        return spec
    first = Path(file_of(paths[0]))
    name = first.name or str(first)
    return f"{name} and {len(paths) - 1} more" if len(paths) > 1 else name


def folder_of(spec: str) -> str:
    """The folder that the first file of a spec lies in, ``~`` for the user's own."""
    paths = paths_of(spec)
    folder = Path(file_of(paths[0])).parent if paths else Path()
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except ValueError:
        return str(folder)


def is_there(spec: str, exists: Callable[[str], bool]) -> bool:
    """Whether any file of a spec is there.

    Parameters
    ----------
    exists : callable
        Whether a path exists; may be slow.
    """
    for path in paths_of(spec):
        if exists(path) or exists(file_of(path)):
            return True
        # A series is named by its template.
        if "#" in Path(path).name and exists(str(Path(path).parent)):
            return True
    return False


def is_session(path: str) -> bool:
    """Whether a file is a session file by its name."""
    return path.lower().endswith(SESSION_SUFFIX)

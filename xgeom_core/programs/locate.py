"""Where other programs are: configured folders, the folder of this interpreter, and PATH."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from xgeom_core.errors import ProgramError
from xgeom_core.programs.program import Found, Program

# XGEOM_DIALS=/opt/dials/bin, for programs that are not on PATH.
_VARIABLE = "XGEOM_{}"


def locate(program: Program, configured: Mapping[str, Path] | None = None) -> Found | None:
    """Where a program is; None if it is not to be found.

    Parameters
    ----------
    program : Program
        The program.
    configured : mapping of str to Path, optional
        Key of a program -> the folder of its executables (or one of them), before everything else.
        The environment says the same with ``XGEOM_DIALS`` and so on.

    Returns
    -------
    Found or None
    """
    folders = _folders(program, configured or {})
    paths = {}
    for name in program.executables:
        path = shutil.which(name, path=os.pathsep.join(folders))
        if path is not None:
            paths[name] = path
    if program.executables and len(paths) == len(program.executables):
        python = _interpreter(Path(paths[program.executables[0]])) if program.python_package else ""
        if python or not program.python_package:
            return Found(paths, python)
    if not program.python_package:
        return None
    # A library without programs of its own: in a virtual environment that is named, or in this one.
    for python in _configured_pythons(program, configured or {}):
        if _has(python, program.python_package):
            return Found({}, python)
    if importlib.util.find_spec(program.python_package) is not None:
        return Found({}, sys.executable)
    return None


def _configured_pythons(program: Program, configured: Mapping[str, Path]) -> list[str]:
    folder = _configured_folder(program, configured)
    return [str(path) for name in ("python3", "python") if folder and (path := folder / name).is_file()][:1]


def _has(python: str, package: str) -> bool:
    """Whether an interpreter can import a package."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    try:
        return (
            subprocess.run((python, "-c", code), check=False, capture_output=True, timeout=60).returncode == 0
        )
    except (OSError, subprocess.SubprocessError):
        return False


def needed(program: Program, configured: Mapping[str, Path] | None = None) -> Found:
    """Where a program is.

    Raises
    ------
    ProgramError
        If it is not to be found; says what was looked for and how to configure it.
    """
    found = locate(program, configured)
    if found is None:
        raise ProgramError(
            f"{program.name} was not found: {' and '.join(program.executables)} must be on PATH, or "
            f"{_VARIABLE.format(program.key.upper())} must name the folder that holds them."
        )
    return found


def _configured_folder(program: Program, configured: Mapping[str, Path]) -> Path | None:
    given = configured.get(program.key) or os.environ.get(_VARIABLE.format(program.key.upper()))
    if not given:
        return None
    path = Path(given).expanduser()
    return path.parent if path.is_file() else path


def _folders(program: Program, configured: Mapping[str, Path]) -> list[str]:
    given = _configured_folder(program, configured)
    # A virtual environment that is used but not activated is not on PATH.
    return [*([str(given)] if given else []), str(Path(sys.executable).parent), *os.get_exec_path()]


def _interpreter(script: Path) -> str:
    """The Python that runs a console script: its first lines say which, else the one beside it."""
    try:
        with script.open("rb") as stream:
            lines = stream.read(1024).decode("utf-8", "replace").splitlines()[:2]
    except OSError:
        lines = []
    for line in lines:
        # Where the path is too long or has spaces, installers write a shell line: '''exec' "PATH" "$0" "$@"
        words = _words(line.removeprefix("#!").removeprefix("'''exec'"))
        if words[:1] == ["/usr/bin/env"]:
            words = [shutil.which(name) or "" for name in words[1:]]
        if words and "python" in Path(words[0]).name and Path(words[0]).is_file():
            return words[0]
    for name in ("python3", "python"):
        beside = script.parent / name
        if beside.is_file():
            return str(beside)
    return ""


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []

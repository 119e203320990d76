"""Files told from pipes and devices, which who reads them would wait for, or never be done with."""

from __future__ import annotations

from pathlib import Path

from xgeom_core.errors import XgeomError


def require_regular(path: Path, error: type[XgeomError], expected: str) -> None:
    """Make sure that what is there is a file; nothing to do where there is nothing.

    Parameters
    ----------
    path : Path
        What is to be opened.
    error : type
        Raised if it is a folder, a pipe, a socket or a device.
    expected : str
        For the sentence: ``"a configuration in TOML"``.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or a device, no regular file"
        raise error(f"{path} is {what}: {expected} was expected.")

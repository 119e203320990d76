"""What the user asked for on the command line. Imports nothing slow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What the user asked for on the command line.

    Parameters
    ----------
    file : str
        ``FILE`` or ``FILE::dataset`` to open, or several with line breaks between them; "" for none.
    example : bool
        Open the bundled example frame.
    screenshot : Path or None
        Where to save a picture of the window instead of staying open.
    model : str
        Name of a bundled model or path of a ``.safetensors`` file.
    geometries : tuple of str
        Files of other programs to compare with.
    """

    file: str = ""
    example: bool = False
    screenshot: Path | None = None
    model: str = "default"
    geometries: tuple[str, ...] = ()

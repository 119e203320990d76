"""Where the bundled files are: the default model, the example frame, recipes, icons.

Floor: same as `errors`; everything above may ask here.
"""

from __future__ import annotations

from pathlib import Path

from xgeom_core.errors import XgeomError

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Path of a bundled file or folder, from a checkout and from an installed wheel alike.

    Parameters
    ----------
    name : str
        Path below the resource folder, such as ``"example/frame.h5"``.

    Raises
    ------
    XgeomError
        If nothing of that name is bundled.
    """
    # A wheel carries the folder inside the package (see pyproject.toml), a checkout beside it.
    for root in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        if (root / name).exists():
            return root / name
    raise XgeomError(
        f"The bundled file {name!r} is missing; xgeom may not be installed whole. Install it again."
    )


def example_file() -> Path:
    """The bundled example: an NXmx file of three stills of one simulated experiment."""
    return resource("example/frame.h5")

"""A program that writes a data set and tells of every frame, to be killed meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path

from xgeom_core.errors import XgeomError
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import write_training_file


def write(path: Path, count: int, workers: int) -> None:
    """Say "ready", then the number of frames that are kept, again and again."""
    _tell("ready")
    try:
        write_training_file(
            path,
            load_recipe("standard"),
            (48, 64),
            count,
            5,
            _tell,
            workers=workers,
        )
    except XgeomError as error:
        sys.exit(str(error))


# A pipe holds 65,536 bytes.
_LINE = 8192


def _tell(what: object) -> None:
    # Long lines, so that the work is never many frames ahead of who reads them, however busy the machine.
    sys.stdout.write(f"{str(what).rjust(_LINE)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

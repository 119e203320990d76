"""A Python without torch, for a process and all that it starts."""

from __future__ import annotations

import os
from pathlib import Path


def without_torch(folder: Path) -> dict[str, str]:
    """Environment of a process in which torch cannot be imported.

    Parameters
    ----------
    folder : Path
        An empty one; a module that Python imports at each start is written to it.
    """
    # None in sys.modules is Python's own way to say that a module cannot be imported.
    (folder / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(dict.fromkeys(('torch', 'tensorboard')))\n", encoding="utf-8"
    )
    before = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), before)))}

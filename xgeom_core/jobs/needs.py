"""Which files a job learns from, and whether another job is still making one of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from xgeom_core.jobs.records import CONFIG, JOB, read_json


def files_needed(folder: Path) -> frozenset[Path]:
    """Files that the configuration in a job's folder names; none if there is no configuration."""
    try:
        content = tomllib.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    names: list[object] = []
    for section in ("data", "validation"):
        part: Any = content.get(section)
        files = part.get("files") if isinstance(part, dict) else None
        names += files if isinstance(files, list) else []
    return frozenset(Path(str(name)) for name in names)


def makes(folder: Path, needed: frozenset[Path]) -> bool:
    """Whether the job in a folder simulates frames into one of these files."""
    if not needed:
        return False
    content = read_json(folder / JOB) or {}
    words = [str(word) for word in content.get("arguments") or ()]
    if content.get("kind") != "simulate" or "--out" not in words[:-1]:
        return False
    out = Path(words[words.index("--out") + 1])
    # In several files they are called FILE_00000.h5, ...
    shards = f"{out.stem}_"
    return any(path == out or (path.parent == out.parent and path.stem.startswith(shards)) for path in needed)

"""Which files a job learns from, and whether another job is still making one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.records import CONFIG, read_job
from xgeom_core.system.records import read_toml


def files_needed(folder: Path) -> frozenset[Path]:
    """Files that the configuration in a job's folder names; none if there is no configuration."""
    try:
        content = read_toml(folder / CONFIG, ConfigError, "configuration")
    except ConfigError:
        return frozenset()
    names: list[object] = []
    for section in ("data", "validation"):
        part: Any = content.get(section)
        files = part.get("files") if isinstance(part, dict) else None
        names += files if isinstance(files, list) else []
    return frozenset(Path(str(name)) for name in names)


def makes(folder: Path, needed: frozenset[Path]) -> bool:
    """Whether the job in a folder simulates frames into one of these files."""
    job = read_job(folder) if needed else None
    if job is None or job.kind != "simulate" or "--out" not in job.arguments[:-1]:
        return False
    out = Path(job.arguments[job.arguments.index("--out") + 1])
    # In several files they are called FILE_00000.h5, ...
    shards = f"{out.stem}_"
    return any(path == out or (path.parent == out.parent and path.stem.startswith(shards)) for path in needed)

"""How far a job is that tells no events: read from the last line of progress in its log."""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.jobs.records import end_of_log

# As `frame_progress` writes it: "standard frames: 300 of 1000, 31 frames/s, 23 s left".
_LINE = re.compile(r": (\d+) of (\d+), (.+)$")
_SAID = re.compile(r"^(\d+) of (\d+) frames")
_END_BYTES = 2000


def progress_text(folder: Path) -> str:
    """Such as ``"300 of 1000 frames, 31 frames/s, 23 s left."``; empty before the first word."""
    for line in reversed(end_of_log(folder, _END_BYTES).splitlines()):
        found = _LINE.search(line)
        if found:
            return f"{found[1]} of {found[2]} frames, {found[3].strip().rstrip('.')}."
    return ""


def share_of(text: str) -> float | None:
    """The share done that `progress_text` speaks of; None if it speaks of none."""
    found = _SAID.match(text)
    if found is None or int(found[2]) == 0:
        return None
    return min(int(found[1]) / int(found[2]), 1.0)

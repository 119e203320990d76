"""Jobs in lines of text."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xgeom_core.jobs.compare import Comparison
    from xgeom_core.jobs.job import Job, Status


def job_line(job: Job, status: Status) -> str:
    """One line of a list."""
    age = duration(max(time.time() - job.created, 0)) if job.created else "?"
    state = "stalled" if status.stalled else status.state
    text = f"{state:9s}{age:>8s}  {job.id:14s}{job.title}"
    return f"{text}: {status.reason}" if status.reason else text


def show_lines(job: Job, status: Status) -> Iterator[str]:
    """Everything about one job."""
    from xgeom_core.jobs.job import command_text  # noqa: PLC0415 - so that --help answers at once
    from xgeom_core.jobs.trust import needs_consent, stranger_words  # noqa: PLC0415

    yield job_line(job, status)
    yield f"folder   {job.folder}"
    where = "Slurm" if job.place.slurm is not None else ", ".join(job.place.devices)
    yield f"where    {where}, {job.place.processes} process{'es' if job.place.processes > 1 else ''}"
    if status.pid:
        yield f"process  {status.pid}"
    if status.heartbeat_age_s is not None:
        yield f"alive    {status.heartbeat_age_s:.0f} s ago{' (stalled)' if status.stalled else ''}"
    if status.exit_code is not None:
        yield f"exit     {status.exit_code}"
    yield f"command  {command_text(job)}"
    if needs_consent(job):
        yield f"note     {stranger_words(job)} It is not run without your word."


def comparison_lines(comparison: Comparison, titles: Sequence[str]) -> Iterator[str]:
    """Runs as columns: settings that differ, then results."""
    table = [["", *titles]]
    table += [[row.key, *map(_value, row.values)] for row in comparison.rows]
    results = comparison.results
    table.append(["steps", *(str(result.steps) for result in results)])
    table.append(["hours", *(f"{result.hours:.2f}" for result in results)])
    table.append(["frames/s", *(f"{result.frames_per_s:.0f}" for result in results)])
    table.append(["end", *(result.end or "-" for result in results)])
    for name in comparison.data:
        sets = [next((one for one in result.sets if one.data == name), None) for result in results]
        for label, values in (
            ("center, px (constant)", lambda one: (one.center_px, one.center_constant_px)),
            ("best center, px", lambda one: (one.best_center_px,)),
            ("tilt, deg (constant)", lambda one: (one.tilt_deg, one.tilt_constant_deg)),
        ):
            table.append([f"{name}: {label}", *(_scores(*values(one)) if one else "-" for one in sets)])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _scores(error: float, constant: float | None = None) -> str:
    """An error and the constant predictor's; "-" for what the network does not answer."""
    if math.isnan(error):
        return "-"
    return f"{error:.2f}" if constant is None else f"{error:.2f} ({constant:.2f})"


def duration(seconds: float) -> str:
    """Such as ``"35 s"``, ``"12 min"``, ``"3.5 h"`` or ``"2 days"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)

"""A comparison of runs as lines of text. Knows no widget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xgeom_gui.training.words import duration

if TYPE_CHECKING:
    from xgeom_core.jobs.compare import Comparison, RunResult, SetResult

_NONE = "–"


@dataclass(frozen=True)
class CompareRow:
    """One line.

    Parameters
    ----------
    label : str
        What is compared.
    cells : tuple of str
        One for each run.
    best : tuple of int
        Runs that did best; none for settings.
    heading : bool
        Whether the line only names those below it.
    """

    label: str
    cells: tuple[str, ...]
    best: tuple[int, ...] = ()
    heading: bool = False


def compare_rows(comparison: Comparison) -> tuple[CompareRow, ...]:
    """First the settings that differ, then the results set by set, then what they cost."""
    results = comparison.results
    blank = ("",) * len(results)
    rows = [CompareRow("Settings that differ", blank, heading=True)]
    rows += [CompareRow(row.key, tuple(_setting(value) for value in row.values)) for row in comparison.rows]
    if not comparison.rows:
        rows.append(CompareRow("none: the configurations are the same", blank))
    for data in comparison.data:
        sets = [next((one for one in result.sets if one.data == data), None) for result in results]
        rows.append(CompareRow(f"Errors on {data}", blank, heading=True))
        rows += _errors(sets)
    rows.append(CompareRow("Course", blank, heading=True))
    rows += _course(results)
    return tuple(rows)


def _errors(sets: Sequence[SetResult | None]) -> list[CompareRow]:
    lines: tuple[tuple[str, Callable[[SetResult], float], str], ...] = (
        ("center", lambda one: one.center_px, "{:.2f} px"),
        ("center, best so far", lambda one: one.best_center_px, "{:.2f} px"),
        ("center, always guessing the middle", lambda one: one.center_constant_px, "{:.2f} px"),
        ("tilt", lambda one: one.tilt_deg, "{:.3f}°"),
        ("tilt, always guessing the middle", lambda one: one.tilt_constant_deg, "{:.3f}°"),
        ("loss", lambda one: one.loss, "{:.4g}"),
    )
    rows = []
    for label, of, form in lines:
        values = [of(one) if one is not None else None for one in sets]
        if all(value is None or math.isnan(value) for value in values):
            continue
        cells = tuple(
            form.format(value) if value is not None and not math.isnan(value) else _NONE for value in values
        )
        rows.append(CompareRow(label, cells, () if "guessing" in label else _smallest(values)))
    return rows


def _course(results: Sequence[RunResult]) -> list[CompareRow]:
    return [
        CompareRow("steps", tuple(f"{one.steps:,}".replace(",", " ") for one in results)),
        CompareRow("time", tuple(duration(3600 * one.hours) for one in results)),
        CompareRow(
            "frames/s", tuple(f"{one.frames_per_s:.0f}" if one.frames_per_s else _NONE for one in results)
        ),
        CompareRow("memory", tuple(f"{one.memory_gb:.1f} GB" if one.memory_gb else _NONE for one in results)),
        CompareRow("end", tuple(one.end or "not yet" for one in results)),
    ]


def _smallest(values: Sequence[float | None]) -> tuple[int, ...]:
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(known) < 2 or min(known) == max(known):
        return ()
    return tuple(i for i, value in enumerate(values) if value == min(known))


def _setting(value: Any) -> str:
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_setting(one)}" for key, one in value.items()) or _NONE
    if isinstance(value, list):
        return ", ".join(_setting(one) for one in value) or _NONE
    return f"{value:.4g}" if isinstance(value, float) else str(value) or _NONE

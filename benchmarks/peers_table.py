"""The table and the plot of peers.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

RIGHT_PX, WRONG_PX = 1.0, 3.0
GROUPS = ("real", "nanoBragg", "simulated")
METHODS = (
    "xgeom",
    "DIALS search",
    "DIALS refined",
    "DIALS refined from xgeom's center",
    "pyFAI",
    "bblib center of mass",
    "bblib Friedel pairs",
)
STARTS = ("nothing", "header", "10 px")


def off_px(row: dict[str, Any]) -> float | None:
    """Distance of an answer from the truth in px."""
    if row["center_px"] is None:
        return None
    return float(np.hypot(row["center_px"][0] - row["goal"][0], row["center_px"][1] - row["goal"][1]))


def off_deg(row: dict[str, Any]) -> float | None:
    """The larger error of pitch and yaw in degrees, where answer and truth tell a tilt."""
    if row["tilt_deg"] is None or row["goal"][2] is None:
        return None
    return float(max(abs(row["tilt_deg"][0] - row["goal"][2]), abs(row["tilt_deg"][1] - row["goal"][3])))


def is_right(row: dict[str, Any]) -> bool:
    """Within a pixel, or what the truth can be trusted to."""
    off = off_px(row)
    return off is not None and off <= max(RIGHT_PX, row["trust_px"])


def is_wrong(row: dict[str, Any]) -> bool:
    """Far off, and the program itself does not say so."""
    off = off_px(row)
    return off is not None and not row["warned"] and off > max(WRONG_PX, 3 * row["trust_px"])


def show(rows: list[dict[str, Any]]) -> None:
    """Print one table a group of frames, in the words of Markdown."""
    for group in GROUPS:
        mine = [row for row in rows if row["group"] == group]
        if not mine:
            continue
        print(f"\n{group}: {len({row['name'] for row in mine})} frames\n")
        print(
            "| method | start | frames | answered | right | **wrong, no warning** | doubted by xgeom "
            "| median px | median tilt ° | median CPU s |\n|---|---|---|---|---|---|---|---|---|---|"
        )
        for method in METHODS:
            for start in STARTS:
                some = [row for row in mine if (row["method"], row["start"]) == (method, start)]
                if some:
                    print(_line(method, start, some))


def _line(method: str, start: str, rows: list[dict[str, Any]]) -> str:
    answered = [row for row in rows if row["center_px"] is not None and not row["warned"]]
    wrong = [row for row in rows if is_wrong(row)]
    doubted = sum(bool(row.get("doubts")) for row in wrong)
    cells = (
        method,
        start,
        len(rows),
        len(answered),
        sum(map(is_right, answered)),
        f"**{len(wrong)}**",
        doubted if method.startswith("DIALS") else "",
        _median([off_px(row) for row in answered], 2),
        _median([off_deg(row) for row in answered], 3),
        _median([row["cpu_s"] for row in rows], 1),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _median(values: list[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{np.median(known):.{digits}f}" if known else "-"


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Errors of all answers, one column of points a method and start; crosses are wrong without a warning."""
    figure, panels = plt.subplots(1, len(GROUPS), figsize=(13, 5), sharey=True)
    for axes, group in zip(panels, GROUPS, strict=True):
        mine = [row for row in rows if row["group"] == group]
        columns = [
            (method, start, some)
            for method in METHODS
            for start in STARTS
            if (some := [r for r in mine if (r["method"], r["start"]) == (method, start)])
        ]
        for place, (_, _, some) in enumerate(columns):
            answered = [row for row in some if row["center_px"] is not None and not row["warned"]]
            shifts = np.linspace(-0.3, 0.3, len(answered)) if len(answered) > 1 else [0.0]
            for shift, row in zip(shifts, answered, strict=bool(answered)):
                bad = is_wrong(row)
                color = "#d55e00" if bad else "#0072b2"
                axes.plot(
                    place + shift, max(off_px(row) or 0.0, 0.01), "x" if bad else "o", color=color, ms=4
                )
            axes.text(place, 400, f"{len(answered)}/{len(some)}", ha="center", fontsize=7)
        axes.axhline(RIGHT_PX, color="0.6", lw=0.8)
        labels = [f"{method}, {start}" for method, start, _ in columns]
        axes.set_xticks(range(len(columns)), labels, rotation=90, fontsize=7)
        axes.set_yscale("log")
        axes.set_ylim(0.008, 700)
        axes.set_title(f"{group} (answered/frames on top)", fontsize=9)
    panels[0].set_ylabel("distance from the true center (px)")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)

"""What headers leave open, in words and as JSON: verdicts on what they state, other ways to read it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgeom_core.metadata import Choice, Verdict


def numbers(values: tuple[float, ...] | None) -> list[float | None] | None:
    """A tuple as JSON has it: null for what is not finite."""
    return None if values is None else [float(v) if math.isfinite(v) else None for v in values]


def choice_record(choice: Choice) -> dict[str, Any]:
    """A choice by the names of its attributes, without those that it leaves as they are."""
    values = {
        "name": choice.name,
        "center_px": numbers(choice.center_px),
        "tilt_deg": numbers(choice.tilt_deg),
        "distance_mm": choice.distance_mm,
        "pixel_mm": numbers(choice.pixel_mm),
        "wavelength_A": choice.wavelength_A,
    }
    return {name: value for name, value in values.items() if value is not None}


def choice_words(choice: Choice) -> str:
    """A choice in a line: its name, and what follows from it."""
    words = []
    if choice.center_px is not None:
        words.append(f"({choice.center_px[0]:.3f}, {choice.center_px[1]:.3f}) px")
    if choice.tilt_deg is not None:
        words.append(f"pitch {choice.tilt_deg[0]:+.4f} yaw {choice.tilt_deg[1]:+.4f} deg")
    if choice.distance_mm is not None:
        words.append(f"distance {choice.distance_mm:g} mm")
    if choice.pixel_mm is not None:
        words.append("pixel " + " x ".join(f"{v * 1000:g}" for v in choice.pixel_mm) + " um")
    if choice.wavelength_A is not None:
        words.append(f"wavelength {choice.wavelength_A:g} Å")
    return f"{choice.name}: {', '.join(words)}"


def verdict_record(verdict: Verdict) -> dict[str, str]:
    """A verdict as JSON."""
    return {"quantity": verdict.quantity, "sense": verdict.sense, "reason": verdict.reason}


def doubts(verdicts: Iterable[Verdict]) -> list[str]:
    """What is not simply plausible, one line each."""
    return [f"{one.quantity} {one.sense}: {one.reason}" for one in verdicts if one.sense != "plausible"]

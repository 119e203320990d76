"""Shape and color of each source of a center. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Shape = Literal[
    "x",
    "plus",
    "diamond",
    "circled_x",
    "square",
    "triangle",
    "circle",
    "hexagon",
    "nabla",
    "star",
    "target",
    "pentagon",
    "kite",
]


@dataclass(frozen=True)
class SourceStyle:
    """How the centers of one source are marked."""

    color: str
    shape: Shape


_OWN = {
    "truth": SourceStyle("#d01c1c", "x"),
    "header": SourceStyle("#1b8a4b", "plus"),
    "network": SourceStyle("#e07b00", "diamond"),
    "fit": SourceStyle("#1d5fd1", "circled_x"),
    "combined": SourceStyle("#1d5fd1", "circled_x"),
    "background": SourceStyle("#00838f", "circle"),
    "lattice": SourceStyle("#8e24aa", "hexagon"),
    "start": SourceStyle("#8a5a00", "nabla"),
    # The poster's pair: the model in orange, the other one in blue.
    "second": SourceStyle("#2b7de9", "kite"),
    "accepted": SourceStyle("#0b6b3a", "pentagon"),
    "manual": SourceStyle("#c2185b", "target"),
}
_FAMILIES = {
    "dials": SourceStyle("#7b3fa0", "square"),
    "xds": SourceStyle("#00808a", "triangle"),
    "crystfel": SourceStyle("#c2187a", "hexagon"),
    "pyfai": SourceStyle("#8a5a00", "circle"),
    "mosflm": SourceStyle("#5b6b00", "nabla"),
}
_OTHERS = (SourceStyle("#4b5563", "star"), SourceStyle("#9c4a6b", "nabla"), SourceStyle("#48707c", "circle"))
_CYCLE: tuple[Shape, ...] = ("square", "triangle", "circle", "hexagon", "nabla", "star")


def style_of(source: str) -> SourceStyle:
    """Mark of a source that belongs to the frame itself, or else of a program's family."""
    return _OWN.get(source) or family_style(source)


def family_style(program: str) -> SourceStyle:
    """Color and favorite shape of a program, by the first word of its name."""
    word = program.lower().split()[0] if program.split() else ""
    return _FAMILIES.get(word) or _OTHERS[sum(map(ord, word)) % len(_OTHERS)]


def assign_styles(programs: Sequence[str]) -> tuple[SourceStyle, ...]:
    """Marks for several geometries of other programs, in order.

    The color tells the program. The shape tells two geometries of one program apart: a program's
    favorite while it is free, else the next of the cycle that is.
    """
    styles: list[SourceStyle] = []
    for program in programs:
        family = family_style(program)
        start = _CYCLE.index(family.shape)
        turns = _CYCLE[start:] + _CYCLE[:start]
        taken = [style.shape for style in styles]
        # Once all are taken, the one used least: with its color it still differs from most.
        shape = min(turns, key=lambda turn: (SourceStyle(family.color, turn) in styles, taken.count(turn)))
        styles.append(SourceStyle(family.color, shape))
    return tuple(styles)

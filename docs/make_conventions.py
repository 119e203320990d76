"""Draw the pictures of docs/conventions.md: python docs/make_conventions.py [FOLDER]

One SVG a convention: the first pixels of an image as they lie in memory (x fast to the right, y slow down),
where the numbers start, which way they grow, and which point they name. The same run gives the same bytes.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "conventions"
COLUMNS, ROWS, SIDE = 6, 4, 46
LEFT, TOP, WIDTH, HEIGHT = 78, 86, 540, 360
INK, SOFT, GRID, PIXEL = "#1c1c1c", "#5f6368", "#c3c7cc", "#eef1f4"
ORIGIN, BEAM, FOOT = "#0072b2", "#d55e00", "#009e73"
BEAM_AT, FOOT_AT = (4.1, 2.4), (2.3, 1.6)
RIGHT, DOWN, UP = (1.0, 0.0), (0.0, 1.0), (0.0, -1.0)


@dataclass(frozen=True)
class Convention:
    """What a picture shows; places are in this project's pixels.

    ``counts`` are the numbers written along the axes from the origin, one a pixel; () for mm and vectors.
    ``corner`` draws an arrow from the beam (or from the sample) to the first pixel instead of a count.
    """

    name: str
    title: str
    formula: str
    origin: tuple[float, float] = (0.0, 0.0)
    first: tuple[str, tuple[float, float]] = ("x", RIGHT)
    second: tuple[str, tuple[float, float]] = ("y", DOWN)
    counts: tuple[int, ...] = ()
    foot: bool = False
    corner: str = ""
    doubt: tuple[float, float] | None = None


PIXELS = (0, 1, 2, 3)
CONVENTIONS = (
    Convention(
        "xgeom",
        "xgeom: px from the outer corner",
        "the center of the first pixel is (0.5, 0.5)",
        counts=PIXELS,
    ),
    Convention(
        "dials",
        "DIALS: vectors in mm",
        "origin, fast_axis, slow_axis of the panel; offset 0",
        first=("fast_axis", RIGHT),
        second=("slow_axis", DOWN),
        corner="origin (from the sample)",
    ),
    Convention(
        "nxmx",
        "NXmx, Dectris: beam_center_x, _y in px",
        "origin not defined: +0 taken, +0.5 offered",
        counts=PIXELS,
        doubt=(0.5, 0.5),
    ),
    Convention(
        "cbf",
        "CBF mini-header: Beam_xy in px",
        "origin not stated: +0 taken, +0.5 offered",
        counts=PIXELS,
        doubt=(0.5, 0.5),
    ),
    Convention(
        "imgcif",
        "imgCIF: center_fast, center_slow",
        "x = center_fast / size + 0.5; y likewise",
        origin=(0.5, 0.5),
        first=("fast", RIGHT),
        second=("slow", DOWN),
        counts=PIXELS,
    ),
    Convention(
        "xds",
        "XDS: ORGX, ORGY in px",
        "foot of the normal; foot = ORGX - 0.5, then to the beam",
        origin=(-0.5, -0.5),
        first=("X", RIGHT),
        second=("Y", DOWN),
        counts=PIXELS,
        foot=True,
    ),
    Convention(
        "crystfel",
        "CrystFEL: corner_x, corner_y in px",
        "the beam is x = y = 0; the corner is the pixel's outer corner",
        first=("fs", RIGHT),
        second=("ss", DOWN),
        corner="corner_x, corner_y (from the beam)",
    ),
    Convention(
        "pyfai",
        "pyFAI: Poni2, Poni1 in m",
        "foot of the normal = (Poni2 / pixel2, Poni1 / pixel1) in orientation 3",
        first=("Poni2", RIGHT),
        second=("Poni1", DOWN),
        foot=True,
    ),
    Convention(
        "fit2d",
        "Fit2D: centerX, centerY in px",
        "offset 0, rows as they are stored",
        first=("centerX", RIGHT),
        second=("centerY", DOWN),
        counts=PIXELS,
    ),
    Convention(
        "mosflm",
        "MOSFLM: BEAM x y in mm",
        "x fast = y / size, y slow = x / size; +0 taken, +0.5 offered",
        first=("y", RIGHT),
        second=("x", DOWN),
        doubt=(0.5, 0.5),
    ),
    Convention(
        "denzo",
        "DENZO, HKL: x beam, y beam in mm",
        "x fast = y beam / size, y slow = x beam / size; offset 0",
        first=("y beam", RIGHT),
        second=("x beam", DOWN),
    ),
    Convention(
        "smv",
        "SMV: BEAM_CENTER_X, _Y in mm",
        "read as MOSFLM's; beamlines differ, the others are offered",
        first=("BEAM_CENTER_Y", RIGHT),
        second=("BEAM_CENTER_X", DOWN),
        doubt=(0.0, float(ROWS)),
    ),
    Convention(
        "adxv",
        "ADXV: mm from the lower left",
        "x fast = x / size, y slow = height - y / size; offset 0",
        origin=(0.0, float(ROWS)),
        first=("x", RIGHT),
        second=("y", UP),
    ),
    Convention(
        "bblib",
        "bblib, numpy: pixel numbers",
        "x = number + 0.5",
        origin=(0.5, 0.5),
        first=("column", RIGHT),
        second=("row", DOWN),
        counts=PIXELS,
    ),
)


def place(x: float, y: float) -> tuple[float, float]:
    """Where a point of the image lies in the picture."""
    return LEFT + x * SIDE, TOP + y * SIDE


def text(
    x: float,
    y: float,
    words: str,
    color: str = INK,
    anchor: str = "middle",
    size: int = 13,
    weight: str = "400",
) -> str:
    """A line of words."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def arrow(start: tuple[float, float], end: tuple[float, float], color: str, dashed: bool = False) -> str:
    """A line with a head, in picture coordinates."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    wings = [
        (end[0] - 9 * math.cos(angle + turn), end[1] - 9 * math.sin(angle + turn)) for turn in (0.42, -0.42)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (wings[0], end, wings[1]))
    style = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{color}" stroke-width="2"{style}/><polygon points="{points}" fill="{color}"/>'
    )


def pixels() -> list[str]:
    """The first pixels of the image, the very first one shaded."""
    parts = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            x, y = place(column, row)
            fill = PIXEL if (row, column) == (0, 0) else "#ffffff"
            parts.append(
                f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" fill="{fill}" stroke="{GRID}"/>'
            )
    return parts


def points(convention: Convention) -> list[str]:
    """The beam, and the foot of the normal where that is what is stated."""
    x, y = place(*BEAM_AT)
    stated = not convention.foot
    parts = [
        f'<path d="M{x - 7:.1f} {y - 7:.1f}l14 14m0 -14l-14 14" stroke="{BEAM}" '
        f'stroke-width="{3 if stated else 2}" fill="none"/>',
        text(x + 12, y + 5, "beam", BEAM, "start", weight="600" if stated else "400"),
    ]
    if convention.foot:
        fx, fy = place(*FOOT_AT)
        parts += [
            f'<line x1="{fx}" y1="{fy}" x2="{x}" y2="{y}" stroke="{SOFT}" stroke-dasharray="3 4"/>',
            f'<circle cx="{fx}" cy="{fy}" r="7" fill="none" stroke="{FOOT}" stroke-width="3"/>',
            text(fx, fy - 13, "foot of the normal", FOOT, weight="600"),
        ]
    return parts


def axes(convention: Convention) -> list[str]:
    """Where the numbers start, which way they grow, and what they are."""
    ox, oy = place(*convention.origin)
    parts = []
    for (label, (dx, dy)), across in ((convention.first, True), (convention.second, False)):
        reach = (COLUMNS + 0.5 if across else ROWS + 0.4) * SIDE
        end = (ox + dx * reach, oy + dy * reach)
        parts.append(arrow((ox, oy), end, ORIGIN))
        beyond = (end[0] + 8, oy + 5) if across else (end[0], end[1] + (18 if dy > 0 else -8))
        parts.append(text(*beyond, label, ORIGIN, "start" if across else "middle", weight="600"))
        for number in convention.counts:
            x, y = ox + number * SIDE * dx, oy + number * SIDE * dy
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{ORIGIN}"/>')
            at = (x, y - 8) if across else (x - 9, y + 5)
            if number or across:
                parts.append(text(*at, str(number), ORIGIN, "middle" if across else "end", 12))
    parts.append(f'<circle cx="{ox:.1f}" cy="{oy:.1f}" r="6" fill="{ORIGIN}"/>')
    if convention.doubt is not None:
        dx, dy = place(*convention.doubt)
        parts.append(
            f'<circle cx="{dx:.1f}" cy="{dy:.1f}" r="6" fill="#ffffff" stroke="{ORIGIN}" stroke-width="2" '
            'stroke-dasharray="3 2"/>'
        )
        parts.append(text(dx + 10, dy + 5, "or here?", ORIGIN, "start", 12))
    return parts


def corner(convention: Convention) -> list[str]:
    """The arrow to the first pixel's outer corner, for formats that say where that is."""
    if not convention.corner:
        return []
    start, end = place(*BEAM_AT), place(0, 0)
    return [
        arrow(start, (end[0] + 6, end[1] + 4), FOOT, dashed=True),
        text(*place(2.0, 0.72), convention.corner, FOOT, "start", weight="600"),
    ]


def picture(convention: Convention) -> str:
    """The SVG of one convention."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif">',
        f"<title>{escape(convention.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(14, 24, convention.title, INK, "start", 15, "600"),
        *pixels(),
        *corner(convention),
        *axes(convention),
        *points(convention),
        text(14, HEIGHT - 16, convention.formula, SOFT, "start", 12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def side_view() -> str:
    """Sample, beam and a tilted detector from the side: beam center and foot of the normal."""
    width, height = 620, 370
    sample, hit = (70.0, 240.0), (410.0, 240.0)
    tilt = math.radians(24)
    # Along the detector, downwards in the picture; the lower edge is further from the sample.
    along = (math.sin(tilt), math.cos(tilt))
    normal = (math.cos(tilt), -math.sin(tilt))
    distance = (hit[0] - sample[0]) * normal[0]
    foot = (sample[0] + distance * normal[0], sample[1] + distance * normal[1])
    ends = [(hit[0] + along[0] * s, hit[1] + along[1] * s) for s in (-175, 80)]
    square = [
        (foot[0] - 12 * normal[0], foot[1] - 12 * normal[1]),
        (foot[0] - 12 * normal[0] + 12 * along[0], foot[1] - 12 * normal[1] + 12 * along[1]),
        (foot[0] + 12 * along[0], foot[1] + 12 * along[1]),
    ]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in square)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif">',
        "<title>Beam center and foot of the normal</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(14, 24, "Pitch > 0, seen from the side: x points at you, y down", INK, "start", 15, "600"),
        f'<line x1="{ends[0][0]:.1f}" y1="{ends[0][1]:.1f}" x2="{ends[1][0]:.1f}" y2="{ends[1][1]:.1f}" '
        f'stroke="{INK}" stroke-width="5"/>',
        arrow((14, sample[1]), (width - 20, sample[1]), BEAM),
        text(width - 24, sample[1] - 8, "beam, z", BEAM, "end"),
        f'<line x1="{sample[0]}" y1="{sample[1]}" x2="{foot[0]:.1f}" y2="{foot[1]:.1f}" stroke="{FOOT}" '
        'stroke-width="2" stroke-dasharray="6 4"/>',
        f'<polyline points="{corners}" fill="none" stroke="{FOOT}"/>',
        f'<circle cx="{sample[0]}" cy="{sample[1]}" r="8" fill="{INK}"/>',
        text(sample[0], sample[1] + 26, "sample"),
        f'<circle cx="{hit[0]}" cy="{hit[1]}" r="7" fill="{BEAM}"/>',
        text(hit[0] + 12, hit[1] + 24, "beam center", BEAM, "start", weight="600"),
        text((sample[0] + hit[0]) / 2 + 20, sample[1] + 20, "distance (xgeom)", BEAM),
        f'<circle cx="{foot[0]:.1f}" cy="{foot[1]:.1f}" r="7" fill="#ffffff" stroke="{FOOT}" '
        'stroke-width="3"/>',
        text(foot[0] + 14, foot[1] - 6, "foot of the normal", FOOT, "start", weight="600"),
        text(foot[0] + 14, foot[1] + 11, "(PONI, ORGX/ORGY)", FOOT, "start", 12),
        text(178, 150, "distance (pyFAI, XDS)", FOOT),
        text(ends[1][0] + 10, ends[1][1] - 2, "lower edge, y grows", INK, "start", 12),
        text(
            14,
            height - 16,
            "250 mm and 1 degree: 25 pixels of 172 um between the two points",
            SOFT,
            "start",
            12,
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw(folder: Path) -> list[Path]:
    """Write all pictures; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {"foot": side_view()} | {c.name: picture(c) for c in CONVENTIONS}
    paths = []
    for name, svg in drawn.items():
        path = folder / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(written)

"""What is said of other programs' geometries: tooltips, notes, likely causes. Knows no widget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from xgeom_core.compare.confusions import Claim
from xgeom_core.compare.convention_diagnosis import explain
from xgeom_core.metadata import Metadata
from xgeom_gui.state.centers import NAMES, Center
from xgeom_gui.state.formatting import CenterRow, signed
from xgeom_gui.state.geometry_tracks import Compared, Size

_MEASURED = {NAMES[source] for source in ("truth", "network", "fit")}
_AGREEING_PX, _MUCH_BETTER = 0.1, 0.1


def row_tip(row: CenterRow) -> str:
    """Everything about a line of the table, as rich text (which Qt wraps)."""
    center, estimate = row.center, row.center.estimate
    title = f"<b>{escape(center.name)}</b>"
    blocks = [f"{title} (the reference of the differences)" if row.is_reference else title]
    if row.difference_px is not None:
        dx, dy = row.difference_px
        blocks.append(f"Difference to the reference: x {signed(dx)} px, y {signed(dy)} px")
    if center.compared is not None:
        blocks += _file_blocks(center.compared)
    if estimate.convention:
        blocks.append(f"As the source states it: {escape(estimate.convention)}")
    if estimate.reason:
        blocks.append(escape(estimate.reason))
    if center.compared is None:
        blocks += [escape(warning) for warning in estimate.warnings]
    blocks.append("<i>Double-click zooms to it; right-click for more.</i>")
    return "".join(f"<p style='margin: 2px 0'>{block}</p>" for block in blocks)


def _file_blocks(compared: Compared) -> Iterator[str]:
    reading = compared.reading
    where = f", {reading.where}" if reading.where else ""
    panels = f", {reading.panels} panels moved as one" if reading.panels > 1 else ""
    yield escape(f"{Path(reading.path).name}{where}{panels}")
    if reading.native:
        rows = "".join(
            f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>"
            for name, value in reading.native.items()
        )
        yield f"<table>{rows}</table>"
    known = [
        f"{value:.6g} {unit}"
        for value, unit in ((reading.distance_mm, "mm along the beam"), (reading.wavelength_A, "Å"))
        if value is not None
    ]
    if known:
        yield escape(", ".join(known))
    if compared.choice is not None:
        yield f"Read as: {escape(compared.choice)}"
    elif compared.ambiguous:
        yield "Its convention is ambiguous: right-click, “Read as”, or press R."


def notes_of(centers: Sequence[Center]) -> list[str]:
    """Warnings of every source; those of other programs under their name."""
    notes: list[str] = []
    for center in centers:
        named = f"{center.name}: " if center.compared is not None else ""
        notes += [f"{named}{warning}" for warning in center.estimate.warnings]
    return notes


def causes_of(rows: Sequence[CenterRow], frame: Metadata, size: Size | None) -> list[str]:
    """Why other programs' centers may differ from the reference, where a known confusion explains it."""
    reference = next((row.center for row in rows if row.is_reference), None)
    # What is unsure of itself explains nothing.
    if reference is None or reference.estimate.status != "ok":
        return []
    causes: list[str] = []
    for center in (row.center for row in rows):
        if center.compared is not None and center != reference:
            found = explain(_claim(center, frame), _claim(reference, frame), size)
            # Network and fit look at the picture: they confuse no conventions. The likeliest comes first.
            causes += [finding.sentence for finding in found if finding.wrong not in _MEASURED][:1]
            better = better_reading(center, reference)
            causes += [better[1]] if better else []
    return causes


def better_reading(center: Center, reference: Center) -> tuple[str, str] | None:
    """Which other reading of an ambiguous convention agrees with the reference: its name, and a sentence."""
    compared = center.compared
    if compared is None or not compared.ambiguous:
        return None
    stated = compared.reading.estimate.center_px
    now = math.dist(compared.estimate.center_px, reference.estimate.center_px)
    best = min(
        compared.options, key=lambda one: math.dist(one.center_or(stated), reference.estimate.center_px)
    )
    then = math.dist(best.center_or(stated), reference.estimate.center_px)
    if now > _AGREEING_PX and then < _MUCH_BETTER * now:
        return best.name, (
            f"{compared.name} is ambiguous: read as “{best.name}” it agrees with {reference.name} "
            f"to {then:.2f} px instead of {now:.2f} px."
        )
    return None


def _claim(center: Center, frame: Metadata) -> Claim:
    known = center.metadata(frame)
    return Claim.of(center.estimate, known.distance_mm, known.pixel_mm, source=center.name)

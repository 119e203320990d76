"""Many frames, many sources: differences to a reference in px and mm, and what explains them.

A source is a header, the network, the fit or one reading of another program's file. Nothing here opens
files or predicts: the command line and the window assemble :class:`FrameEntry` objects and pass them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xgeom_core.compare.confusions import Claim, Point
from xgeom_core.compare.convention_diagnosis import Finding, explain_frames
from xgeom_core.compare.sources import FrameEntry
from xgeom_core.errors import UsageError

# Whom to believe first where the user does not say: what is known, then other programs (the others are
# asked for in order to be compared with them), then the fit, the network and the header.
_ORDER = ("truth", "", "fit", "network", "header")


@dataclass(frozen=True)
class Row:
    """One source on one frame, set against the reference.

    Parameters
    ----------
    frame, label, source
        Which frame, which file, who says so.
    center_px, sigma_px : tuple of float
        ``(x, y)`` and its standard deviation, None where not stated.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)``.
    difference_px, difference_mm : tuple of float or None
        Source minus reference; None where the reference is silent or, for mm, the pixel size unknown.
    combined_sigma_px : tuple of float or None
        Standard deviations of both added in squares; of one alone where the other states none.
    tilt_difference_deg : tuple of float or None
        Source minus reference.
    """

    frame: int
    label: str
    source: str
    center_px: Point
    sigma_px: Point | None
    tilt_deg: Point | None
    difference_px: Point | None
    difference_mm: Point | None
    combined_sigma_px: Point | None
    tilt_difference_deg: Point | None


@dataclass(frozen=True)
class Summary:
    """One source over all frames.

    Parameters
    ----------
    source : str
        Who.
    frames : int
        Frames on which both the source and the reference speak.
    median_px, scatter_px : tuple of float or None
        Median difference to the reference along x and y and its scatter (1.48 times the median absolute
        deviation).
    median_mm : tuple of float or None
        The same in mm.
    findings : tuple of Finding
        What may explain the difference.
    """

    source: str
    frames: int
    median_px: Point | None
    scatter_px: Point | None
    median_mm: Point | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that the table, the plots and the report show."""

    reference: str
    sources: tuple[str, ...]
    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, source by source."""
        return tuple(finding for summary in self.summaries for finding in summary.findings)


def compare(frames: Sequence[FrameEntry], reference: str | None = None) -> Comparison:
    """Set every source against a reference, frame by frame.

    Parameters
    ----------
    frames : sequence of FrameEntry
        The frames.
    reference : str, optional
        Name of the source to compare with; by default what is known to be true, else another program,
        else the fit, the network, the header.

    Raises
    ------
    UsageError
        If no source speaks of any frame, or the reference is none of the sources.
    """
    sources = tuple(dict.fromkeys(claim.source for frame in frames for claim in frame.claims))
    if not sources:
        raise UsageError("there is nothing to compare: no source states a beam center for these frames.")
    chosen = _wanted(sources, reference) if reference is not None else _default(sources, frames)
    rows = tuple(_row(frame, claim, frame.claim(chosen)) for frame in frames for claim in frame.claims)
    summaries = tuple(_summary(source, chosen, frames, rows) for source in sources if source != chosen)
    return Comparison(chosen, sources, rows, summaries)


def _wanted(sources: Sequence[str], wanted: str) -> str:
    for source in sources:
        if source.lower() == wanted.lower():
            return source
    raise UsageError(f"--reference {wanted!r} is none of the sources here: {', '.join(sources)}.")


def _default(sources: Sequence[str], frames: Sequence[FrameEntry]) -> str:
    """What is known to be true, else another program, else the fit, the network, the header.

    A file can hold several experiments of which only one is this frame's: among programs' sources the
    one nearest to what the frame itself says comes first.
    """
    witness = next((name for name in ("fit", "header", "network") if name in sources), None)

    def rank(source: str) -> tuple[int, float]:
        place = _ORDER.index(source) if source in _ORDER else _ORDER.index("")
        return place, _apart(source, witness, frames)

    return min(sources, key=rank)


def _apart(source: str, witness: str | None, frames: Sequence[FrameEntry]) -> float:
    """Median distance in px between two sources; 0 where they never meet."""
    pairs = [(frame.claim(source), frame.claim(witness)) for frame in frames] if witness else []
    apart = [np.hypot(*_minus(a.center_px, b.center_px)) for a, b in pairs if a is not None and b is not None]
    return float(np.median(apart)) if apart else 0.0


def _row(frame: FrameEntry, claim: Claim, reference: Claim | None) -> Row:
    difference = mm = sigma = tilt = None
    if reference is not None:
        difference = _minus(claim.center_px, reference.center_px)
        sigma = _combined(claim.sigma_px, reference.sigma_px)
        if frame.pixel_mm is not None:
            mm = (difference[0] * frame.pixel_mm[0], difference[1] * frame.pixel_mm[1])
        if claim.tilt_deg is not None and reference.tilt_deg is not None:
            tilt = _minus(claim.tilt_deg, reference.tilt_deg)
    return Row(
        frame.index,
        frame.label,
        claim.source,
        claim.center_px,
        claim.sigma_px,
        claim.tilt_deg,
        difference,
        mm,
        sigma,
        tilt,
    )


def _minus(a: Point, b: Point) -> Point:
    return (a[0] - b[0], a[1] - b[1])


def _combined(a: Point | None, b: Point | None) -> Point | None:
    if a is None and b is None:
        return None
    (ax, ay), (bx, by) = a or (0.0, 0.0), b or (0.0, 0.0)
    return float(np.hypot(ax, bx)), float(np.hypot(ay, by))


def _summary(source: str, reference: str, frames: Sequence[FrameEntry], rows: Sequence[Row]) -> Summary:
    own = [row for row in rows if row.source == source]
    differences = np.array([row.difference_px for row in own if row.difference_px is not None])
    if not len(differences):
        return Summary(source, 0, None, None, None, ())
    median = np.median(differences, axis=0)
    scatter = 1.4826 * np.median(np.abs(differences - median), axis=0)
    in_mm = [row.difference_mm for row in own if row.difference_mm is not None]
    mm = _pair(np.median(np.array(in_mm), axis=0)) if in_mm else None
    findings = _findings(source, reference, frames)
    return Summary(source, len(differences), _pair(median), _pair(scatter), mm, findings)


def _pair(values: Sequence[float] | np.ndarray) -> Point:
    return float(values[0]), float(values[1])


def _findings(source: str, reference: str, frames: Sequence[FrameEntry]) -> tuple[Finding, ...]:
    if source == "network":
        return ()  # rough by nature: its error has no convention behind it
    if source == "fit":
        # A fit reads the pixels themselves: if a convention was misread, it was the other's.
        return _findings_of(reference, source, frames)
    return _findings_of(source, reference, frames)


def _findings_of(source: str, reference: str, frames: Sequence[FrameEntry]) -> tuple[Finding, ...]:
    pairs: list[tuple[Claim, Claim]] = []
    sizes = set()
    for frame in frames:
        a, b = frame.claim(source), frame.claim(reference)
        if a is not None and b is not None:
            pairs.append((a, b))
            sizes.add(frame.image_size)
    # Flips over frames of different sizes would be different confusions.
    size = sizes.pop() if len(sizes) == 1 else None
    return (*explain_frames(pairs, size), *_other_readings(source, reference, frames))


def _other_readings(source: str, reference: str, frames: Sequence[FrameEntry]) -> tuple[Finding, ...]:
    """Readings of an ambiguous convention that agree with the reference where the usual one does not."""
    offered: dict[str, list[tuple[float, float]]] = {}
    for frame in frames:
        claim, other = frame.claim(source), frame.claim(reference)
        for name, words, center in frame.choices:
            if name == source and claim is not None and other is not None:
                now = float(np.hypot(*_minus(claim.center_px, other.center_px)))
                then = float(np.hypot(*_minus(center, other.center_px)))
                offered.setdefault(words, []).append((now, then))
    findings = []
    for words, pairs in offered.items():
        now, then = np.median(np.array(pairs), axis=0)
        if now > 0.1 and then < 0.1 * now:
            sentence = (
                f"{source} is ambiguous: read as {words!r} it agrees with {reference} to {then:.2g} px "
                f"instead of {now:.2g} px."
            )
            findings.append(
                Finding("ambiguous convention", sentence, source, reference, float(then), bool(then < 0.012))
            )
    return tuple(findings)

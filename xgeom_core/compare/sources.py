"""The sources of a comparison: readings of other programs' files under names, matched to frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgeom_core.compare.confusions import Claim, Point, Size
from xgeom_core.formats.reading import Reading

# Names that a frame's own sources bear.
_OWN = ("truth", "header", "network", "fit")


@dataclass(frozen=True)
class NamedReading:
    """A reading under a name that no other source of the comparison bears."""

    name: str
    reading: Reading


@dataclass(frozen=True)
class FrameEntry:
    """What all sources say of one frame.

    Parameters
    ----------
    index : int
        Number of the frame in its file, from 0.
    label : str
        The file, as shown to the user.
    claims : tuple of Claim
        One for each source that speaks of this frame.
    image_size : tuple of int or None
        Pixels ``(fast, slow)``.
    pixel_mm : tuple of float or None
        Pixel size ``(fast, slow)``; differences in mm need it.
    choices : tuple of (str, str, tuple)
        Other readings of ambiguous conventions: source, words, center.
    """

    index: int
    label: str
    claims: tuple[Claim, ...]
    image_size: Size | None = None
    pixel_mm: Point | None = None
    choices: tuple[tuple[str, str, Point], ...] = ()

    def claim(self, source: str) -> Claim | None:
        """What a source says of this frame, if anything."""
        return next((claim for claim in self.claims if claim.source == source), None)


class Readings:
    """The readings of several files, found by frame.

    Parameters
    ----------
    files : sequence of sequence of Reading
        What :func:`xgeom_core.formats.registry.read_geometry` gave for each file.
    frames_file : str
        The file of frames that is meant, for tables and streams that speak of several; "" if unknown.

    Notes
    -----
    Names are as short as they can be told apart. Readings of single frames (``Reading.frame``) of one file
    share a name: they are one source. Every other reading is a source of its own that speaks of all frames.

    A table of several files of frames is matched by the name of the file; if it names several and none of
    them is meant, frame numbers alone would match the wrong ones, so it is left out and `notes` says so.
    """

    def __init__(self, files: Sequence[Sequence[Reading]], frames_file: str = "") -> None:
        notes: list[str] = []
        groups = [group for readings in files for group in _groups(_meant(readings, frames_file, notes))]
        self.notes = tuple(notes)
        names = _distinct([(name, members[0].path) for name, members in groups])
        self._everywhere: list[NamedReading] = []
        self._by_frame: dict[int, list[NamedReading]] = {}
        for name, (_, members) in zip(names, groups, strict=True):
            for reading in members:
                where = (
                    self._everywhere
                    if reading.frame is None
                    else self._by_frame.setdefault(reading.frame, [])
                )
                where.append(NamedReading(name, reading))
        self.names = tuple(names)

    def of_frame(self, index: int) -> list[NamedReading]:
        """The readings that speak of a frame: those of all frames, and those of this one."""
        return [*self._everywhere, *self._by_frame.get(index, [])]


def _meant(readings: Sequence[Reading], frames_file: str, notes: list[str]) -> list[Reading]:
    """Without the readings that speak of frames of another file, or of another sweep."""
    about = [reading for reading in readings if reading.is_about(frames_file)]
    if about:
        return about
    named = {_base(_image(reading)) for reading in readings if reading.frame is not None} - {""}
    ours = _base(frames_file)
    if len(named) < 2 or not ours:
        return list(readings)
    if ours not in named:
        notes.append(
            f"{readings[0].path} speaks of {len(named)} files of frames and not of {ours}; it was left out."
        )
    return [reading for reading in readings if reading.frame is None or _base(_image(reading)) == ours]


def _image(reading: Reading) -> str:
    """The file of frames that a reading names; "" if none."""
    name = reading.where.partition(" //")[0].strip()
    return name if Path(name).suffix else ""


def _base(path: str) -> str:
    return path.partition("::")[0].replace("\\", "/").rpartition("/")[2]


def _groups(readings: Sequence[Reading]) -> list[tuple[str, list[Reading]]]:
    """The sources of one file, each with its readings."""
    whole = [reading for reading in readings if reading.frame is None]
    groups: list[tuple[str, list[Reading]]] = []
    for reading in whole:
        where = f" {reading.where}" if len(whole) > 1 and reading.where else ""
        groups.append((reading.estimate.source + where, [reading]))
    by_frame: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.frame is not None:
            by_frame.setdefault(reading.estimate.source, []).append(reading)
    return [*groups, *by_frame.items()]


def _distinct(names: Sequence[tuple[str, str]]) -> list[str]:
    """Names made distinct by their file, and by a number where that is not enough."""
    plain = [name for name, _ in names]
    out: list[str] = []
    for name, path in names:
        wanted = name if plain.count(name) == 1 and name not in _OWN else f"{name} ({_base(path)})"
        number = 2
        unique = wanted
        while unique in out:
            unique, number = f"{wanted} {number}", number + 1
        out.append(unique)
    return out


def frame_entry(
    index: int,
    label: str,
    own: Iterable[Claim],
    readings: Iterable[NamedReading],
    image_size: Size | None = None,
    pixel_mm: Point | None = None,
) -> FrameEntry:
    """What all sources say of a frame: the given claims, and the readings that speak of it."""
    claims = {claim.source: claim for claim in own}
    choices: list[tuple[str, str, Point]] = []
    for named in readings:
        reading = named.reading
        if reading.estimate.status == "failed" or named.name in claims:
            continue
        claims[named.name] = Claim.of(reading.estimate, reading.distance_mm, reading.pixel_mm, named.name)
        stated = reading.estimate.center_px
        choices += [(named.name, choice.name, choice.center_or(stated)) for choice in reading.choices]
        pixel_mm = pixel_mm or reading.pixel_mm
        image_size = image_size or reading.image_size
    return FrameEntry(index, label, tuple(claims.values()), image_size, pixel_mm, tuple(choices))

"""Other programs' geometries sorted by file, part and frame, with names, and how each is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Reading
from xgeom_core.metadata import Choice
from xgeom_gui.look.marker_styles import SourceStyle

Size = tuple[int, int]
Key = tuple[str, str, int]

MOST_PER_FILE = 12
"""More geometries of one file than this are no longer told apart by eye."""

USUAL = "the usual way"


@dataclass(frozen=True, eq=False)
class Track:
    """One line of the table over the frames: one experiment of a file, or a column of frames.

    Parameters
    ----------
    path, program, where : str
        File, source of its readings, and which part of the file; "" where there is one part only.
    number : int
        Position among the parts of the file.
    readings : mapping
        By frame number; under None what holds for every frame.
    """

    path: str
    program: str
    where: str
    number: int
    readings: Mapping[int | None, Reading]

    @property
    def key(self) -> Key:
        """What stays the same when the file is read again."""
        return self.path, f"{self.program} {self.where}", self.number

    def at(self, frame: int) -> Reading | None:
        """What it says of a frame."""
        return self.readings.get(frame, self.readings.get(None))

    def fits(self, size: Size | None) -> bool:
        """Whether any of its readings is for images of this size ``(fast, slow)``."""
        return any(fits(reading, size) for reading in self.readings.values())


@dataclass(frozen=True, eq=False)
class Compared:
    """A geometry of another program, as it is read at present.

    Parameters
    ----------
    name : str
        Program and part, unique: ``"DIALS (experiment 3)"``.
    style : SourceStyle
        How it is marked.
    reading : Reading
        What the file says.
    choice : str or None
        Name of the reading that the user chose where the convention is ambiguous; None before that.
    """

    name: str
    style: SourceStyle
    reading: Reading
    choice: str | None = None

    @property
    def options(self) -> tuple[Choice, ...]:
        """Every way to read it, the usual one first; empty where there is no doubt."""
        choices, usual = self.reading.choices, self.reading.estimate.center_px
        # Some readers list the usual way themselves.
        if not choices or any(choice.center_px == usual for choice in choices):
            return choices
        return (Choice(USUAL, usual), *choices)

    @property
    def ambiguous(self) -> bool:
        """Whether the user has a choice that was not made yet."""
        return bool(self.reading.choices) and self.choice is None

    @cached_property
    def estimate(self) -> Estimate:
        """The center as it is read, under its own name."""
        chosen = next((option for option in self.options if option.name == self.choice), None)
        stated = self.reading.estimate
        if chosen is None or chosen.name == USUAL:
            return replace(stated, source=self.name)
        return replace(self.reading.read_as(chosen).estimate, source=self.name, convention=stated.convention)


def fits(reading: Reading, size: Size | None) -> bool:
    """Whether a reading may belong to images of this size; what is unknown fits."""
    return size is None or reading.image_size is None or tuple(reading.image_size) == tuple(size)


def tracks_of(path: str, readings: Iterable[Reading]) -> tuple[Track, ...]:
    """Sort the readings of a file: those with frame numbers into tracks, each other one by itself."""
    single: list[Track] = []
    framed: dict[tuple[str, int], dict[int | None, Reading]] = {}
    for reading in readings:
        program = reading.estimate.source
        if reading.frame is None:
            single.append(Track(path, program, reading.where, len(single), {None: reading}))
            continue
        # Several of one source on one frame (crystals, say) are tracks of their own.
        number = 0
        while reading.frame in framed.setdefault((program, number), {}):
            number += 1
        framed[program, number][reading.frame] = reading
    tracks = [
        Track(path, program, str(number + 1) if number else "", number, by_frame)
        for (program, number), by_frame in framed.items()
    ]
    return (*single, *tracks)


def names_of(tracks: Sequence[Track]) -> tuple[str, ...]:
    """A name for each track: program and part, with the file's name where that is not enough."""
    plain = [_name(track.program, track.where) for track in tracks]
    names: list[str] = []
    for track, name in zip(tracks, plain, strict=True):
        unique = name
        if plain.count(name) > 1:
            unique = _name(track.program, Path(track.path).name, track.where)
        count, tried = 1, unique
        while tried in names:
            count += 1
            tried = f"{unique} {count}"
        names.append(tried)
    return tuple(names)


def _name(program: str, *parts: str) -> str:
    where = ", ".join(part for part in parts if part)
    return f"{program} ({where})" if where else program

"""What other programs' files say beside the open frame: files, choices, what is hidden or removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Reading
from xgeom_core.metadata import Choice
from xgeom_gui.look.marker_styles import SourceStyle, assign_styles

Size = tuple[int, int]
_Key = tuple[str, str, int]

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
    def key(self) -> _Key:
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


class ExternalGeometries(QObject):
    """Geometry files beside the open frame, and what the user decided about them.

    Signals
    -------
    changed
        Other centers, or other places or marks of them.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._files: dict[str, tuple[Track, ...]] = {}
        # Of the frame that a file was added beside: many do not say which detector they are for.
        self._sizes: dict[str, Size] = {}
        self._removed: set[_Key] = set()
        self._choices: dict[str, str] = {}
        # What one kind of evidence says by itself lies under the answer: it is there to be switched on.
        self._hidden: set[str] = {"background", "lattice"}
        self._reference = ""
        self._rows: tuple[tuple[str, SourceStyle, Track], ...] = ()
        self._made: dict[tuple[str, int], Compared] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """The files, in the order in which they were added."""
        return tuple(self._files)

    @property
    def reference(self) -> str:
        """Source that the user measures differences from; "" for the best answer."""
        return self._reference

    def tracks(self, path: str) -> tuple[Track, ...]:
        """What is shown of a file, on one frame or another."""
        return tuple(track for track in self._files.get(path, ()) if track.key not in self._removed)

    def name_of(self, track: Track) -> str:
        """The name of a track."""
        return next(name for name, _, one in self._rows if one is track)

    def shown(self, frame: int, size: Size | None) -> tuple[Compared, ...]:
        """What the files say of a frame (counted from 0) of a size ``(fast, slow)``."""
        return tuple(one for one, theirs in self._said(frame) if None in {size, theirs} or theirs == size)

    def misfits(self, frame: int, size: Size | None) -> tuple[tuple[Compared, Size], ...]:
        """What the files say of detectors of other sizes, and of which."""
        said = ((one, theirs) for one, theirs in self._said(frame) if theirs is not None)
        return tuple((one, theirs) for one, theirs in said if size not in {None, theirs})

    def size_of(self, path: str) -> Size | None:
        """Pixels ``(fast, slow)`` of the frame that a file was added beside."""
        return self._sizes.get(path)

    def _said(self, frame: int) -> Iterator[tuple[Compared, Size | None]]:
        """Everything that is said of a frame of this number, and for which size."""
        for name, style, track in self._rows:
            reading = track.at(frame)
            if reading is not None:
                # The same object each time, so that views notice what did not change.
                key = (name, id(reading))
                if key not in self._made:
                    self._made[key] = Compared(name, style, reading, self._choices.get(track.path))
                yield self._made[key], reading.image_size or self._sizes.get(track.path)

    def is_hidden(self, source: str) -> bool:
        """Whether the mark of a source is left away."""
        return source in self._hidden

    def add(self, path: str) -> None:
        """A file is wanted; adding it again brings back what was removed of it."""
        self._removed = {key for key in self._removed if key[0] != path}
        self._files.setdefault(path, ())
        self._renew()

    def set_readings(self, path: str, readings: Sequence[Reading], size: Size | None = None) -> None:
        """A file was read beside a frame of this size; one that was removed in the meantime stays so."""
        if path in self._files:
            if size is not None:
                self._sizes.setdefault(path, size)
            self._files[path] = tracks_of(path, readings)[:MOST_PER_FILE]
            self._renew()

    def discard(self, path: str) -> None:
        """Forget a file."""
        if path in self._files:
            del self._files[path]
            self._sizes.pop(path, None)
            self._choices.pop(path, None)
            self._renew()

    def remove(self, name: str) -> bool:
        """Remove one source, and its file with its last one; False if no file holds a source so named."""
        track = next((track for one, _, track in self._rows if one == name), None)
        if track is None:
            return False
        self._removed.add(track.key)
        self._hidden.discard(name)
        if self.tracks(track.path):
            self._renew()
        else:
            self.discard(track.path)
        return True

    def set_hidden(self, source: str, hidden: bool) -> None:
        """Leave a mark away, or show it again."""
        if hidden != self.is_hidden(source):
            (self._hidden.add if hidden else self._hidden.discard)(source)
            self.changed.emit()

    def read_as(self, name: str, choice: str) -> None:
        """Read a source's file another way; all its geometries and frames share the convention."""
        track = next(track for one, _, track in self._rows if one == name)
        self._choices[track.path] = choice
        self._renew()

    def measure_from(self, source: str) -> None:
        """Refer differences to a source; "" for the best answer."""
        if source != self._reference:
            self._reference = source
            self.changed.emit()

    def state(self) -> dict[str, Any]:
        """What the user decided, as plain values for a session file."""
        return {
            "hidden": sorted(self._hidden),
            "reference": self._reference,
            "choices": dict(self._choices),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._hidden = {str(source) for source in state.get("hidden", ())}
        self._reference = str(state.get("reference", ""))
        self._choices |= {str(path): str(choice) for path, choice in dict(state.get("choices", {})).items()}
        self._renew()

    def _renew(self) -> None:
        tracks = [track for path in self._files for track in self.tracks(path)]
        styles = assign_styles([track.program for track in tracks])
        self._rows = tuple(zip(names_of(tracks), styles, tracks, strict=True))
        self._made = {}
        self.changed.emit()

"""What other programs' files say beside the open frame: files, choices, what is hidden or removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from xgeom_core.formats.reading import Reading
from xgeom_gui.look.marker_styles import SourceStyle, assign_styles
from xgeom_gui.state.geometry_tracks import MOST_PER_FILE, Compared, Key, Size, Track, names_of, tracks_of


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
        self._removed: set[Key] = set()
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

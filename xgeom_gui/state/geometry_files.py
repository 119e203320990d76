"""Files that come in beside the open frame: sorts them, has them read, and judges whether they fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from xgeom_core.formats.reading import Hints, Reading
from xgeom_gui.services.geometry_reader import GeometryReader, GeometryRequest
from xgeom_gui.services.locations import RUN_SEPARATOR
from xgeom_gui.state.geometry_tracks import MOST_PER_FILE, Size, Track, fits
from xgeom_gui.state.session import Session

_NAMED = 3


def hints_of(session: Session) -> Hints:
    """What the open frame, and the user, know that a geometry file may leave out."""
    metadata = session.metadata
    return Hints(metadata.pixel_mm, session.image_size, metadata.distance_mm, metadata.wavelength_A)


class FileDesk(QObject):
    """Takes files of any kind; keeps the comparison's readings in step with the open frame.

    Parameters
    ----------
    session : Session
    reader : GeometryReader
    """

    def __init__(self, session: Session, reader: GeometryReader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._external, self._reader = session, session.external, reader
        reader.setParent(self)
        self._asked: dict[str, GeometryRequest] = {}
        self._serial = 0
        # Files added but not yet judged, with what was read: that takes the frame they are meant for.
        self._fresh: dict[str, Sequence[Reading]] = {}
        self._frames: list[str] = []
        self._known_from: tuple[Hints, int] | None = None
        session.frame_changed.connect(self._on_frame)
        session.metadata_changed.connect(self._keep_up)
        reader.done.connect(self._on_done)
        reader.is_frames.connect(self._on_frames)
        reader.assembles.connect(self._on_assembles)
        reader.failed.connect(self._on_failed)

    def take(self, paths: Iterable[str]) -> None:
        """Open the frames among these, several files as one run; compare with every geometry."""
        self._frames = []
        for path in paths:
            self._ask(path, either=True)

    def add(self, paths: Iterable[str]) -> None:
        """Compare with the geometry of these files, images included."""
        for path in paths:
            self._welcome(path)
            # Without a frame there are no hints, and what a file leaves out would be an error.
            if self._session.frame is not None:
                self._ask(path)
        self._settle()

    def shutdown(self, wait_ms: int) -> bool:
        """Stop the thread; whether it has ended in time."""
        return self._reader.shutdown(wait_ms)

    def _welcome(self, path: str) -> None:
        self._fresh[path] = ()
        self._external.add(path)

    def _ask(self, path: str, *, either: bool = False) -> None:
        self._serial += 1
        look_only = self._session.frame is None
        frames = self._open_frames() if either else ""
        request = GeometryRequest(path, hints_of(self._session), either, look_only, self._serial, frames)
        self._asked[path] = request
        self._session.set_activity(f"reading {Path(path).name}…", "files")
        self._reader.submit(request)

    def _open_frames(self) -> str:
        """The one file that is open, or that could not be opened without its geometry file; "" for a run."""
        source = self._session.source
        spec = source.spec if source is not None else self._session.refused
        return "" if RUN_SEPARATOR in spec else spec

    def _answered(self, request: GeometryRequest) -> bool:
        """Whether an answer is to what was asked last of its file."""
        current = self._asked.get(request.path) == request
        if current:
            del self._asked[request.path]
        return current

    def _settle(self) -> None:
        """Judge what was added, once nothing is under way that could change the verdict."""
        if self._asked:
            return
        if self._frames:
            frames, self._frames = self._frames, []
            self._session.open(RUN_SEPARATOR.join(frames))
        if self._session.frame is not None and not self._session.opening:
            fresh, self._fresh = self._fresh, {}
            for path, readings in fresh.items():
                self._judge(path, readings)
        elif self._fresh and self._session.wanted is None:
            names = ", ".join(Path(path).name for path in self._fresh)
            self._session.notice(f"Open a frame, and it will be compared with {names}.", "info")
        self._session.set_activity("", "files")

    def _keep_up(self) -> None:
        """Read every file again when what they lean on has changed."""
        key = self._session.prediction_key
        if key is None or self._session.frame is None:
            return
        known_from = (hints_of(self._session), key.generation)
        if known_from != self._known_from:
            self._known_from = known_from
            size = self._session.image_size
            for path in self._external.paths:
                # Beside a frame of another detector a file would be read with that one's pixels.
                if self._external.size_of(path) in {None, size}:
                    self._ask(path)

    def _on_frame(self) -> None:
        self._keep_up()
        self._settle()

    def _on_frames(self, request: GeometryRequest) -> None:
        if self._answered(request):
            self._frames.append(request.path)
        self._settle()

    def _on_assembles(self, request: GeometryRequest, location: str) -> None:
        if self._answered(request):
            self._session.open(location)
            self._session.say(f"The panels are put together by {Path(request.path).name}.")
        self._settle()

    def _on_failed(self, request: GeometryRequest, sentence: str) -> None:
        if self._answered(request):
            if request.path in self._fresh:
                del self._fresh[request.path]
                self._external.discard(request.path)
            # What was read before stays: the file may be in the middle of being written.
            self._session.notice(sentence)
        self._settle()

    def _on_done(self, request: GeometryRequest, readings: Sequence[Reading]) -> None:
        if self._answered(request):
            if request.either:
                self._welcome(request.path)
            if request.path in self._fresh:
                self._fresh[request.path] = readings
            self._external.set_readings(request.path, readings, request.hints.image_size)
            if request.look_only and self._session.frame is not None:
                self._ask(request.path)
        self._settle()

    def _judge(self, path: str, readings: Sequence[Reading]) -> None:
        """Tell the user what became of a file that was added."""
        session, name = self._session, Path(path).name
        size = session.image_size
        if size is None or not readings or path not in self._external.paths:
            return
        if not any(fits(reading, size) for reading in readings):
            self._external.discard(path)
            session.notice(_misfit_text(name, readings, size))
            return
        tracks = [track for track in self._external.tracks(path) if track.fits(size)]
        if len(readings) > len(self._external.tracks(path)) == MOST_PER_FILE:
            text = f"{name} holds {len(readings)} geometries; the first {MOST_PER_FILE} are shown."
            session.notice(text, "info")
        here = [track for track in tracks if track.at(session.index) is not None]
        if here:
            names = [self._external.name_of(track) for track in here]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            session.say(f"Added {', '.join(names[:_NAMED])}{more} from {name}.")
        else:
            session.notice(f"{name} has {_frames_text(tracks)}, but nothing for this one.", "info")


def _misfit_text(name: str, readings: Sequence[Reading], size: Size) -> str:
    sizes = dict.fromkeys(reading.image_size for reading in readings if reading.image_size)
    listed = [f"{fast} × {slow}" for fast, slow in sizes]
    theirs = ", ".join(listed[:_NAMED]) + (" and others" if len(listed) > _NAMED else "")
    return (
        f"{name} is for images of {theirs} px, but this frame has {size[0]} × {size[1]} px; "
        "it is not compared: open a frame of that size first."
    )


def _frames_text(tracks: Sequence[Track]) -> str:
    """``frames 0 to 99``: which frames the tracks speak of."""
    numbers = sorted({frame for track in tracks for frame in track.readings if frame is not None})
    if len(numbers) == 1:
        return f"a center for frame {numbers[0]}"
    return f"centers for frames {numbers[0]} to {numbers[-1]}"

"""The thread that reads other programs' geometry files, and tells them from files of frames."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal

from xgeom_core.errors import UnreadableFileError, XgeomError
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.text import read_head
from xgeom_core.frames.guarded import assembles, format_of, open_frames, read_geometry
from xgeom_core.frames.location import split_geometry, with_geometry
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)

_HDF5 = b"\x89HDF\r\n\x1a\n"
# Formats that hold an image and also say something of its geometry: dropped, they are frames.
_IMAGE_MAGIC = (_HDF5, b"###CBF", b"{\nHEADER_BYTES", b"{\r\nHEADER_BYTES", b"II*\0", b"MM\0*")
_HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi")
_IMAGE_SUFFIXES = (*_HDF5_SUFFIXES, ".cbf", ".tif", ".tiff", ".img", ".mccd", ".sfrm", ".edf")
_PACKED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class GeometryRequest:
    """A file to be read for its geometry.

    Parameters
    ----------
    path : str
        The file.
    hints : Hints
        What is known from the open frame.
    either : bool
        Whether it may be a file of frames, which the thread then only says.
    look_only : bool
        Whether it is enough to know whose file it is.
    serial : int
        Tells two requests for one file apart.
    frames : str
        The open frames, whose panels a geometry file may put together; "" where it is only to be compared.
    """

    path: str
    hints: Hints = Hints()  # noqa: RUF009 (frozen)
    either: bool = False
    look_only: bool = False
    serial: int = 0
    frames: str = ""


def looks_like_frames(path: str, head: bytes) -> bool:
    """Whether name or first bytes are those of a file of images."""
    name = Path(path)
    suffix = Path(name.stem).suffix if name.suffix.lower() in _PACKED else name.suffix
    return suffix.lower() in _IMAGE_SUFFIXES or head.startswith(_IMAGE_MAGIC)


def evident_frames(path: str) -> bool:
    """Whether the name alone says that a file holds frames; HDF5 may as well hold a geometry."""
    suffix = Path(path).suffix.lower()
    return looks_like_frames(path, b"") and suffix not in _HDF5_SUFFIXES


class GeometryReader(LatestThread):
    """Reads geometry files off the window's thread, one after the other.

    Signals
    -------
    done : GeometryRequest, list of Reading
    is_frames : GeometryRequest
        The file holds frames (or claims to), and may be opened as such.
    assembles : GeometryRequest, str
        The file puts the panels of the open frames into one image: where that is opened.
    failed : GeometryRequest, str
        The sentence for the user.
    """

    done = Signal(object, object)
    is_frames = Signal(object)
    assembles = Signal(object, str)
    failed = Signal(object, str)

    def kind(self, request: GeometryRequest) -> Hashable:
        """Requests for different files do not displace each other."""
        return request.path

    def handle(self, request: GeometryRequest) -> None:
        """Read one file; runs in the thread."""
        try:
            known = _format_of(request)
            readings = read_geometry(request.path, request.hints) if known and not request.look_only else []
            assembled = _assembled(request) if known == "crystfel" else ""
        except XgeomError as error:
            self.failed.emit(request, str(error))
        # A fault in a reader must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("reading %s", request)
            self.failed.emit(
                request,
                f"{request.path} could not be read, by a fault of xgeom ({error!r}); please report it.",
            )
        else:
            if not known:
                self.is_frames.emit(request)
            elif assembled:
                self.assembles.emit(request, assembled)
            else:
                self.done.emit(request, readings)


def _format_of(request: GeometryRequest) -> str:
    """Key of the format of a file that is read for its geometry; "" for one of frames.

    Raises
    ------
    XgeomError
        If it is neither a geometry that is known nor, where that is allowed, frames.
    """
    path = Path(request.path)
    if not request.either:
        return format_of(path)
    if path.is_dir():
        return ""
    head = read_head(path)
    if looks_like_frames(request.path, head) and (not head.startswith(_HDF5) or _opens(request.path, True)):
        return ""
    try:
        known = format_of(path)
        return "" if _opens(request.path, False) else known
    except XgeomError:
        # What claims to be frames is told so; anything else may be frames of a rarer kind.
        if looks_like_frames(request.path, head) or _opens(request.path, False):
            return ""
        from xgeom_core.formats.registry import FORMATS  # noqa: PLC0415 - h5py is slow to import

        names = ", ".join(dict.fromkeys(known.name for known in FORMATS))
        raise UnreadableFileError(
            f"{path} holds neither diffraction frames nor a geometry that xgeom reads; "
            f"known are those of {names}."
        ) from None


def _assembled(request: GeometryRequest) -> str:
    """Where the open frames are found put together by a geometry file; "" where it is not for them."""
    if not request.frames or split_geometry(request.frames)[1] == request.path:
        return ""
    location = with_geometry(request.frames, request.path)
    return location if assembles(request.path) and _opens(location, False) else ""


def _opens(path: str, unreadable: bool) -> bool:
    """Whether frames can be read from a file; `unreadable` of one that nothing can be read from."""
    try:
        open_frames(path).close()
    except UnreadableFileError:
        return unreadable
    except XgeomError:
        return False
    return True

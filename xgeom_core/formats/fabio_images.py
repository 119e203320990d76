"""The one door to the fabio library, for formats that it unpacks and for those that nothing else here reads.

fabio raises whatever comes to hand on a damaged file, and reports other damage only in its log. So its log is
listened to, and all its exceptions become errors with a sentence.
"""

from __future__ import annotations

import gzip
import logging
import re
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import edf_header
from xgeom_core.formats.edf_header import check_edf
from xgeom_core.formats.image_readings import HeaderReader, ImageSource
from xgeom_core.formats.text import is_packed, read_head, unpacked_size

KNOWN = (
    "HDF5 (NXmx, Dectris, training files), CBF, TIFF, SMV, MarCCD, Mar345, EDF, Bruker, CrysAlis, R-AXIS, "
    "KappaCCD, SPE, GE"
)

_T = TypeVar("_T")
_DAMAGE = re.compile(r"incomplete|truncated|corrupt|no tiff reader managed", re.IGNORECASE)
_quiet = threading.Lock()


def open_fabio(
    path: str, layout: str = "", headers: HeaderReader = lambda path, hints: [], reader: str = ""
) -> ImageSource:
    """Open a file in one of fabio's formats.

    Parameters
    ----------
    path : str
        The file; fabio tells its format by its first bytes, and whether it is packed by its name.
    layout : str
        Name of the format; by default what fabio calls it.
    headers : callable
        ``headers(path, hints)`` of the format; by default nothing is stated.
    reader : str
        fabio's name of the reader; by default fabio tells by the first bytes and the name.

    Raises
    ------
    UnreadableFileError
        If the file is damaged or of no known format.
    MissingDatasetError
        If it holds something else than grey images.
    """
    with ExitStack() as stack:
        image = _guarded(path, lambda: _open_image(path, reader))
        stack.callback(_close, image)
        first = _guarded(path, lambda: _pixels(image))
        if first is None:
            raise UnreadableFileError(f"{path} is damaged (no image could be read from it): copy it again.")
        if first.ndim != 2 or first.dtype.kind not in "buif" or first.size == 0:
            raise MissingDatasetError(
                f"{path} holds no grey image, but data of shape {first.shape} and type {first.dtype}."
            )
        source = ImageSource(
            path,
            layout or type(image).__name__.removesuffix("Image"),
            headers,
            lambda index: _frame(path, image, index),
            first.shape,
            max(1, int(image.nframes)),
            lambda: _close(image),
        )
        stack.pop_all()
        return source


def _frame(path: str, image: Any, index: int) -> NDArray[Any]:
    raw = _guarded(path, lambda: _pixels(image, index))
    if raw is None:
        raise UnreadableFileError(f"Frame {index} of {path} cannot be read: nothing was found there.")
    return raw


def _open_image(path: str, reader: str) -> Any:
    """fabio's object for the file, its first image read."""
    # Imported here because it takes 0.2 s, which programs that read HDF5 need not wait for.
    import fabio  # noqa: PLC0415

    if Path(path.removesuffix(".gz").removesuffix(".bz2")).suffix.lower() == ".cbf":
        # fabio waits forever for the data of what is called so.
        raise UnreadableFileError(f"{path} is no CBF, whatever its name says: copy it again, or rename it.")
    check_edf(path, read_head(Path(path), edf_header.HEAD_BYTES))
    if is_packed(Path(path)):
        unpacked_size(Path(path))  # fabio pads what ends early in some formats
    return fabio.fabioformats.factory(reader).read(path) if reader else fabio.open(path)


def _pixels(image: Any, index: int = 0) -> NDArray[Any] | None:
    """The pixels of one frame as fabio gives them; None where it gives none."""
    frame = image if index == 0 else image.getframe(index)
    return np.asarray(frame.data) if frame.data is not None else None


def _close(image: Any) -> None:
    with _silence():
        image.close()


def _guarded(path: str, work: Callable[[], _T]) -> _T:
    """Run fabio, quietly, and turn what it raises or logs about damage into an error."""
    with _silence() as log:
        try:
            result = work()
        except (UnreadableFileError, MissingDatasetError):
            raise
        except Exception as error:  # fabio raises anything, from IndexError to AttributeError
            raise UnreadableFileError(_why_unreadable(path, error)) from error
    damage = next((line for line in log if _DAMAGE.search(line)), None)
    if damage is not None:
        raise UnreadableFileError(f"{path} is damaged ({_brief(damage, path)}): copy it again.")
    return result


def _why_unreadable(path: str, error: Exception) -> str:
    if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error) or "decompress" in str(error):
        return f"{path} is damaged (its compressed data end early or are corrupt): copy it again."
    if isinstance(error, MemoryError):
        return f"{path} does not fit into memory."
    if "could not identify" in str(error):
        return f"{path} is of no format that is known here: {KNOWN} were expected."
    reason = _brief(str(error), path)
    return (
        f"{path} cannot be read{f' ({reason})' if reason else ''}: it is damaged, or not in the format "
        f"that its name or first bytes promise ({KNOWN} are known)."
    )


def _brief(message: str, path: str) -> str:
    return " ".join(message.replace(path, "the file").split())[:160].rstrip(" .")


@contextmanager
def _silence() -> Iterator[list[str]]:
    """Collect what fabio logs and drop what it warns, instead of writing on the user's terminal.

    Python's warning filters belong to the whole process, hence the lock.
    """
    lines: list[str] = []
    handler = _Collector(lines)
    logger = logging.getLogger("fabio")
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        propagate, logger.propagate = logger.propagate, False
        logger.addHandler(handler)
        try:
            yield lines
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagate


class _Collector(logging.Handler):
    """Keeps warnings and errors as text."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

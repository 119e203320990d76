"""Formats that the fabio library reads: CBF, TIFF, SMV, MarCCD, EDF, Bruker and others.

fabio raises whatever comes to hand on a damaged file, reports other damage only in its log, and
waits forever for the data of a CBF that ends in its header. So its log is listened to, all its
exceptions become errors with a sentence, and CBF files are checked before it sees them.
"""

from __future__ import annotations

import bz2
import gzip
import io
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
from xgeom_core.formats.image_readings import HeaderReader, ImageSource

KNOWN = "HDF5 (NXmx, Dectris, training files), CBF, TIFF, SMV/IMG, MarCCD, EDF and Bruker"

_T = TypeVar("_T")
_DAMAGE = re.compile(r"incomplete|truncated|corrupt|no tiff reader managed", re.IGNORECASE)
_CBF_STARTER = b"\x0c\x1a\x04\xd5"
_CBF_SECTION = b"--CIF-BINARY-FORMAT-SECTION--"
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
        image = guarded(path, lambda: _open_image(path, reader))
        stack.callback(_close, image)
        first = guarded(path, lambda: _pixels(image))
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
    raw = guarded(path, lambda: _pixels(image, index))
    if raw is None:
        raise UnreadableFileError(f"Frame {index} of {path} cannot be read: nothing was found there.")
    return raw


def _open_image(path: str, reader: str) -> Any:
    """fabio's object for the file, its first image read."""
    # Imported here because it takes 0.2 s, which programs that read HDF5 need not wait for.
    import fabio  # noqa: PLC0415
    import fabio.cbfimage  # noqa: PLC0415
    import fabio.marccdimage  # noqa: PLC0415

    if _is_cbf(path):
        content = _decompressed(path)
        _check_cbf(path, content)
        return fabio.cbfimage.CbfImage().read(io.BytesIO(content), check_MD5=False)
    if _is_packed(path):
        _read_through(path)  # fabio pads what ends early in some formats
    return fabio.fabioformats.factory(reader).read(path) if reader else fabio.open(path)


def _pixels(image: Any, index: int = 0) -> NDArray[Any] | None:
    """The pixels of one frame as fabio gives them; None where it gives none."""
    frame = image if index == 0 else image.getframe(index)
    return np.asarray(frame.data) if frame.data is not None else None


def _close(image: Any) -> None:
    with _silence():
        image.close()


def guarded(path: str, work: Callable[[], _T]) -> _T:
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


def _stream(path: str) -> Any:
    match Path(path).suffix.lower():
        case ".gz":
            return gzip.open(path, "rb")
        case ".bz2":
            return bz2.open(path, "rb")
        case _:
            return Path(path).open("rb")


def _head(path: str, size: int = 16) -> bytes:
    """The first bytes of a file, decompressed by its name as fabio does."""
    with _stream(path) as file:
        return bytes(file.read(size))


def _read_through(path: str) -> None:
    """Decompress a file to its end, so that damage to it is found."""
    with _stream(path) as file:
        while file.read(1 << 20):
            pass


def _decompressed(path: str) -> bytes:
    with _stream(path) as file:
        return bytes(file.read())


def _is_packed(path: str) -> bool:
    return Path(path).suffix.lower() in {".gz", ".bz2"}


def _is_cbf(path: str) -> bool:
    inner = Path(path).stem if _is_packed(path) else path
    return Path(inner).suffix.lower() == ".cbf" or _head(path).startswith(b"###CBF")


def _check_cbf(path: str, content: bytes) -> None:
    """Make sure that a CBF holds the whole of its binary section."""
    section = content.find(_CBF_SECTION)
    start = content.find(_CBF_STARTER, max(section, 0))
    if section < 0 or start < 0:
        what = "it ends within its header" if content.startswith(b"###CBF") else "it has no image data"
        raise UnreadableFileError(f"{path} is not a complete CBF file ({what}): copy it again.")
    stated = re.search(rb"X-Binary-Size:\s*(\d+)", content[section:start])
    found = len(content) - start - len(_CBF_STARTER)
    if stated and found < int(stated.group(1)):
        raise UnreadableFileError(
            f"{path} is truncated: {found} bytes of image data of {int(stated.group(1))}: copy it again."
        )
    scheme = re.search(rb'conversions="?\s*([\w-]+)', content[section:start])
    if scheme and scheme.group(1) != b"x-CBF_BYTE_OFFSET":
        raise UnreadableFileError(
            f"{path} is compressed as {scheme.group(1).decode()}: only x-CBF_BYTE_OFFSET is read; "
            f"convert the file."
        )

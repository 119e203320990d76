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
from xgeom_core.formats import image_headers as headers
from xgeom_core.formats.judging import judged
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frame import Frame

KNOWN = "HDF5 (NXmx, Dectris, training files), CBF, TIFF, SMV/IMG, MarCCD, EDF and Bruker"

_T = TypeVar("_T")
_DAMAGE = re.compile(r"incomplete|truncated|corrupt|no tiff reader managed", re.IGNORECASE)
_CBF_STARTER = b"\x0c\x1a\x04\xd5"
_CBF_SECTION = b"--CIF-BINARY-FORMAT-SECTION--"
_quiet = threading.Lock()


def open_fabio(path: str) -> FabioSource:
    """Open a file in one of fabio's formats.

    Raises
    ------
    UnreadableFileError
        If the file is damaged or of no known format.
    MissingDatasetError
        If it holds something else than grey images.
    """
    with ExitStack() as stack:
        image = _guarded(path, lambda: _open_image(path))
        stack.callback(_close, image)
        contents = _describe(path, image)
        stack.pop_all()
    return FabioSource(contents, image)


def _describe(path: str, image: Any) -> Contents:
    first = _guarded(path, lambda: _pixels(image))
    if first is None:
        raise UnreadableFileError(f"{path} is damaged (no image could be read from it): copy it again.")
    if first.ndim != 2 or first.dtype.kind not in "buif" or first.size == 0:
        raise MissingDatasetError(
            f"{path} holds no grey image, but data of shape {first.shape} and type {first.dtype}."
        )
    kind, fields = type(image).__name__, image.header
    layout, read_header = headers.READERS.get(kind, (kind.removesuffix("Image"), headers.silent))
    # A MarCCD file is a TIFF with its own header inside, which fabio drops.
    own = headers.marccd_fields(_head(path, headers.MAR_START + headers.MAR_BYTES))
    if kind in {"TifImage", "MarccdImage"} and own is not None:
        layout, read_header, fields = "MarCCD", headers.marccd, own
    header = judged([read_header(fields, first.shape)], (first.shape[1], first.shape[0]))
    return Contents(
        path=path,
        layout=layout,
        length=max(1, int(image.nframes)),
        shape=first.shape,
        metadata=header.metadata,
        notes=header.notes,
    )


class FabioSource(FrameSource):
    """Frames of a file that fabio reads."""

    def __init__(self, contents: Contents, image: Any) -> None:
        super().__init__(contents)
        self._image = image

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._image is not None:
            _close(self._image)
        self._image = None

    def _frame(self, index: int) -> Frame:
        if self._image is None:
            raise ValueError("the source is closed")
        raw = _guarded(self.path, lambda: _pixels(self._image, index))
        if raw is None or raw.shape != self.shape:
            found = "none" if raw is None else f"an image of {raw.shape} pixels"
            raise UnreadableFileError(
                f"Frame {index} of {self.path} cannot be read: {self.shape} pixels were expected, "
                f"{found} was found."
            )
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation)
        notes = self._contents.notes
        return Frame(data, valid, saturated, self.metadata, self.path, "", index, notes)


def _open_image(path: str) -> Any:
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
    return fabio.open(path)


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

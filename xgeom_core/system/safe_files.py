"""Files written whole or not at all, and opened without being led astray.

A folder may come from somebody else: a name in it may be a link to a file elsewhere, a pipe that never
answers, or a device. Whatever xgeom writes takes the place of a name and never follows it; whatever it
reads is a plain file of bounded size. Every failure is an `OSError` whose text is for people.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from xgeom_core.errors import XgeomError

_LINK = "it is a link to another place"
_NOT_PLAIN = "it is a pipe or a device, no regular file"
_FOLDER = "it is a folder"
_TWO_NAMES = "it has a second name elsewhere (a hard link)"
# Opening a pipe must not wait for somebody at its other end; plain files do not mind.
_OPEN = os.O_CLOEXEC | os.O_NONBLOCK
_NAME_PART = 40
_TOKEN = re.compile(r"[0-9a-f]{12}\.partial(\..*)?")


def read_bytes(path: Path, most: int, follow: bool = True) -> bytes:
    """The content of a regular file.

    Parameters
    ----------
    path : Path
    most : int
        Largest size in bytes.
    follow : bool
        Whether the name may be a link.

    Raises
    ------
    OSError
        If there is none, it is no regular file, it is a link and that is not wanted, or it is larger.
    """
    with open_to_read(path, follow) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise _refusal(errno.EFBIG, f"it is larger than {most // 1024} KiB", path)
    return data


def require_regular(path: Path, error: type[XgeomError], expected: str) -> None:
    """Make sure that what is there is a file; nothing to do where there is nothing.

    For readers that take a path and nothing else; all others open files with what stands below.

    Parameters
    ----------
    path : Path
        What is to be opened.
    error : type
        Raised if it is a folder, a pipe, a socket or a device.
    expected : str
        For the sentence: ``"a configuration in TOML"``.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or a device, no regular file"
        raise error(f"{path} is {what}: {expected} was expected.")


def open_to_read(path: Path, follow: bool = True) -> BinaryIO:
    """A regular file opened for reading; see `read_bytes`."""
    handle = _open(path, os.O_RDONLY | (0 if follow else os.O_NOFOLLOW))
    return os.fdopen(_regular(handle, path), "rb")


def end_of_file(path: Path, last_bytes: int, since: int = 0) -> bytes:
    """The end of a file from byte `since` on, whole lines only, however long it is; empty if there is none.

    A link is not followed.
    """
    try:
        with open_to_read(path, follow=False) as stream:
            size = stream.seek(0, os.SEEK_END)
            start = max(size - last_bytes, since, 0)
            # One byte more, to know whether the part begins with a whole line.
            stream.seek(max(start - 1, 0))
            data = stream.read(last_bytes + 1)
    except OSError:
        return b""
    return data.partition(b"\n")[2] if start > 0 else data


def open_to_append(path: Path) -> BinaryIO:
    """A regular file opened to add to its end, made if it is not there; a link is not followed.

    Raises
    ------
    OSError
        If it is a link, has a second name, is no regular file, or cannot be written.
    """
    return os.fdopen(handle_to_write(path, os.O_WRONLY | os.O_APPEND), "ab")


def handle_to_write(path: Path, flags: int) -> int:
    """The same as a bare handle, with flags of `os.open` that say how it is to be written."""
    handle = _open(path, flags | os.O_CREAT | os.O_NOFOLLOW)
    if os.fstat(handle).st_nlink > 1:
        os.close(handle)
        raise _refusal(errno.EMLINK, _TWO_NAMES, path)
    return _regular(handle, path)


def touch(path: Path) -> None:
    """Make an empty file if there is none; a link is not followed."""
    os.close(_open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW))


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all; see `write_bytes`."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refusal(errno.EILSEQ, "a name in it is no text in UTF-8", path) from None
    write_bytes(path, data)


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all: what was there before stays until all is on the disk.

    Raises
    ------
    OSError
        If it cannot be written; nothing half-written is left.
    """
    handle, partial = _fresh(path)
    with _in_place_of(path, partial), os.fdopen(handle, "wb") as stream:
        stream.write(data)


@contextmanager
def replacing(path: Path, ending: str = "") -> Iterator[Path]:
    """An empty file beside `path` to be written, which takes its place if all goes well, else is gone.

    Its name cannot be guessed and did not exist before, so that nobody can have put a link there. If
    `path` is a link, the link is replaced and not what it points to.

    Parameters
    ----------
    path : Path
    ending : str
        What the name of the temporary file must end in, where its writer looks at that.
    """
    handle, partial = _fresh(path, ending)
    os.close(handle)
    with _in_place_of(path, partial):
        yield partial


def forget_partials(path: Path) -> None:
    """Remove what writers of a file left beside it that were killed; only where none writes it now."""
    begin = f".{path.name[:_NAME_PART]}."
    with suppress(OSError):
        for one in path.parent.iterdir():
            if one.name.startswith(begin) and _TOKEN.fullmatch(one.name[len(begin) :]):
                one.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """A folder, made if it is not there; a link to a folder is refused.

    Raises
    ------
    OSError
        If it is a link, something else, or cannot be made.
    """
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise _refusal(errno.ELOOP, _LINK, path)
    return path


def _fresh(path: Path, ending: str = "") -> tuple[int, Path]:
    while True:
        partial = path.with_name(f".{path.name[:_NAME_PART]}.{secrets.token_hex(6)}.partial{ending}")
        with suppress(FileExistsError):
            return _open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW), partial


@contextmanager
def _in_place_of(path: Path, partial: Path) -> Iterator[None]:
    try:
        yield
        _settle(partial)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Have the bytes on the disk before the name points at them: power may fail in between."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | _OPEN, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise _refusal(errno.ELOOP, _LINK, path) from None
        if error.errno == errno.ENXIO:
            # A pipe that nobody reads from.
            raise _refusal(errno.ENXIO, _NOT_PLAIN, path) from None
        raise


def _regular(handle: int, path: Path) -> int:
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise _refusal(errno.EINVAL, _FOLDER if stat.S_ISDIR(mode) else _NOT_PLAIN, path)
    return handle


def _refusal(number: int, why: str, path: Path) -> OSError:
    return OSError(number, why, str(path))

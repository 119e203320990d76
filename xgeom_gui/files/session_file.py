"""The session file: JSON with what is open, what is shown and what the user said. Knows no Qt."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgeom_core import __version__
from xgeom_core.errors import UnreadableFileError, XgeomError
from xgeom_core.frames.guarded import read_mask
from xgeom_core.system.records import UNPARSABLE
from xgeom_core.system.safe_files import read_bytes, require_regular
from xgeom_core.system.text import shortened
from xgeom_gui.services.exports import write_text
from xgeom_gui.services.locations import RUN_SEPARATOR, SESSION_SUFFIX, file_of, is_there, paths_of
from xgeom_gui.state.batch_state import batch_of

VERSION = 1
_MARK = "xgeom session"
_LARGEST_BYTES = 100_000_000


class SessionParts:
    """What goes into a session file beside the files: named parts that give and take plain values."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {}

    def register(self, name: str, to_json: Callable[[], Any], from_json: Callable[[Any], object]) -> None:
        """Add a part.

        Parameters
        ----------
        name : str
            Its key in the file.
        to_json : callable
            Gives its state as plain values (dicts, lists, numbers, text, None); or, where making them
            takes long, a function that makes them from what it holds, off the window's thread.
        from_json : callable
            Takes what `to_json` gave, after the frame is shown. What it cannot use raises ValueError,
            TypeError or KeyError; the other parts are restored all the same.
        """
        self._parts[name] = (to_json, from_json)

    def collect(self) -> dict[str, Any]:
        """The state of every part."""
        return {name: to_json() for name, (to_json, _) in self._parts.items()}

    def restore(self, values: Mapping[str, Any]) -> list[str]:
        """Give every part its state; names of those that could not use theirs."""
        failed = []
        for name, (_, from_json) in self._parts.items():
            if name not in values:
                continue
            try:
                from_json(values[name])
            except (ValueError, TypeError, KeyError, AttributeError, XgeomError):
                failed.append(name)
        return failed


@dataclass(frozen=True, eq=False)
class SavedMask:
    """A painted mask; its pixels lie in a file of their own beside the session file."""

    detector: str
    pixels: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SavedSession:
    """What a session file holds.

    Parameters
    ----------
    spec : str
        The frames that were open; "" for none.
    index : int
        Number of the frame that was shown.
    geometries : tuple of str
        Files of other programs.
    parts : mapping
        See `SessionParts`.
    mask : SavedMask or None
        The mask of the detector shown.
    gone : tuple of str
        Files that are named but not there; only after reading.
    """

    spec: str = ""
    index: int = 0
    geometries: tuple[str, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)
    mask: SavedMask | None = None
    gone: tuple[str, ...] = ()


def write_session(saved: SavedSession, path: str | Path) -> None:
    """Write a session file, and its mask beside it.

    Raises
    ------
    UsageError
        If it cannot be written; an older file stays whole.
    """
    target = Path(path)
    content: dict[str, Any] = {
        _MARK: VERSION,
        "written_by": f"xgeom {__version__}",
        "frames": [_reference(location, target) for location in paths_of(saved.spec)],
        "index": saved.index,
        "geometries": [_reference(location, target) for location in saved.geometries],
    }
    if saved.mask is not None:
        content["mask"] = _write_mask(saved.mask, target)
    content["parts"] = {name: one() if callable(one) else one for name, one in saved.parts.items()}
    write_text(target, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_session(path: str | Path) -> SavedSession:
    """Read a session file and look for the files that it names.

    Raises
    ------
    UnreadableFileError
        If it is no session file, or of a later version.
    """
    target = Path(path)
    content = _content(target)
    try:
        moved: dict[str, str] = {}
        gone: list[str] = []
        frames = [_find(entry, target, moved, gone) for entry in content.get("frames", [])]
        geometries = [_find(entry, target, moved, gone) for entry in content.get("geometries", [])]
        if frames and len([one for one in frames if one in gone]) == len(frames):
            frames = []
        mask = _read_mask(content.get("mask"), target, gone)
        parts = _prepared(_relocated(dict(content.get("parts", {})), moved))
        return SavedSession(
            RUN_SEPARATOR.join(frames),
            int(content.get("index", 0)),
            tuple(one for one in geometries if one not in gone),
            parts,
            mask,
            tuple(gone),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFileError(
            f"{target} is a damaged session file ({error!r}): save it again."
        ) from error


def _prepared(parts: dict[str, Any]) -> dict[str, Any]:
    """The parts, a long run made ready here: the window's thread has no time for it."""
    if parts.get("run"):
        # One that makes no sense is left as it is, and named among the parts that could not be brought back.
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            parts["run"] = batch_of(parts["run"])
    return parts


def gone_text(gone: Sequence[str]) -> str:
    """The sentence for files that are not there any more."""
    names = ", ".join(gone[:3]) + (f" and {len(gone) - 3} more" if len(gone) > 3 else "")
    verb, they = ("does", "it is") if len(gone) == 1 else ("do", "they are")
    return f"{names} {verb} not exist any more, so {they} left out; the rest of the session is opened."


def _content(path: Path) -> dict[str, Any]:
    require_regular(path, UnreadableFileError, "a session file")
    try:
        content = json.loads(read_bytes(path, _LARGEST_BYTES))
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read ({error.strerror or error}).") from error
    except UNPARSABLE as error:
        why = shortened(str(error))
        raise UnreadableFileError(f"{path} is no session file of xgeom: it is no JSON ({why}).") from error
    if not isinstance(content, dict) or not isinstance(content.get(_MARK), int):
        raise UnreadableFileError(f"{path} is no session file of xgeom (it does not say {_MARK!r}).")
    if content[_MARK] > VERSION:
        raise UnreadableFileError(
            f"{path} is a session file of a later xgeom (version {content[_MARK]} of the format, "
            f"{VERSION} is known here): update xgeom."
        )
    return content


def _reference(location: str, session: Path) -> dict[str, str]:
    """Where a file is, also as seen from the session file: a folder may be moved with both."""
    absolute = os.path.abspath(location)  # noqa: PTH100 ("#" and "::" are no part of a Path)
    try:
        relative = os.path.relpath(absolute, session.absolute().parent)
    except ValueError:  # another drive
        return {"path": absolute}
    return {"path": absolute, "relative": relative}


def _find(entry: Mapping[str, Any], session: Path, moved: dict[str, str], gone: list[str]) -> str:
    """The location that an entry names, wherever it is now."""
    stated = str(entry["path"])
    candidates = [stated]
    if "relative" in entry:
        # Not resolved any further: a link is a place of its own.
        candidates.append(os.path.normpath(session.absolute().parent / str(entry["relative"])))
    found = next((one for one in candidates if is_there(one, os.path.exists)), None)
    if found is None:
        gone.append(stated)
        return stated
    moved[stated] = found
    moved[file_of(stated)] = file_of(found)
    return found


def _relocated(value: Any, moved: Mapping[str, str]) -> Any:
    """The same values with the paths of files that were moved replaced."""
    if isinstance(value, dict):
        return {_relocated(key, moved): _relocated(one, moved) for key, one in value.items()}
    if isinstance(value, list):
        return [_relocated(one, moved) for one in value]
    return _moved_text(value, moved) if isinstance(value, str) else value


def _moved_text(text: str, moved: Mapping[str, str]) -> str:
    """A path, ``FILE::dataset`` or the label "FILE and …", with the file's new place."""
    if text in moved:
        return moved[text]
    for mark in ("::", " and "):
        at = text.find(mark)
        while at > 0:
            if text[:at] in moved:
                return moved[text[:at]] + text[at:]
            at = text.find(mark, at + 1)
    return text


def mask_path(session: Path) -> Path:
    """The file beside a session file that its mask lies in."""
    return session.with_name(session.name.removesuffix(SESSION_SUFFIX) + ".mask.h5")


def _write_mask(mask: SavedMask, session: Path) -> dict[str, Any]:
    from xgeom_core.frames.mask_file import write_mask  # noqa: PLC0415 - h5py is slow to import

    path = mask_path(session)
    write_mask(path, mask.pixels)
    return {"file": path.name, "detector": mask.detector}


def _read_mask(entry: Any, session: Path, gone: list[str]) -> SavedMask | None:
    if not entry:
        return None
    path = session.with_name(str(entry["file"]))
    try:
        return SavedMask(str(entry.get("detector", "")), read_mask(path))
    except XgeomError:
        gone.append(str(path))
        return None


def part_names(names: Iterable[str]) -> str:
    """Names of parts in words."""
    return ", ".join(name.replace("_", " ") for name in names)

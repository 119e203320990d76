"""Several files as one run: a numbered series, the files of a folder, or any files of one shape."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from xgeom_core.errors import FrameFileError, MissingSourceError, UnreadableFileError, XgeomError
from xgeom_core.formats.source import Contents, FrameSource
from xgeom_core.frames.guarded import open_frames
from xgeom_core.frames.location import split_location
from xgeom_core.frames.numbering import (
    frames_in,
    from_template,
    is_image_name,
    natural,
    numbered_series,
    take_apart,
)
from xgeom_core.frames.series_source import Member, Opener, SeriesSource, size_text

SEPARATOR = "\n"
_NAMED = 3


def join_run(locations: Sequence[str]) -> str:
    """Several files as one text that `open_run` understands."""
    return SEPARATOR.join(locations)


def open_run(location: str | os.PathLike[str], *, opener: Opener = open_frames) -> FrameSource:
    """Open a file of frames, or several files as one run.

    Parameters
    ----------
    location : str or path-like
        A file of frames (``"PATH"`` or ``"PATH::/dataset"``), one file of a numbered series of
        single images, a series with ``#`` for its digits, a folder, or several files joined by
        `join_run`.

    Returns
    -------
    FrameSource
        ``start`` is the number of the frame that was named.

    Raises
    ------
    FrameFileError
        If the file, or every file of the run, cannot be read.
    """
    text = os.fspath(location)
    if SEPARATOR in text:
        return _open_list(text.split(SEPARATOR), opener)
    path, dataset = split_location(text)
    if not dataset and Path(path).is_dir():
        return _open_folder(path, opener)
    if "#" in Path(path).name and not Path(path).exists():
        return _open_template(path, opener)
    series = numbered_series(path) if not dataset and is_image_name(path) else ()
    here = str(Path(path))
    if len(series) < 2 or here not in series:
        return opener(text)
    source = opener(path)
    # A file of many frames stands for itself, whatever its name.
    return source if len(source) > 1 else _series(series, series.index(here), source, opener)


def count_frames(location: str, *, opener: Opener = open_frames) -> int:
    """How many frames `open_run` would find now; single images are counted by their names alone."""
    path, dataset = split_location(location)
    series: tuple[str, ...] = ()
    if SEPARATOR not in location and not dataset:
        if Path(path).is_dir():
            names = frames_in([entry.name for entry in os.scandir(path) if not entry.name.startswith(".")])
            series = numbered_series(str(Path(path) / names[0])) if names and is_image_name(names[0]) else ()
        elif "#" in Path(path).name and not Path(path).exists():
            series = from_template(path)
        elif is_image_name(path):
            series = numbered_series(path)
    if len(series) > 1:
        return len(series)
    with open_run(location, opener=opener) as source:
        return len(source)


def _open_template(template: str, opener: Opener) -> FrameSource:
    series = from_template(template)
    if not series:
        raise UnreadableFileError(f"There is no file named like {template} (# stands for a digit).")
    number, source = _first_readable(series, opener)
    return _series(series, number, source, opener, start=0)


def _series(
    paths: Sequence[str], number: int, source: FrameSource, opener: Opener, start: int | None = None
) -> SeriesSource:
    """A series of single images, one of which is open."""
    apart = take_apart(paths[0])
    contents = Contents(
        path=apart.template if apart else paths[0],
        layout=f"{source.layout} series",
        length=len(paths),
        shape=source.shape,
        metadata=source.metadata,
    )
    run = SeriesSource(contents, [Member(path) for path in paths], number if start is None else start, opener)
    run.adopt(number, source)
    return run


def _open_folder(folder: str, opener: Opener) -> FrameSource:
    try:
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise UnreadableFileError(f"{folder} cannot be read ({error.strerror or error}).") from error
    paths = [str(Path(folder) / name) for name in frames_in(names)]
    if not paths:
        raise UnreadableFileError(f"{folder} is a folder without a file of frames in it.")
    if len(paths) > 1 and is_image_name(paths[0]):
        series = numbered_series(paths[0])
        if len(series) >= len(paths):
            number, source = _first_readable(series, opener)
            if len(source) == 1:
                return _series(series, number, source, opener, start=0)
            source.close()
    return opener(paths[0]) if len(paths) == 1 else _open_list(paths, opener, name=folder)


def _open_list(locations: Sequence[str], opener: Opener, name: str = "") -> FrameSource:
    """Any files as one run, in their natural order; those of another shape are left out."""
    paths = sorted(dict.fromkeys(path for path in locations if path), key=natural)
    if len(paths) == 1:
        return opener(paths[0])
    number, first = _first_readable(paths, opener)
    members, odd = _members(paths, number, first, opener)
    notes = (_odd_text(odd, first.shape),) if odd else ()
    contents = Contents(
        path=name or _path_of(members),
        layout=f"{len(members)} files, {first.layout}" if len(members) > 1 else first.layout,
        length=sum(member.length for member in members),
        shape=first.shape,
        dataset="",
        metadata=first.metadata,
        notes=notes,
    )
    run = SeriesSource(contents, members, 0, opener)
    run.adopt(next(i for i, member in enumerate(members) if member.location == paths[number]), first)
    return run


def _path_of(members: Sequence[Member]) -> str:
    first, more = members[0].location, len(members) - 1
    return f"{first} and {more} more" if more else first


def _members(
    paths: Sequence[str], number: int, first: FrameSource, opener: Opener
) -> tuple[list[Member], list[str]]:
    """How many frames each file gives, and the files of another shape."""
    members: list[Member] = []
    odd: list[str] = []
    single = len(first) == 1
    for i, path in enumerate(paths):
        if i == number:
            members.append(Member(path, len(first)))
        elif single and is_image_name(split_location(path)[0]):
            # One image a file: not opened before it is reached, there may be thousands.
            members.append(Member(path))
        else:
            try:
                with opener(path) as source:
                    if source.shape == first.shape:
                        members.append(Member(path, len(source)))
                    else:
                        odd.append(path)
            except FrameFileError:
                # It keeps a place, so that its fault is told when it is reached.
                members.append(Member(path))
    return members, odd


def _first_readable(paths: Sequence[str], opener: Opener) -> tuple[int, FrameSource]:
    """The first file that can be opened."""
    fault: XgeomError | None = None
    for number, path in enumerate(paths):
        if not Path(split_location(path)[0]).exists():
            continue
        try:
            return number, opener(path)
        except FrameFileError as error:
            fault = fault or error
    raise fault or MissingSourceError(
        f"None of the {len(paths)} files of this run exists (the first is {paths[0]}): were they moved?"
    )


def _odd_text(odd: Sequence[str], shape: tuple[int, int]) -> str:
    names = ", ".join(Path(path).name for path in odd[:_NAMED])
    more = f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
    verb = "is" if len(odd) == 1 else "are"
    return f"{names}{more} {verb} left out of the run, whose frames have {size_text(shape)} px."

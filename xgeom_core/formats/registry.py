"""Every format in one list; files told by their content; files written whole or not at all."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.formats import (
    adxv,
    bruker,
    crysalis,
    dectris_stream,
    denzo,
    edf,
    ge,
    kappaccd,
    mar345,
    marccd,
    mosflm,
    raxis,
    smv,
    spe,
    tiff,
)
from xgeom_core.formats.cbf import images as cbf
from xgeom_core.formats.crystfel import geometry as crystfel
from xgeom_core.formats.crystfel import stacks as crystfel_stacks
from xgeom_core.formats.crystfel import stream as crystfel_stream
from xgeom_core.formats.dials import expt as dials
from xgeom_core.formats.dials.writing import dials_import_options
from xgeom_core.formats.electron import emd, hyperspy, mib, mrc, tvips
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.hdf5 import plain as hdf5
from xgeom_core.formats.nexus import geometry as nxmx_geometry
from xgeom_core.formats.pyfai import fit2d
from xgeom_core.formats.pyfai import poni as pyfai
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.source import FrameSource
from xgeom_core.formats.tables import table
from xgeom_core.formats.text import read_head
from xgeom_core.formats.xds import inp as xds
from xgeom_core.formats.xds import xparm

# Most specific first: a CBF header of any kind before text, and the table last, since nearly anything is one.
FORMATS: tuple[Format, ...] = (
    dials.FORMAT,
    hyperspy.FORMAT,
    emd.FORMAT,
    nxmx_geometry.FORMAT,
    crystfel_stacks.FORMAT,
    hdf5.FORMAT,
    dectris_stream.FORMAT,
    cbf.FORMAT,
    smv.FORMAT,
    edf.FORMAT,
    marccd.FORMAT,
    tiff.FORMAT,
    mar345.FORMAT,
    bruker.FORMAT,
    crysalis.FORMAT,
    raxis.FORMAT,
    kappaccd.FORMAT,
    mrc.FORMAT,
    mib.FORMAT,
    tvips.FORMAT,
    xparm.FORMAT,
    xds.FORMAT,
    crystfel_stream.STREAM,
    crystfel.FORMAT,
    pyfai.FORMAT,
    fit2d.FORMAT,
    denzo.FORMAT,
    mosflm.FORMAT,
    adxv.FORMAT,
    # Told by sizes and names where nothing better stands in the file.
    spe.FORMAT,
    ge.FORMAT,
    table.FORMAT,
)


# Texts for other programs that are not files of theirs: nothing of the kind is ever read.
SNIPPETS: dict[str, tuple[str, Callable[[Writing], str]]] = {
    "dials-import": ("options of dials.import, one a line", dials_import_options),
}


def read_geometry(path: Path | str, hints: Hints = Hints()) -> list[Reading]:  # noqa: B008 - frozen
    """What a file of any program says of the geometry, in this project's convention.

    Parameters
    ----------
    path : Path or str
        The file, compressed or not.
    hints : Hints
        What is known besides, where the file is silent.

    Returns
    -------
    list of Reading
        At least one: one for each experiment, panel group or frame.

    Raises
    ------
    UnreadableFileError
        If no format recognizes the file, or it is damaged.
    FrameFileError, GeometryError
        If its format is known but its content is not usable.
    """
    path = Path(path)
    return recognize(path).read(path, hints)


def recognize(path: Path) -> Format:
    """The first format that recognizes a file by its content; raises UnreadableFileError if none does."""
    head = read_head(path)
    for known in FORMATS:
        if known.recognizes(path, head):
            return known
    what = "is empty" if not head else "is none of the files that xgeom reads geometry from"
    raise UnreadableFileError(f"{path} {what}; understood are those of {_enumeration(FORMATS)}.")


def images_of(path: Path) -> Callable[[str, str], FrameSource] | None:
    """What opens the images of a file, by its content; None where no format here has any in it."""
    head = read_head(path)
    return next((one.open_frames for one in FORMATS if one.open_frames and one.recognizes(path, head)), None)


def find_format(key: str) -> Format:
    """The format of a key such as ``"xds"``; raises UsageError listing the keys if there is none."""
    for known in FORMATS:
        if known.key == key.strip().lower():
            return known
    raise UsageError(f"there is no format {key!r}; known are {', '.join((*_keys(), *SNIPPETS))}.")


def geometry_text(key: str, writing: Writing) -> str:
    """A geometry in the words of another program, for a file or the clipboard.

    Raises
    ------
    UsageError
        If the format cannot be written, or only as a binary file.
    """
    if key in SNIPPETS:
        return SNIPPETS[key][1](writing)
    known = find_format(key)
    if known.write is not None:
        return known.write(writing)
    if known.write_file is not None:
        raise UsageError(
            f"what xgeom writes for {known.name} ({known.key}) goes to a file only: name it with --out FILE."
        )
    raise UsageError(
        f"xgeom reads {known.name} but does not write it; it writes {', '.join(writable_keys())}."
    )


def write_geometry(
    key: str, writing: Writing, path: Path, *, overwrite: bool = False, inputs: Iterable[Path] = ()
) -> Path:
    """Write a geometry for another program, whole or not at all.

    Parameters
    ----------
    key : str
        Format, such as ``"crystfel"``, or one of `SNIPPETS`.
    writing : Writing
        What to write; its template is never touched.
    path : Path
        The new file. A name ending in ``.gz`` is compressed where the format is text.
    overwrite : bool
        Replace a file that is there already. Without it even an unrelated file is left alone.
    inputs : iterable of Path
        Files that the geometry came from; they need ``overwrite`` as well, and the message says so.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UsageError
        If the format cannot be written, or the file is there already, or the folder cannot be written to.
    """
    if key == xds.FORMAT.key and "XPARM" in path.name.upper():
        raise UsageError(
            f"--to {key} writes the keywords of XDS.INP, which {path.name} is not: name the file XDS.INP, or "
            f"use --to {xparm.FORMAT.key} --template XPARM.XDS."
        )
    write_file = None if key in SNIPPETS else find_format(key).write_file
    if write_file is None:
        # Before the file is looked at: a format that is not written is the first thing to know.
        text = geometry_text(key, writing)
    templates = [writing.template] if writing.template else []
    with _whole(path, overwrite, (*inputs, *templates)) as partial:
        if write_file is not None:
            write_file(writing, partial)
        else:
            _write(text, path, partial)
    return path


def write_text(text: str, path: Path, *, overwrite: bool = False, inputs: Iterable[Path] = ()) -> Path:
    """Write a text under the same rules as :func:`write_geometry`."""
    with _whole(path, overwrite, inputs) as partial:
        _write(text, path, partial)
    return path


def _write(text: str, path: Path, partial: Path) -> None:
    data = text.encode()
    partial.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


@contextmanager
def _whole(path: Path, overwrite: bool, inputs: Iterable[Path]) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` if all goes well and is gone if not."""
    _refuse_to_overwrite(path, overwrite, inputs)
    # In the same folder, so that links between files hold and the last step is atomic.
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}.partial{''.join(path.suffixes[-2:])}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        partial.unlink(missing_ok=True)


def writable_keys() -> tuple[str, ...]:
    """Keys of the formats that can be written."""
    return (*(known.key for known in FORMATS if known.writable), *SNIPPETS)


def _keys() -> tuple[str, ...]:
    return tuple(known.key for known in FORMATS)


def _refuse_to_overwrite(path: Path, overwrite: bool, inputs: Iterable[Path]) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write.")
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}.")
    if overwrite or not path.exists():
        return
    if any(source.exists() and path.samefile(source) for source in inputs):
        raise UsageError(
            f"{path} is the file that was read; name another file, or say --overwrite to change it in place."
        )
    raise UsageError(f"{path} is there already; name another file, or say --overwrite.")


def _enumeration(formats: Iterable[Format]) -> str:
    names = list(dict.fromkeys(known.name for known in formats))
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)

"""The face that every format of another program shows to the rest of xgeom.

One module per program holds one module-level :class:`Format`; ``registry.py`` lists them. Nothing else
asks which program a file came from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xgeom_core.formats.header import FieldNote
from xgeom_core.formats.reading import Hints, Reading
from xgeom_core.formats.source import FrameSource
from xgeom_core.geometry import Geometry


@dataclass(frozen=True)
class Writing:
    """A geometry to be put into words that another program understands.

    Parameters
    ----------
    geometry : Geometry
        Center on the beam, corner origin; distance along the beam.
    image_size : tuple of int
        Pixels ``(fast, slow)``.
    template : Path or None
        An existing file of the same format to alter: everything but the geometry is kept, and a
        detector of several panels is moved rigidly as a whole.
    """

    geometry: Geometry
    image_size: tuple[int, int]
    template: Path | None = None


@dataclass(frozen=True)
class Format:
    """What one program's files are, how they are read and how they are written.

    Parameters
    ----------
    name : str
        The program, such as ``"DIALS"``; the ``Estimate.source`` of its readings.
    key : str
        Short name for ``--to``: ``"dials"``, ``"xds"``, ``"crystfel"``.
    suffixes : tuple of str
        Usual endings of file names, for suggestions only; ``()`` where there is none.
    recognizes : callable
        ``recognizes(path, head)`` with the first 64 KiB of the file, already decompressed. Decides by
        content, not only by name; never raises.
    read : callable
        ``read(path, hints)`` gives at least one Reading, or raises a ``FrameFileError`` (or another
        ``XgeomError``) of one sentence.
    write : callable or None
        The text of a file for a Writing; None where there is no writer of text.
    convention : str
        Two sentences: which point the file states, in which unit, from which origin.
    write_file : callable or None
        Writes a binary file for a Writing at a path that does not exist yet; None for formats of text.
    open_frames : callable or None
        ``open_frames(path, dataset)`` opens the images that such files hold; None where they hold none.
    fields : tuple of FieldNote
        What its header's fields become; the documentation's table of headers is made of these.
    """

    name: str
    key: str
    suffixes: tuple[str, ...]
    recognizes: Callable[[Path, bytes], bool]
    read: Callable[[Path, Hints], list[Reading]]
    write: Callable[[Writing], str] | None
    convention: str
    write_file: Callable[[Writing, Path], None] | None = None
    open_frames: Callable[[str, str], FrameSource] | None = None
    fields: tuple[FieldNote, ...] = ()

    @property
    def writable(self) -> bool:
        """Whether xgeom can write this format."""
        return self.write is not None or self.write_file is not None

"""CrystFEL streams: the geometry file in their head, and each chunk's refined detector shift.

A stream can be many gigabytes: it is read line by line and only the few lines that matter are kept.
``predict_refine/det_shift x = .. y = .. mm`` is the shift to be *added* to the positions of all panels
(CrystFEL's own prediction does so), so the center moves the other way.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats import values
from xgeom_core.formats.crystfel.geom_file import GeomFile, parse_geom
from xgeom_core.formats.crystfel.geometry import CONVENTION, STREAM_START, reading_of
from xgeom_core.formats.crystfel.layout import Layout, Panels, lay_out, place
from xgeom_core.formats.format import Format
from xgeom_core.formats.reading import Hints, Reading

_BEGIN_GEOM, _END_GEOM = b"----- Begin geometry file -----", b"----- End geometry file -----"
_BEGIN_CHUNK, _END_CHUNK = b"----- Begin chunk -----", b"----- End chunk -----"
_SHIFT = re.compile(rb"predict_refine/det_shift x = (\S{1,40}) y = (\S{1,40}) mm")
# First characters of the lines that matter; reflections and peaks begin with a blank or a digit.
_STARTS = frozenset(b"-IEpa")
_LONGEST_LINE = 4096
_LONGEST_GEOM = 32 * 1024 * 1024
_CLOSE_MM = 0.02


@dataclass
class _Chunk:
    """What one chunk says."""

    image: str = ""
    event: str = ""
    serial: int | None = None
    length_mm: float | None = None
    photon_ev: float | None = None
    shifts: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class _Setting:
    """A geometry file and what follows from it, computed once for all chunks after it."""

    geom: GeomFile
    panels: Panels
    layout: Layout
    base: Reading


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the first line says so."""
    return head.lstrip()[:64].startswith(STREAM_START)


def read(path: Path, hints: Hints) -> list[Reading]:
    """One reading for each chunk with a refined shift; the stream's own geometry if there is none."""
    setting: _Setting | None = None
    readings: list[Reading] = []
    for part in _parts(path):
        if isinstance(part, str):
            setting = _setting(part, path, hints)
        elif part.shifts:
            if setting is None:
                raise MissingDatasetError(
                    f"{path} holds no geometry file in its head: give the .geom file it was made with."
                )
            readings.append(_reading(part, setting, path))
    if readings:
        return readings
    if setting is None:
        raise MissingDatasetError(f"{path} holds neither a geometry file nor a crystal with a refined shift.")
    note = "No crystal in this stream has a refined shift: this is the geometry it was indexed with."
    base = setting.base
    warned = replace(base.estimate, warnings=(note, *base.estimate.warnings))
    return [replace(base, estimate=warned, where="geometry file in the head")]


def _setting(text: str, path: Path, hints: Hints) -> _Setting:
    geom = parse_geom(text, path)
    panels = place(geom)
    with values.located(path):
        layout = lay_out(panels, path)
        return _Setting(geom, panels, layout, reading_of(geom, panels, layout, path, hints))


def _reading(chunk: _Chunk, setting: _Setting, path: Path) -> Reading:
    """The geometry of one chunk: its panels shifted, counted by the panel of the unshifted geometry."""
    shift = np.mean(chunk.shifts, axis=0)
    layout, base = setting.layout, setting.base
    at = layout.index
    across = np.stack([setting.panels.fast[at, :2], setting.panels.slow[at, :2]], axis=-1)
    x, y = layout.center_px - np.linalg.solve(across, shift)
    distance = base.distance_mm
    if chunk.length_mm is not None:
        # The chunk states the mean z of the panels' corners; clen cancels out.
        distance = chunk.length_mm + layout.z_mm - float(np.mean(setting.panels.corner[:, 2]))
    if distance is not None:
        distance = values.length(distance - float(layout.slope @ shift), path, "the distance")
    notes = base.estimate.warnings
    if chunk.length_mm is not None:
        notes = tuple(note for note in notes if not note.startswith("clen stands"))
    spread = float(np.ptp(chunk.shifts, axis=0).max())
    if spread > _CLOSE_MM:
        notes += (f"{len(chunk.shifts)} crystals, whose shifts differ by up to {spread:.3f} mm: their mean.",)
    number = _frame_number(chunk)
    native = {"det_shift": f"{shift[0]:.3f}, {shift[1]:.3f} mm", "image": chunk.image, "event": chunk.event}
    return replace(
        base,
        estimate=replace(base.estimate, center_px=values.center(float(x), float(y), path), warnings=notes),
        where=f"{chunk.image} {chunk.event}".strip() or (f"frame {number}" if number is not None else ""),
        frame=number,
        distance_mm=distance,
        wavelength_A=values.wavelength_of_photon(chunk.photon_ev) or base.wavelength_A,
        native={**native, **base.native},
    )


def _frame_number(chunk: _Chunk) -> int | None:
    """The number after the last ``/`` of the event, from 0; else the serial number, which is from 1."""
    last = chunk.event.rpartition("/")[2]
    if last.isascii() and last.isdigit() and len(last) < 10:
        return int(last)
    return chunk.serial - 1 if chunk.serial is not None and chunk.serial > 0 else None


def _parts(path: Path) -> Iterator[str | _Chunk]:
    """Geometry files (as text) and chunks, in the order of the stream."""
    geometry: list[bytes] | None = None
    held = 0
    chunk: _Chunk | None = None
    for line in _lines(path):
        if geometry is not None:
            if line.startswith(_END_GEOM):
                yield b"".join(geometry).decode("utf-8", "replace")
                geometry, held = None, 0
                continue
            held += len(line)
            if held > _LONGEST_GEOM:
                raise UnreadableFileError(f"{path} does not end its geometry file ({_END_GEOM.decode()}).")
            geometry.append(line)
        elif not line or line[0] not in _STARTS:
            continue
        elif line.startswith(_BEGIN_GEOM):
            geometry = []
        elif line.startswith(_BEGIN_CHUNK):
            chunk = _Chunk()
        elif chunk is not None and line.startswith(_END_CHUNK):
            yield chunk
            chunk = None
        elif chunk is not None:
            _take(chunk, line, path)
    if geometry is not None:
        raise UnreadableFileError(f"{path} ends within its geometry file: copy it again.")


def _take(chunk: _Chunk, line: bytes, path: Path) -> None:
    """Keep what a line of a chunk says, if it matters."""
    text = line.decode("utf-8", "replace").strip()
    name, _, value = text.partition(": ")
    if name == "Image filename":
        chunk.image = value
    elif name == "Event":
        chunk.event = value
    elif name == "Image serial number":
        chunk.serial = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    elif text.startswith("average_camera_length = "):
        stated = values.positive(values.number(text.split(" = ", 1)[1].removesuffix("m")))
        chunk.length_mm = stated * 1e3 if stated is not None else None
    elif text.startswith("photon_energy_eV = "):
        chunk.photon_ev = values.number(text.split(" = ", 1)[1])
    elif match := _SHIFT.match(line):
        x, y = (values.number(found.decode("ascii", "replace")) for found in match.groups())
        if x is not None and y is not None:
            chunk.shifts.append(
                (values.bounded(x, 1e4, path, "a shift in mm"), values.bounded(y, 1e4, path, "a shift in mm"))
            )


def _lines(path: Path) -> Iterator[bytes]:
    """Lines (or pieces of lines that are far too long), decompressed."""
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(path.open("rb"))
            magic = raw.read(6)
            raw.seek(0)
            stream: BinaryIO = raw
            if magic.startswith(b"\x1f\x8b"):
                stream = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=raw)))
            elif magic.startswith(b"BZh"):
                stream = cast(BinaryIO, stack.enter_context(bz2.BZ2File(raw)))
            elif magic.startswith(b"\xfd7zXZ\x00"):
                stream = cast(BinaryIO, stack.enter_context(lzma.LZMAFile(raw)))
            while line := stream.readline(_LONGEST_LINE):
                yield line
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise UnreadableFileError(f"{path} is damaged: its compressed data cannot be unpacked.") from error
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror or error}.") from error


STREAM = Format(
    "CrystFEL",
    "crystfel-stream",
    (".stream",),
    recognizes,
    read,
    None,
    CONVENTION + " A stream adds each chunk's det_shift (mm) to all panels.",
)

"""HDF5 and CXI files of many panels, put into one image by a CrystFEL geometry file.

The geometry file is named by the user, or lies beside the data: of the same stem, or the only one in the
folder. Its panels may lie in one slab, (N, slow, fast), or as modules, (N, modules, slow, fast).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import MissingDatasetError, UnreadableFileError, XgeomError
from xgeom_core.formats.crystfel.canvas import GAP, Canvas, assemble
from xgeom_core.formats.crystfel.layout import lay_out
from xgeom_core.formats.crystfel.stack_headers import (
    BROKEN,
    StackGeometry,
    read_geom,
    scattered,
    stated_header,
    with_length,
)
from xgeom_core.formats.crystfel.stack_layout import StackLayout, stack_layout
from xgeom_core.formats.crystfel.stack_masks import Masks, bad_regions, mask_places
from xgeom_core.formats.format import Format
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.judging import judged
from xgeom_core.formats.masking import mask_counts
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.source import Contents
from xgeom_core.frame import Frame

NAME = "CrystFEL stack"
_SUFFIX = ".geom"
_MAGIC = b"\x89HDF\r\n\x1a\n"


def beside(path: str) -> Path | None:
    """The geometry file that lies beside a file of frames: of the same stem, or the only one there."""
    data = Path(path)
    same = data.with_suffix(_SUFFIX)
    if same.is_file():
        return same
    try:
        found = [one for one in sorted(data.parent.glob(f"*{_SUFFIX}")) if one.is_file()]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None


def open_beside(file: h5py.File, path: str, wanted: str) -> AssembledSource | None:
    """Frames assembled by the geometry file beside them; None where none of several panels fits."""
    found = beside(path)
    if found is None:
        return None
    try:
        geometry = read_geom(found)
        if not scattered(geometry):
            return None
        source = _open(file, path, wanted, geometry)
    except XgeomError:
        return None
    note = f"The panels are put together by {found.name}, which lies beside the file."
    return source.with_note(note)


def open_assembled(path: str, wanted: str, geometry: str) -> AssembledSource:
    """Frames assembled by a geometry file that the user names.

    Raises
    ------
    UnreadableFileError
        If either file is damaged, or the frames are not in an HDF5 file.
    MissingDatasetError
        If no dataset of the file fits the panels.
    GeometryError
        If the panels make no image.
    """
    if not h5py.is_hdf5(path):
        raise UnreadableFileError(f"{path} is no HDF5 file: panels are put together for such files only.")
    known = read_geom(Path(geometry))
    file = hdf5.open_file(path)
    try:
        return _open(file, path, wanted, known)
    except BROKEN as error:
        file.close()
        raise UnreadableFileError(f"{path} is a damaged HDF5 file ({hdf5.brief(str(error))}).") from error
    except XgeomError:
        file.close()
        raise


def _open(file: h5py.File, path: str, wanted: str, geometry: StackGeometry) -> AssembledSource:
    name, layout = _find(file, path, wanted, geometry)
    filled = with_length(file, geometry)
    laid = lay_out(filled.panels, geometry.path)
    canvas = assemble(filled.panels, laid, layout.storage, geometry.names, geometry.path)
    shape = canvas.index.shape[0], canvas.index.shape[1]
    header = judged([stated_header(file, path, name, filled, canvas)], (shape[1], shape[0]))
    contents = Contents(
        path,
        f"HDF5 assembled by {geometry.path.name}",
        1 if layout.frames is None else layout.frames,
        shape,
        name,
        (name,),
        header.metadata,
        header.notes,
    )
    masks = Masks(file, geometry.path, mask_places(file, name, geometry.places.panels), layout.frame)
    return AssembledSource(contents, file, canvas, layout, masks, _always_bad(geometry, canvas, layout))


def _find(file: h5py.File, path: str, wanted: str, geometry: StackGeometry) -> tuple[str, StackLayout]:
    """The dataset that the panels describe: that wanted, that which they name, or the largest that fits."""
    stated = geometry.places.panels[0].data
    if len({panel.data for panel in geometry.places.panels}) > 1:
        raise MissingDatasetError(
            f"{geometry.path} spreads its panels over several datasets, which are not put together here."
        )
    usual = [stated] if stated and "%" not in stated and _dataset(file, stated) is not None else []
    for name in [wanted] if wanted else usual or list(_datasets(file)):
        dataset = _dataset(file, name)
        if dataset is not None:
            found = stack_layout(tuple(map(int, dataset.shape)), geometry.panels, geometry.places.panels)
            if found is not None and found.frames != 0:
                return name, found
    ends = (geometry.panels.first + geometry.panels.size).max(axis=0).astype(int)
    raise MissingDatasetError(
        f"{path} holds no {f'images at {wanted}' if wanted else 'images'} that fit the {len(geometry.names)} "
        f"panels of {geometry.path.name}, which reach to fs = {ends[0]}, ss = {ends[1]}: name the geometry "
        "file that belongs to these data."
    )


def _dataset(file: h5py.File, name: str) -> h5py.Dataset | None:
    try:
        found = file[name]
        numeric = isinstance(found, h5py.Dataset) and found.dtype.kind in "buif" and found.ndim >= 2
    except BROKEN:
        return None
    return found if numeric else None


def _datasets(file: h5py.File) -> Iterator[str]:
    """Numeric datasets of two axes and more, the largest first, masks last."""
    found: list[tuple[bool, int, str]] = []

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "buif" and item.ndim >= 2:
            found.append(("mask" in name.rsplit("/", 1)[-1].lower(), -item.size, f"/{name}"))

    file.visititems(take)
    for _, _, name in sorted(found):
        yield name


def _always_bad(geometry: StackGeometry, canvas: Canvas, layout: StackLayout) -> NDArray[np.bool_]:
    """Bad regions, ignored panels and gaps, on the canvas."""
    stored = np.full((*canvas.index.shape, 2), GAP, dtype=np.int64)
    for number, where in enumerate(layout.storage):
        here = canvas.panel == number
        rest = canvas.index[here] - where.start
        slow, fast = rest // where.slow, rest % where.slow // where.fast
        stored[here] = np.stack([fast, slow], axis=-1) + geometry.panels.first[number].astype(np.int64)
    height, width = canvas.index.shape
    x, y = canvas.layout.center_px
    at = np.arange(width) + 0.5 - x, (np.arange(height) + 0.5 - y)[:, None]
    return bad_regions(geometry.places, canvas.panel, stored, at) | (canvas.index == GAP)


class AssembledSource(hdf5.Hdf5Source):
    """Frames whose panels are put together as they are read."""

    def __init__(
        self,
        contents: Contents,
        file: h5py.File,
        canvas: Canvas,
        layout: StackLayout,
        masks: Masks,
        bad: NDArray[np.bool_],
    ) -> None:
        super().__init__(contents, file)
        self._canvas, self._layout, self._masks, self._bad = canvas, layout, masks, bad

    def with_note(self, note: str) -> AssembledSource:
        """The same frames, each with another note."""
        contents = replace(self._contents, notes=(note, *self._contents.notes))
        return AssembledSource(contents, self._file, self._canvas, self._layout, self._masks, self._bad)

    def _frame(self, index: int) -> Frame:
        try:
            dataset = self._file[self.dataset]
            stored = np.asarray(dataset[()] if self._layout.frames is None else dataset[index]).ravel()
        except BROKEN as error:
            raise UnreadableFileError(
                f"Frame {index} of {self.path} ({self.dataset}) is damaged ({hdf5.brief(str(error))}): "
                "copy the file again."
            ) from error
        where, bad = np.maximum(self._canvas.index, 0), self._bad
        masked = self._masks.bad(index)
        if masked is not None:
            bad = bad | masked[where]
        raw = stored[where]
        raw[self._canvas.index == GAP] = 0
        data, valid, saturated = mask_counts(raw, saturation=self.metadata.saturation, bad=bad)
        notes = (*self._contents.notes, *self._masks.notes)
        return Frame(data, valid, saturated, self.metadata, self.path, self.dataset, index, notes)


def recognizes(path: Path, head: bytes) -> bool:
    """Whether it is an HDF5 file with a geometry file of several panels beside it that fits."""
    if not head.startswith(_MAGIC) or beside(str(path)) is None:
        return False
    try:
        with h5py.File(path, "r", locking=False) as file:
            return open_beside(file, str(path), "") is not None
    except BROKEN:
        return False


def headers(path: Path, hints: Hints) -> list[Header]:
    """What the file and the geometry file beside it state together.

    Raises
    ------
    MissingDatasetError
        If there is none that fits.
    """
    with closing(hdf5.open_file(str(path))) as file:
        source = open_beside(file, str(path), "")
        if source is None:
            raise MissingDatasetError(f"No geometry file (.geom) lies beside {path} that fits it.")
        size = (source.shape[1], source.shape[0])
        return [Header(replace(source.metadata, verdicts=()), source._contents.notes, image_size=size)]


FORMAT = Format(
    name=NAME,
    key="crystfel-stack",
    suffixes=(".cxi", ".h5"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "no geometry file lies beside it"),
    write=None,
    convention=(
        "The panels of a CXI or HDF5 file are put into one image by a CrystFEL geometry file. The center is "
        "where CrystFEL's line x = y = 0 meets them, in pixels of that image, from the outer corner."
    ),
    open_frames=None,
    fields=(
        FieldNote("corner_x", "center_px", "pixel widths of a panel from the beam"),
        FieldNote("fs", "tilt_deg", "direction of a panel's fast axis; a z component is a tilt"),
        FieldNote("res", "pixel_mm", "pixels a meter"),
        FieldNote("clen", "distance_mm", "m, or the place of a number in mm in the data file; with coffset"),
        FieldNote("photon_energy", "wavelength_A", "eV, or the place of a number in the data file"),
        FieldNote("max_adu", "saturation", "counts; the least of the panels"),
    ),
)

"""NXcanSAS files: small-angle intensities on a grid of Q, whose center is where Q is zero."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from xgeom_core.errors import MissingDatasetError
from xgeom_core.formats.format import Format
from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.hdf5 import file as hdf5
from xgeom_core.formats.hdf5.plain import StackSource, choose, open_stack
from xgeom_core.formats.header import FieldNote, Header
from xgeom_core.formats.image_readings import reading_of_headers
from xgeom_core.formats.nexus import beam
from xgeom_core.formats.reading import Hints
from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import Metadata, Point, Verdict

NAME = "NXcanSAS"
_CONVENTION = "NXcanSAS: where Qx and Qy are zero, by the values at the pixels' centers"
_NOTE = "The image is a grid of Q: distance and pixel size of a detector have no meaning on it."
_NEAREST = 0.25  # part of the image that tells where Q is zero; farther out Q may bend


def open_cansas(file: h5py.File, path: str, wanted: str) -> StackSource | None:
    """Open the intensities of an NXcanSAS file; None if the file is not one, or something else is wanted."""
    found = _intensities(file)
    if found is None or (wanted and wanted.rpartition("/")[0] != found.parent.name):
        return None
    chosen, names = choose(file, path, wanted or str(found.name))
    return open_stack(file, path, chosen, names, NAME, _headers(found))


def recognizes(path: Path, head: bytes) -> bool:
    """Whether the file is HDF5 with intensities on a grid of Q."""
    if not head.startswith(hdf5.MAGIC):
        return False
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _intensities(file) is not None
    except fields.BROKEN:
        return False


def headers(path: Path, hints: Hints) -> list[Header]:
    """Where Q is zero.

    Raises
    ------
    MissingDatasetError
        If the file holds no intensities on a grid of Q.
    """
    with hdf5.told(str(path)), hdf5.open_file(str(path)) as file:
        found = _intensities(file)
        if found is None:
            raise MissingDatasetError(f"{path} holds no I with Qx and Qy in a group of class SASdata.")
        return _headers(found)


def _intensities(file: h5py.File) -> h5py.Dataset | None:
    """The first I of two dimensions that has Qx and Qy beside it."""
    for entry in fields.groups_of_class(file, "SASentry", "NXentry"):
        for group in fields.groups_of_class(entry, "SASdata", "NXdata"):
            signal, *q = (fields.dataset(group, name) for name in ("I", "Qx", "Qy"))
            if signal is not None and signal.ndim == 2 and None not in q:
                return signal
    return None


def _headers(intensities: h5py.Dataset) -> list[Header]:
    rows, columns = intensities.shape
    group, notes = intensities.parent, [_NOTE]
    center = _zero(*(_grid(group, name, (rows, columns)) for name in ("Qx", "Qy")))
    metadata = Metadata(
        center_px=center,
        center_convention=_CONVENTION if center is not None else "",
        wavelength_A=beam.wavelength(group.parent, None, notes),
        title=beam.title(group.parent),
        verdicts=(Verdict("center", "plausible"),) if center is not None else (),
    )
    return [Header(metadata, tuple(notes), image_size=(columns, rows))]


def _grid(group: h5py.Group, name: str, shape: tuple[int, int]) -> FloatArray | None:
    """Q at every pixel; one that is given along an axis only is spread over the image."""
    node = fields.dataset(group, name)
    field = fields.field_of(node) if node is not None else None
    if node is None or field is None or field.numbers.size != node.size:
        return None
    if node.ndim == 1:
        order = fields.text(fields.attribute(group, "I_axes")).split(",")
        axis = order.index(name) if name in order else ("Qy", "Qx").index(name)
        if node.size != shape[axis]:
            return None
        return np.broadcast_to(field.numbers[:, None] if axis == 0 else field.numbers, shape)
    return field.numbers.reshape(shape) if node.shape == shape else None


def _zero(qx: FloatArray | None, qy: FloatArray | None) -> Point | None:
    """Where both are zero, in px from the outer corner; None where they do not tell.

    Planes are fitted to Qx and Qy over the pixels nearest to their zero.
    """
    if qx is None or qy is None:
        return None
    q = np.hypot(qx, qy)
    row, column = np.nonzero(q <= np.quantile(q, _NEAREST))
    design = np.stack([column + 0.5, row + 0.5, np.ones(len(row))], axis=1)
    (ax, bx, cx), (ay, by, cy) = (np.linalg.lstsq(design, one[row, column])[0] for one in (qx, qy))
    slopes = np.array([[ax, bx], [ay, by]])
    if np.linalg.cond(slopes) > 1e3:
        return None
    x, y = np.linalg.solve(slopes, [-cx, -cy])
    return float(x), float(y)


FORMAT = Format(
    name=NAME,
    key="cansas",
    suffixes=(".h5", ".nxs"),
    recognizes=recognizes,
    read=reading_of_headers(NAME, headers, "its Qx and Qy are no grid"),
    write=None,
    convention=(
        "The center is where Qx and Qy are zero, interpolated between the pixels' centers. The image is a "
        "grid of Q: there is no distance and no pixel size."
    ),
    open_frames=hdf5.opener(open_cansas),
    fields=(
        FieldNote("Qx", "center_px", "at the pixels' centers; zero is the beam"),
        FieldNote("Qy", "center_px", "at the pixels' centers; zero is the beam"),
        FieldNote("title", "title", "words"),
    ),
)

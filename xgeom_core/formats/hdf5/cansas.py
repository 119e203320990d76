"""NXcanSAS: small-angle intensities on a grid of Q, whose center is where Q is zero."""

from __future__ import annotations

import h5py
import numpy as np

from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.header import Header
from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import Metadata, Point, Verdict

_CONVENTION = "NXcanSAS: where Qx and Qy are zero, by the values at the pixels' centers"
_NOTE = "The image is a grid of Q: distance and pixel size of a detector have no meaning on it."
_NEAREST = 0.25  # part of the image that tells where Q is zero; farther out Q may bend
_WORST_CONDITION = 1e3


def header(image: h5py.Dataset) -> Header | None:
    """Where Q is zero on an image that has Qx and Qy beside it; None for any other."""
    group, shape = image.parent, image.shape
    if len(shape) != 2 or fields.dataset(group, "Qx") is None or fields.dataset(group, "Qy") is None:
        return None
    center = _zero(_grid(group, "Qx", shape), _grid(group, "Qy", shape))
    metadata = Metadata(
        center_px=center,
        center_convention=_CONVENTION if center is not None else "",
        title=fields.read_text(group.parent, "title"),
        verdicts=(Verdict("center", "plausible"),) if center is not None else (),
    )
    return Header(metadata, (_NOTE,), image_size=(shape[1], shape[0]))


def _grid(group: h5py.Group, name: str, shape: tuple[int, int]) -> FloatArray | None:
    """Q at every pixel; one that is given along an axis only is spread over the image."""
    node = fields.dataset(group, name)
    field = fields.field_of(node) if node is not None else None
    if node is None or field is None or field.numbers.size != node.size:
        return None
    if node.ndim == 1:
        order = fields.text(fields.attribute(group, "I_axes")).split(",")
        axis = order.index(name) if name in order[:2] else ("Qy", "Qx").index(name)
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
    if not slopes.any() or np.linalg.cond(slopes) > _WORST_CONDITION:
        return None
    x, y = np.linalg.solve(slopes, [-cx, -cy])
    return float(x), float(y)

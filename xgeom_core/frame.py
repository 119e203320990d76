"""Frame: one diffraction image, which of its pixels count, and what its file says of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Pooling
from xgeom_core.metadata import Metadata


@dataclass(frozen=True, eq=False)
class Frame:
    """One image in native pixels.

    Parameters
    ----------
    data : ndarray of float32, shape (slow, fast)
        Counts, or whatever the file holds for them. Masked pixels hold 0.
    valid : ndarray of bool, shape (slow, fast)
        True where the count can be trusted: not masked, not a sentinel, not saturated.
    saturated : ndarray of bool, shape (slow, fast)
        True where the pixel is saturated (and therefore not valid).
    metadata : Metadata
        What the file says of the geometry.
    path : str
        The file as the user named it.
    dataset : str
        The dataset in the file, "" where the format has none.
    index : int
        Number of the frame in its file, from 0.
    warnings : tuple of str
        What the reader noticed and the user should know.
    dark : float
        What a pixel without light holds on the average; see `xgeom_core.predict.noise_scale`.
    dark_sigma : float
        Its standard deviation.
    """

    data: NDArray[np.float32]
    valid: NDArray[np.bool_]
    saturated: NDArray[np.bool_]
    metadata: Metadata = field(default_factory=Metadata)
    path: str = ""
    dataset: str = ""
    index: int = 0
    warnings: tuple[str, ...] = ()
    dark: float = 0.0
    dark_sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.data.ndim != 2 or self.data.size == 0:
            raise ValueError(f"a frame needs a two-dimensional image, not shape {self.data.shape}")
        if self.valid.shape != self.data.shape or self.saturated.shape != self.data.shape:
            raise ValueError("data, valid and saturated must have the same shape")

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels ``(slow, fast)``."""
        return self.data.shape[0], self.data.shape[1]


@dataclass(frozen=True, eq=False)
class PooledFrame:
    """A frame summed over blocks of native pixels.

    Parameters
    ----------
    counts : ndarray of float32, shape (slow, fast)
        Sum of the counts of the valid native pixels in each block.
    weight : ndarray of float32, shape (slow, fast)
        Number of valid native pixels in each block, 0 to ``factor**2``.
    pooling : Pooling
        The exact map between pooled and native coordinates.
    dark, dark_sigma : float
        What of the counts of a whole block is no light, and its standard deviation.
    """

    counts: NDArray[np.float32]
    weight: NDArray[np.float32]
    pooling: Pooling
    dark: float = 0.0
    dark_sigma: float = 0.0

    @property
    def full(self) -> NDArray[np.bool_]:
        """True where every native pixel of the block is valid."""
        return self.weight == self.pooling.factor**2


def pool(frame: Frame, factor: int, canvas: tuple[int, int] | None = None) -> PooledFrame:
    """Sum a frame over ``factor x factor`` blocks.

    Parameters
    ----------
    frame : Frame
        The native frame.
    factor : int
        Native pixels per block along each axis.
    canvas : tuple of int, optional
        Shape ``(slow, fast)`` of the result in blocks. The native frame is placed in its middle:
        cropped where it is larger, padded with pixels of weight 0 where it is smaller. Without a
        canvas the result covers the whole frame, the last blocks being padded.

    Returns
    -------
    PooledFrame
    """
    height, width = frame.shape
    if canvas is None:
        rows, columns = -(-height // factor), -(-width // factor)
        off_y = off_x = 0
    else:
        rows, columns = canvas
        # Floor division keeps the offset an integer, so that the map stays exact.
        off_y, off_x = (height - rows * factor) // 2, (width - columns * factor) // 2
    counts = np.where(frame.valid, frame.data, np.float32(0.0))
    return PooledFrame(
        _block_sum(counts, factor, (rows, columns), (off_y, off_x)),
        _block_sum(frame.valid.astype(np.float32), factor, (rows, columns), (off_y, off_x)),
        Pooling(factor, (off_x, off_y)),
        frame.dark * factor**2,
        frame.dark_sigma * factor**2,
    )


def _block_sum(
    image: NDArray[np.float32], factor: int, shape: tuple[int, int], offset: tuple[int, int]
) -> NDArray[np.float32]:
    """Sum over blocks of a window that may reach beyond the image (zeros there)."""
    (rows, columns), (off_y, off_x) = shape, offset
    height, width = image.shape
    window = np.zeros((rows * factor, columns * factor), dtype=np.float32)
    y0, x0 = max(off_y, 0), max(off_x, 0)
    y1, x1 = min(off_y + rows * factor, height), min(off_x + columns * factor, width)
    if y1 > y0 and x1 > x0:
        window[y0 - off_y : y1 - off_y, x0 - off_x : x1 - off_x] = image[y0:y1, x0:x1]
    # Adding strided slices is several times faster than a reshape with sum(axis=(1, 3)).
    by_rows = window[0::factor].copy()
    for i in range(1, factor):
        by_rows += window[i::factor]
    total = by_rows[:, 0::factor].copy()
    for i in range(1, factor):
        total += by_rows[:, i::factor]
    return total

"""Writing frames as one NXmx file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import FrameFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.nexus.images import TRUTH
from xgeom_core.formats.nexus.writing import group_of, put, write_entry
from xgeom_core.metadata import Metadata
from xgeom_core.system.safe_files import replacing


def write_nxmx(
    path: str | os.PathLike[str],
    images: NDArray[Any],
    metadata: Metadata,
    valid: NDArray[np.bool_] | None = None,
    *,
    truth: Sequence[Estimate | None] | None = None,
) -> None:
    """Write frames as an NXmx file that `open_frames` and other programs read.

    The file appears at once and whole: it is written under another name beside its place and then
    moved there.

    Parameters
    ----------
    path : str or path-like
        The file to write; one that exists is replaced.
    images : ndarray of int, shape (n, slow, fast)
        Counts, of an integer type; stored with bitshuffle and LZ4, one chunk per frame. Values that
        mark bad pixels (`xgeom_core.formats.masking`) are read back as masked.
    metadata : Metadata
        What is known of the experiment; unknown quantities are left out.
    valid : ndarray of bool, shape (slow, fast), optional
        False where a pixel is bad in all frames.
    truth : sequence of Estimate or None, optional
        Known center of each frame, for simulated ones; ``FrameSource.truth`` gives it back.

    Raises
    ------
    FrameFileError
        If the file cannot be written.
    ValueError
        If the arrays do not fit together.
    """
    _check(images, valid, truth)
    target = Path(path)
    try:
        with replacing(target) as partial, h5py.File(partial, "w") as file:
            _write(file, images, metadata, valid, truth)
    except OSError as error:
        raise FrameFileError(
            f"{target} cannot be written ({error.strerror or error}): choose another place."
        ) from error


def _check(
    images: NDArray[Any], valid: NDArray[np.bool_] | None, truth: Sequence[Estimate | None] | None
) -> None:
    if images.ndim != 3 or images.dtype.kind not in "ui" or 0 in images.shape:
        raise ValueError(f"images must be (n, slow, fast) integers, not {images.shape} {images.dtype}")
    if valid is not None and valid.shape != images.shape[1:]:
        raise ValueError(f"valid has shape {valid.shape}, the images have {images.shape[1:]}")
    if truth is not None and len(truth) != len(images):
        raise ValueError(f"{len(truth)} known centers for {len(images)} images")


def _write(
    file: h5py.File,
    images: NDArray[Any],
    metadata: Metadata,
    valid: NDArray[np.bool_] | None,
    truth: Sequence[Estimate | None] | None,
) -> None:
    count, slow, fast = images.shape
    entry = write_entry(file, metadata, (fast, slow), count)
    packed = hdf5plugin.Bitshuffle(cname="lz4")
    stack = entry["data"].create_dataset(
        "data", shape=images.shape, dtype=images.dtype, chunks=(1, slow, fast), **packed
    )
    for number, image in enumerate(images):
        stack[number] = image
    if valid is not None:
        mask = (~valid).astype(np.uint32)
        entry["instrument/detector"].create_dataset("pixel_mask", data=mask, **packed)
    if truth is not None:
        _write_truth(group_of(entry, TRUTH, "NXcollection"), truth)


def _write_truth(group: h5py.Group, truth: Sequence[Estimate | None]) -> None:
    unknown = (np.nan, np.nan)
    put(group, "center_px", [known.center_px if known else unknown for known in truth], "pixel")
    put(group, "tilt_deg", [known.tilt_deg or unknown if known else unknown for known in truth], "deg")

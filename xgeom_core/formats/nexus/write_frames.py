"""Writing frames as one NXmx file in the style of Dectris detectors."""

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
from xgeom_core.formats.nexus.header import TILT_FIELD
from xgeom_core.formats.nexus.images import TRUTH
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
        What is known of the geometry; unknown quantities are left out.
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
    entry = _group(file, "entry", "NXentry")
    file.attrs["default"] = "entry"
    entry.attrs["default"] = "data"
    entry["definition"] = "NXmx"
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    stack = data.create_dataset(
        "data",
        shape=images.shape,
        dtype=images.dtype,
        chunks=(1, *images.shape[1:]),
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )
    for number, image in enumerate(images):
        stack[number] = image
    instrument = _group(entry, "instrument", "NXinstrument")
    if metadata.wavelength_A is not None:
        beam = _group(instrument, "beam", "NXbeam")
        _number(beam, "incident_wavelength", metadata.wavelength_A, "angstrom")
    _write_detector(_group(instrument, "detector", "NXdetector"), metadata)
    if valid is not None:
        instrument["detector"].create_dataset(
            "pixel_mask", data=(~valid).astype(np.uint32), **hdf5plugin.Bitshuffle(cname="lz4")
        )
    if truth is not None:
        _write_truth(_group(entry, TRUTH, "NXcollection"), truth)


def _write_detector(detector: h5py.Group, metadata: Metadata) -> None:
    if metadata.detector:
        detector["description"] = metadata.detector
    if metadata.center_px is not None:
        _number(detector, "beam_center_x", metadata.center_px[0], "pixel")
        _number(detector, "beam_center_y", metadata.center_px[1], "pixel")
    if metadata.pixel_mm is not None:
        _number(detector, "x_pixel_size", metadata.pixel_mm[0] / 1e3, "m")
        _number(detector, "y_pixel_size", metadata.pixel_mm[1] / 1e3, "m")
    if metadata.distance_mm is not None:
        _number(detector, "distance", metadata.distance_mm / 1e3, "m")
        _number(detector, "detector_distance", metadata.distance_mm / 1e3, "m")
    if metadata.saturation is not None:
        detector["saturation_value"] = metadata.saturation
    if metadata.tilt_deg is not None:
        detector[TILT_FIELD] = np.asarray(metadata.tilt_deg, dtype=np.float64)
        detector[TILT_FIELD].attrs["units"] = "deg"


def _write_truth(group: h5py.Group, truth: Sequence[Estimate | None]) -> None:
    unknown = (np.nan, np.nan)
    group["center_px"] = np.array([known.center_px if known else unknown for known in truth], np.float64)
    group["tilt_deg"] = np.array(
        [known.tilt_deg or unknown if known else unknown for known in truth], np.float64
    )
    group["center_px"].attrs["units"] = "pixel"
    group["tilt_deg"].attrs["units"] = "deg"


def _group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _number(group: h5py.Group, name: str, value: float, unit: str) -> None:
    group[name] = float(value)
    group[name].attrs["units"] = unit

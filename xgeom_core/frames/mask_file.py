"""Masks in files of their own: HDF5, NumPy or an image format, 1 (or anything but 0) where masked."""

from __future__ import annotations

from pathlib import Path

import fabio
import fabio.tifimage
import h5py
import numpy as np
from numpy.typing import NDArray

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_core.formats.hdf5.storage import check_storage, content
from xgeom_core.frames.location import check_file
from xgeom_core.system.safe_files import replacing
from xgeom_core.system.text import shortened, visible

MASK_DATASET = "mask"
_HDF5, _NUMPY, _TIFF = {".h5", ".hdf5", ".nxs"}, {".npy"}, {".tif", ".tiff"}
_NAMES = (MASK_DATASET, "entry/instrument/detector/pixel_mask", "pixel_mask")
_DIMENSIONS = 2
_LONGEST_REASON = 400


def write_mask(path: str | Path, mask: NDArray[np.bool_]) -> None:
    """Write a mask; the ending of the name tells the format.

    Parameters
    ----------
    path : str or Path
        Ending in ``.h5``, ``.npy`` or ``.tif``.
    mask : ndarray of bool, shape (slow, fast)
        True where masked.

    Raises
    ------
    UsageError
        If the ending is none of these, or the file cannot be written.
    """
    path, pixels = Path(path), mask.astype(np.uint8)
    if path.suffix.lower() not in _HDF5 | _NUMPY | _TIFF:
        raise UsageError(f"{path.name}: a mask is saved as .h5, .npy or .tif; give it one of these endings.")
    try:
        with replacing(path, path.suffix) as partial:
            _write(partial, pixels)
    except OSError as error:
        raise UsageError(f"{path} could not be written ({error}): choose another folder.") from error


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    kind = path.suffix.lower()
    if kind in _HDF5:
        with h5py.File(path, "w") as file:
            dataset = file.create_dataset(MASK_DATASET, data=pixels, compression="gzip", compression_opts=1)
            dataset.attrs["meaning"] = "1 where a pixel is masked, 0 where it is used"
    elif kind in _NUMPY:
        np.save(path, pixels)
    else:
        fabio.tifimage.TifImage(data=pixels).write(str(path))


def read_mask(path: str | Path) -> NDArray[np.bool_]:
    """Read a mask: whatever is not 0 is masked.

    Parameters
    ----------
    path : str or Path
        HDF5 (dataset ``mask`` or ``pixel_mask``, else its only image), ``.npy``, or an image format.

    Returns
    -------
    ndarray of bool, shape (slow, fast)

    Raises
    ------
    UnreadableFileError
        If there is no two-dimensional image in the file.
    """
    path = Path(path)
    check_file(str(path))
    try:
        if path.suffix.lower() in _HDF5:
            image = _from_hdf5(path)
        elif path.suffix.lower() in _NUMPY:
            image = np.load(path, allow_pickle=False)
        else:
            with fabio.open(str(path)) as file:
                image = file.data
    except UnreadableFileError:
        raise
    # fabio raises whatever its readers stumble upon, and NumPy parses a damaged header as Python.
    except Exception as error:
        why = shortened(visible(str(error)), _LONGEST_REASON)
        raise UnreadableFileError(
            f"{path.name} could not be read as a mask ({why}): HDF5, .npy or .tif is."
        ) from error
    if image is None or np.ndim(image) != _DIMENSIONS or np.size(image) == 0:
        raise UnreadableFileError(f"{path.name} holds no two-dimensional image that could be a mask.")
    return np.asarray(np.asarray(image) != 0)


def _from_hdf5(path: Path) -> NDArray[np.generic] | None:
    with h5py.File(path, "r") as file:
        named = next((name for name in _NAMES if isinstance(file.get(name), h5py.Dataset)), None)
        if named is None:
            images: list[str] = []

            def note(name: str, item: object) -> None:
                if isinstance(item, h5py.Dataset) and item.ndim == _DIMENSIONS and item.dtype.kind in "biu":
                    images.append(name)

            file.visititems(note)
            named = images[0] if len(images) == 1 else None
        if named is None:
            return None
        check_storage(path.name, file[named])
        return np.asarray(content(file[named]))

"""The HDF5 file in the training layout: assembled from packed frames, and recognized when it is there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from xgeom_core.errors import FrameFileError
from xgeom_core.simulate.shards.layout import CONVENTION, GEOM, LABELS, PIVOT, STRUCTURES, TRUTH
from xgeom_core.simulate.shards.packing import LEVEL, Packed
from xgeom_core.simulate.shards.plan import FrameSet, Shard
from xgeom_core.system.safe_files import forget_partials, replacing

# Bytes for HDF5's own bookkeeping, generously.
_ROOM_PER_FRAME, _ROOM = 8192, 1 << 20


def assemble(shard: Shard, frames: FrameSet, packed: Iterable[Packed]) -> None:
    """Write a shard from its packed frames; the file appears under its name when it is whole.

    Raises
    ------
    FrameFileError
        If it cannot be written.
    """
    # What a killed process left; the journal's lock says that no other writes this shard now.
    forget_partials(shard.path)
    try:
        with replacing(shard.path) as partial:
            with h5py.File(partial, "w") as file:
                _reserve(partial, shard)
                _fill(file, shard, frames, packed)
                file.flush()
                size = file.id.get_filesize()
            os.truncate(partial, size)
    # HDF5 reports a full disk as the one or the other.
    except (OSError, RuntimeError) as error:
        raise FrameFileError(
            f"{shard.path} cannot be written: {_reason(error)}. Its {shard.count} frames are kept in "
            f"{shard.journal.name}; make room and run the same command again."
        ) from None


def _fill(file: h5py.File, shard: Shard, frames: FrameSet, packed: Iterable[Packed]) -> None:
    count, shape = shard.count, frames.shape
    file.attrs.update(identity_attributes(shard, frames))
    file.attrs["recipe_name"] = frames.recipe.name
    file.attrs["convention"] = CONVENTION
    file.attrs["pivot"] = PIVOT
    chunked = {"chunks": (1, *shape), "compression": "gzip", "compression_opts": LEVEL}
    images = file.create_dataset("images", (count, *shape), dtype="<f4", **chunked)
    images.attrs["transform"] = "sqrt"
    images.attrs["pooling"] = 1
    known = file.create_dataset("known", (count, *shape), dtype="u1", **chunked)
    known.attrs["meaning"] = "1 where the detector is sensitive, 0 in gaps"
    labels = np.empty((count, len(LABELS)), dtype="<f4")
    geom = np.empty((count, len(GEOM)), dtype="<f4")
    truth = np.empty((count, len(TRUTH)), dtype="<f8")
    experiment = file.create_dataset("experiment", (count,), dtype=h5py.string_dtype())
    experiment.attrs["meaning"] = "everything that was drawn for the frame, as JSON"
    for place, frame in enumerate(packed):
        images.id.write_direct_chunk((place, 0, 0), frame.image)
        known.id.write_direct_chunk((place, 0, 0), frame.known)
        labels[place], geom[place], truth[place] = frame.labels, frame.geom, frame.truth
        experiment[place] = frame.experiment
    for name, table, columns in (("labels", labels, LABELS), ("geom", geom, GEOM), ("truth", truth, TRUTH)):
        file.create_dataset(name, data=table).attrs["names"] = columns
    file["labels"].attrs["pdbmap"] = STRUCTURES
    index = file.create_dataset("index", data=np.arange(shard.first, shard.first + count, dtype="<i8"))
    index.attrs["meaning"] = "number of the frame in its set: recipe, seed and this number reproduce it"


def _reserve(partial: Path, shard: Shard) -> None:
    """Claim the room that the file will take: HDF5 may crash where the disk is full while it writes."""
    if hasattr(os, "posix_fallocate"):
        handle = os.open(partial, os.O_RDWR)
        try:
            size = shard.journal.stat().st_size + shard.count * _ROOM_PER_FRAME + _ROOM
            os.posix_fallocate(handle, 0, size)
        finally:
            os.close(handle)


def _reason(error: Exception) -> str:
    """What the system said, in one line, out of what HDF5 makes of it."""
    said = re.search(r"error message = '([^']*)'", str(error))
    if said:
        return said[1]
    return getattr(error, "strerror", None) or " ".join(str(error).split())


def identity_attributes(shard: Shard, frames: FrameSet) -> dict[str, Any]:
    """Attributes of the file that say which frames it holds."""
    found = frames.identity()
    return {
        "xgeom_version": found["xgeom version"],
        "recipe": found["recipe"],
        "seed": found["seed"],
        "first_frame": shard.first,
    }


def found_identity(path: Path) -> dict[str, Any] | None:
    """What a finished file says it holds, in the words of `FrameSet.identity`; None if it is another file."""
    try:
        with h5py.File(path, "r") as file:
            images, attributes = file["images"], file.attrs
            return {
                "xgeom version": str(attributes["xgeom_version"]),
                "recipe": str(attributes["recipe"]),
                "seed": int(attributes["seed"]),
                "size": f"{images.shape[2]} x {images.shape[1]} px",
                "first frame": int(attributes["first_frame"]),
                "number of frames": int(images.shape[0]),
            }
    except (OSError, KeyError, AttributeError, IndexError):
        return None

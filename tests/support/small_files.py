"""Builders of small files with known contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

SIDE = (48, 40)
"""Pixels (slow, fast) of the images in these tests; not square, so that swapped axes show."""


def counting_images(count: int, shape: tuple[int, int] = SIDE, dtype: str = "u4") -> NDArray[Any]:
    """Images of which each pixel says which frame, row and column it is from."""
    frame, row, column = np.ogrid[:count, : shape[0], : shape[1]]
    return (frame * 10000 + row * 100 + column).astype(dtype)


@pytest.fixture
def images() -> Callable[..., NDArray[Any]]:
    return counting_images


def put(group: h5py.Group, name: str, value: Any, unit: str = "") -> None:
    """Write a field, with its unit where it has one."""
    group[name] = value
    if unit:
        group[name].attrs["units"] = unit


@pytest.fixture
def nxmx_file(tmp_path: Path) -> Callable[..., Path]:
    """Write an NXmx file: the images and any fields ``{path: (value, unit)}``."""

    def write(
        stack: NDArray[Any] | None = None,
        fields: dict[str, tuple[Any, str]] | None = None,
        name: str = "nxmx.h5",
    ) -> Path:
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            entry = file.create_group("entry")
            entry.attrs["NX_class"] = "NXentry"
            entry.create_group("data").attrs["NX_class"] = "NXdata"
            if stack is not None:
                entry["data/data"] = stack
            for field, (value, unit) in (fields or {}).items():
                put(entry, field, value, unit)
        return path

    return write


LABELS = ("beam_center_fast", "beam_center_slow", "pitch_deg", "yaw_deg", "bg_only")
GEOM = ("detdist", "wavelen", "pixsize", "xdim", "ydim")


@pytest.fixture
def training_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a training file; every row of the tables is a dict of what differs from the usual."""

    def write(
        stack: NDArray[Any],
        rows: Sequence[dict[str, float]],
        *,
        attrs: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        names: Callable[[str], Any] = str,
        labels: Sequence[str] = LABELS,
        name: str = "training.h5",
    ) -> Path:
        usual = {"detdist": 200.0, "wavelen": 1.0, "pixsize": 0.172, "xdim": 120.0, "ydim": 144.0}
        full = [usual | dict.fromkeys(labels, 0.0) | row for row in rows]
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            file.attrs.update(root or {})
            file["images"] = stack
            file["images"].attrs.update(attrs or {})
            for table, columns in (("labels", labels), ("geom", GEOM)):
                file[table] = np.array([[row[key] for key in columns] for row in full], np.float32)
                kind = h5py.string_dtype() if names is str else None
                file[table].attrs["names"] = np.array([names(key) for key in columns], dtype=kind)
        return path

    return write

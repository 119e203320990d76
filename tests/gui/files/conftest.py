"""Files to open."""

from __future__ import annotations

from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

SHAPE = (120, 160)


def write_cbf(path: Path, seed: int) -> str:
    data = np.random.default_rng(seed).poisson(20, SHAPE).astype(np.int32)
    data[0, 0] = seed
    fabio.cbfimage.CbfImage(data=data).write(str(path))
    return str(path)


def write_hdf5(path: Path, frames: int, shape: tuple[int, int] = SHAPE) -> str:
    with h5py.File(path, "w") as file:
        data = np.random.default_rng(frames).poisson(20, (frames, *shape)).astype(np.int32)
        file.create_dataset("images/data", data=data, maxshape=(None, *shape), chunks=(1, *shape))
        file["images"].attrs["made_by"] = "a test"
    return str(path)


@pytest.fixture(name="write_cbf")
def _write_cbf():
    return write_cbf


@pytest.fixture(name="write_hdf5")
def _write_hdf5():
    return write_hdf5


@pytest.fixture
def cbf_series(tmp_path: Path) -> list[str]:
    """Six single images, numbered 1 to 6."""
    (tmp_path / "run").mkdir()
    return [write_cbf(tmp_path / "run" / f"img_{i:04d}.cbf", i) for i in range(1, 7)]


@pytest.fixture
def drop(opened):
    """Drop files on the window."""

    def act(*paths: object) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        event = QDropEvent(
            QPointF(50, 50),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        opened.window.dropEvent(event)
        opened.settle()

    return act

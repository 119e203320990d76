"""Pictures of files: the empty window with recent files, and the tree of an HDF5 file with a missing part.

`pictures` yields one name after the other once the window shows it; whoever calls it saves the picture.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
from PySide6.QtCore import Qt

from xgeom_gui.main_window import MainWindow
from xgeom_gui.session import Session


def pictures(
    window: MainWindow, session: Session, frames: Path, wait: Callable[[Callable[[], bool]], None]
) -> Iterator[str]:
    """Bring the window from one picture to the next.

    Parameters
    ----------
    frames : Path
        Folder of the reference frames.
    wait : callable
        Lets the window live until a condition holds.
    """
    tools, actions = window.file_tools, window.actions_by_name
    with tempfile.TemporaryDirectory() as folder:
        master = _master(Path(folder))
        window.open(str(master))
        wait(lambda: session.frame is not None and not session.activity)
        actions["tree"].trigger()
        for name in ("data", "instrument", "detector"):
            wait(lambda name=name: _find(window, name) is not None)
            item = _find(window, name)
            item.setExpanded(True)
            tools.tree.tree.setCurrentItem(item)
        wait(lambda: _find(window, "beam_center_x") is not None)
        tools.tree.tree.setCurrentItem(_find(window, "beam_center_x"))
        wait(lambda: "pixel" in tools.tree.details.text())
        yield "file-tree"
        actions["tree"].trigger()


def _find(window: MainWindow, name: str):
    flags = Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive
    found = window.file_tools.tree.tree.findItems(name, flags, 0)
    return found[0] if found else None


def _master(folder: Path) -> Path:
    """A master as detectors write it, the last of whose data files is gone."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:514, :1030]
    ground = 40 * np.exp(-np.hypot(x - 520, y - 250) / 260)
    with h5py.File(folder / "lyso_data_000001.h5", "w") as file:
        data = rng.poisson(ground, (2, 514, 1030)).astype("u2")
        file.create_dataset("entry/data/data", data=data, chunks=(1, 514, 1030), compression="gzip")
    path = folder / "lyso_master.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXmx"
        group = entry.create_group("data")
        group.attrs["NX_class"] = "NXdata"
        group["data_000001"] = h5py.ExternalLink("lyso_data_000001.h5", "/entry/data/data")
        group["data_000002"] = h5py.ExternalLink("lyso_data_000002.h5", "/entry/data/data")
        beam = entry.create_group("instrument/beam")
        beam.attrs["NX_class"] = "NXbeam"
        _put(beam, "incident_wavelength", 0.9762, "angstrom")
        detector = entry.create_group("instrument/detector")
        detector.attrs["NX_class"] = "NXdetector"
        detector["description"] = "Eiger 500K"
        _put(detector, "beam_center_x", 519.6, "pixel")
        _put(detector, "beam_center_y", 249.8, "pixel")
        _put(detector, "detector_distance", 0.12, "m")
        _put(detector, "x_pixel_size", 7.5e-5, "m")
        _put(detector, "y_pixel_size", 7.5e-5, "m")
        detector["pixel_mask"] = np.zeros((514, 1030), "u4")
    return path


def _put(group: h5py.Group, name: str, value: float, unit: str) -> None:
    group[name] = value
    group[name].attrs["units"] = unit

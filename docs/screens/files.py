"""Picture of the tree of an HDF5 file, one part of which is missing."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from PySide6.QtCore import Qt
from studio import Studio

from xgeom_gui.app.main_window import MainWindow


def tree(studio: Studio) -> None:
    window, session = studio.window, studio.session
    tools, actions = window.file_tools, window.actions_by_name
    folder = studio.scratch / "lysozyme"
    folder.mkdir(exist_ok=True)
    window.open(str(_master(folder)))
    studio.wait(lambda: session.frame is not None and "lyso" in session.frame.path)
    studio.wait(lambda: studio.settled)
    actions["tree"].trigger()
    for name in ("data", "instrument", "detector"):
        studio.wait(lambda name=name: _find(window, name) is not None)
        item = _find(window, name)
        item.setExpanded(True)
        tools.tree.tree.setCurrentItem(item)
    studio.wait(lambda: _find(window, "beam_center_x") is not None)
    tools.tree.tree.setCurrentItem(_find(window, "beam_center_x"))
    studio.wait(lambda: "pixel" in tools.tree.details.text())
    studio.shoot("file-tree")
    actions["tree"].trigger()


SCENES = {"file-tree": tree}


def _find(window: MainWindow, name: str):
    flags = Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive
    found = window.file_tools.tree.tree.findItems(name, flags, 0)
    return found[0] if found else None


def _master(folder: Path) -> Path:
    """A master as detectors write it, whose file of calibrations is gone."""
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
        detector["flatfield"] = h5py.ExternalLink("calibration.h5", "/flatfield")
        detector["pixel_mask"] = np.zeros((514, 1030), "u4")
    return path


def _put(group: h5py.Group, name: str, value: float, unit: str) -> None:
    group[name] = value
    group[name].attrs["units"] = unit

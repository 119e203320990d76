"""Pictures of doubting a center: moved by hand, explained, split into parts, over a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - the filters of the example's images
import numpy as np
from PySide6.QtCore import Qt
from studio import Studio

from xgeom_core.programs import find_program, locate
from xgeom_core.resources import resource

# Share of the beam in each frame.
_SHARES = (1.0, 0.8, 0.6, 0.4, 0.25, 0.0, 0.15, 0.08, 0.04, 0.01)

UNCERTAIN = "eiger2_4m/image000044.h5"
PROTEIN = "i04_thaumatin/thau_3_2_0003.cbf.bz2"


def _protein(studio: Studio) -> None:
    frame = studio.session.frame
    if frame is None or not frame.path.endswith("0003.cbf.bz2"):
        studio.open(studio.frames / PROTEIN)


def by_hand(studio: Studio) -> None:
    _protein(studio)
    session, tools, actions = studio.session, studio.window.center_tools, studio.window.actions_by_name
    best = session.best
    assert best is not None
    studio.window.image.zoom_to(best.center_px, 40)
    session.user_centers.drag(best, (best.center_px[0] - 6.0, best.center_px[1] - 4.0))
    session.user_centers.drop()
    tools.hand.hold("manual")
    actions["blink"].setChecked(True)
    studio.shoot("center-by-hand")
    actions["blink"].setChecked(False)
    tools.hand.let_go()
    session.user_centers.reset()
    studio.window.image.reset_view()


def why(studio: Studio) -> None:
    _protein(studio)
    tools = studio.window.center_tools
    studio.window.actions_by_name["why"].trigger()
    studio.wait(lambda: tools.explanation.explanation is not None and tools.sight.sight is not None)
    studio.shoot("why")
    with studio.theme("dark"):
        studio.shoot("why-dark")
    studio.window.actions_by_name["why"].trigger()


def _fading(path: Path) -> Path:
    """The example as if the beam faded from frame to frame, with an empty frame among them."""
    shutil.copyfile(resource("example/frame.h5"), path)
    rng = np.random.default_rng(1)
    with h5py.File(path, "r+") as file:
        place = next(name for name in _datasets(file) if file[name].ndim == 3)
        images, old = file[place][()], file[place]
        attributes = dict(old.attrs)
        shown = np.concatenate([images] * 4)[: len(_SHARES)]
        for image, share in zip(shown, _SHARES, strict=True):
            counts = image >= 0
            counts &= image < np.iinfo(image.dtype).max
            image[counts] = rng.binomial(image[counts].astype(np.int64), share)
        for name in ("center_px", "tilt_deg"):
            truth = file[f"entry/xgeom_truth/{name}"][()]
            del file[f"entry/xgeom_truth/{name}"]
            file[f"entry/xgeom_truth/{name}"] = np.concatenate([truth] * 4)[: len(_SHARES)]
        del file[place]
        new = file.create_dataset(place, data=shown, chunks=(1, *shown.shape[1:]), compression="gzip")
        for name, value in attributes.items():
            new.attrs[name] = value
    return path


def _datasets(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, node: found.append(name) if isinstance(node, h5py.Dataset) else None)
    return found


def run(studio: Studio) -> None:
    session = studio.session
    studio.open(_fading(studio.scratch / "fading.h5"))
    studio.window.actions_by_name["run"].trigger()
    studio.window.run_tools.panel.start()
    studio.wait(lambda: session.batch.shared is not None and studio.window.run_tools.panel.plots.settled)
    studio.shoot("run")
    with studio.theme("dark"):
        studio.shoot("run-dark")
    studio.window.tabs.setCurrentIndex(0)


def card(studio: Studio) -> None:
    """The answer card; and the window at a quarter of its size, where its first lines can still be read."""
    _protein(studio)
    whole = studio.window.grab()
    studio.window.centers.card.grab().save(str(studio.folder / "card.png"))
    small = whole.scaledToWidth(whole.width() // 4, Qt.TransformationMode.SmoothTransformation)
    small.save(str(studio.folder / "card-quarter.png"))


def compare_with(studio: Studio) -> None:
    """DIALS beside the bundled example: with the header's center it indexes the lattice shifted by one."""
    program = find_program("dials")
    if locate(program) is None:
        raise FileNotFoundError("DIALS is not installed")
    studio.open(resource("example/frame.h5"))
    strip = studio.window.compare
    strip.start(program)
    studio.pause(4000)
    studio.shoot("compare-running")
    studio.wait(strip.stop.isHidden)
    studio.shoot("compare-with")
    strip.hide()


def uncertain(studio: Studio) -> None:
    studio.open(studio.frames / UNCERTAIN)
    studio.shoot("uncertain")


SCENES = {
    "card": card,
    "uncertain": uncertain,
    "center-by-hand": by_hand,
    "why": why,
    "run": run,
    "compare-with": compare_with,
}

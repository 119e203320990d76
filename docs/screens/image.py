"""Pictures of looking at frames: sources with rings, log and dark, the lattice, the cake, a swing."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from studio import Studio

from xgeom_core.resources import resource

PROTEIN = "i04_thaumatin/thau_3_2_0003.cbf.bz2"
SWUNG = "bruker_ceo2/powCeO2_02.sfrm"

# What refining the lattices of five frames of this run gave, as a table, and the header's as XDS states it.
_TABLE = "frame,x_px,y_px,pitch_deg,yaw_deg\n0,1261.56,1307.32,0.02,-0.26\n"
_XDS = """NX= 2463 NY= 2527 QX= 0.172 QY= 0.172
ORGX= 1262.11 ORGY= 1307.46
DETECTOR_DISTANCE= 351.0
X-RAY_WAVELENGTH= 0.96859
DIRECTION_OF_DETECTOR_X-AXIS= 1 0 0
DIRECTION_OF_DETECTOR_Y-AXIS= 0 1 0
INCIDENT_BEAM_DIRECTION= 0 0 1
"""


def _protein(studio: Studio) -> None:
    if studio.session.frame is None or not studio.session.frame.path.endswith("0003.cbf.bz2"):
        studio.open(studio.frames / PROTEIN)
    external = studio.session.external
    if not external.paths:
        table, xds = studio.scratch / "refined.csv", studio.scratch / "XDS.INP"
        table.write_text(_TABLE)
        xds.write_text(_XDS)
        studio.window.take([str(table), str(xds)])
        studio.wait(lambda: len(external.shown(0, None)) >= 2 and studio.answered)
    studio.session.rings.choose(resolution=True, ice=False)
    studio.window.image.reset_view()


def rings(studio: Studio) -> None:
    _protein(studio)
    studio.shoot("protein")


def centers(studio: Studio) -> None:
    _protein(studio)
    best = studio.session.best
    if best is not None:
        studio.window.image.zoom_to(best.center_px, 14)
    studio.shoot("protein-centers")


def dark(studio: Studio) -> None:
    _protein(studio)
    tools, display = studio.window.image_tools, studio.session.display
    with studio.theme("dark"):
        display.set_scale("log")
        display.set_colors("inferno", False)
        studio.window.actions_by_name["display"].trigger()
        studio.window.actions_by_name["radial_profile"].trigger()
        studio.wait(lambda: tools.radial_profile.profile is not None)
        studio.shoot("protein-dark")
        for dock in tools.docks.values():
            dock.hide()
        display.set_scale("linear")
        display.set_colors("grey", True)


def mask(studio: Studio) -> None:
    _protein(studio)
    tools = studio.window.image_tools
    studio.window.actions_by_name["mask"].trigger()
    tools.mask.numbers.setText("1261, 1307, 90")
    tools.mask.mask_numbers()
    studio.wait(lambda: studio.settled)
    tools.painter.choose("polygon")
    for corner in ((300, 400), (900, 350), (700, 900)):
        tools.painter.click(QPointF(*corner), False, False)
    studio.shoot("mask")
    tools.painter.choose("none")
    studio.session.masks.undo_stack.undo()
    studio.wait(lambda: studio.settled)
    tools.docks["mask"].hide()


def swung(studio: Studio) -> None:
    for path in studio.session.external.paths:
        studio.session.external.discard(path)
    studio.session.rings.choose(resolution=False, calibrant="CeO2")
    studio.open(studio.frames / SWUNG)
    # The conics are those of the swing that the header states.
    studio.session.external.measure_from("header")
    studio.window.actions_by_name["radial_profile"].trigger()
    studio.wait(lambda: studio.window.image_tools.radial_profile.profile is not None)
    studio.shoot("swung")
    studio.window.image_tools.docks["radial_profile"].hide()
    studio.session.rings.choose(resolution=False, calibrant="")


def lattice(studio: Studio) -> None:
    _protein(studio)
    tools, actions = studio.window.image_tools, studio.window.actions_by_name
    actions["lattice"].trigger()
    studio.wait(lambda: tools.lattice.spots is not None)
    studio.window.image.zoom_to((1500.0, 1500.0), 260)
    found = tools.lattice.spots.reflections
    nearest = int(np.argmin(np.hypot(found.x - 1500.0, found.y - 1500.0)))
    studio.session.set_cursor((found.x[nearest], found.y[nearest]))
    studio.shoot("lattice")
    studio.session.set_cursor(None)
    actions["lattice"].trigger()
    studio.window.image.reset_view()


def cake(studio: Studio) -> None:
    """The cake about a center that is being dragged away."""
    studio.open(resource("example/frame.h5"))
    actions, best = studio.window.actions_by_name, studio.session.best
    assert best is not None
    actions["cake"].trigger()
    studio.pause(2000)
    studio.shoot("cake")
    studio.session.user_centers.drag(best, (best.center_px[0] + 8.0, best.center_px[1] - 5.0))
    studio.pause(1500)
    studio.shoot("cake-dragged")
    studio.session.user_centers.cancel_drag()
    actions["cake"].trigger()


def folded(studio: Studio) -> None:
    _protein(studio)
    studio.window.actions_by_name["panel"].trigger()
    studio.shoot("folded")
    studio.window.actions_by_name["panel"].trigger()


SCENES = {
    "protein": rings,
    "protein-centers": centers,
    "protein-dark": dark,
    "folded": folded,
    "lattice": lattice,
    "mask": mask,
    "cake": cake,
    "swung": swung,
}

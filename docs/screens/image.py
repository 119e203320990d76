"""Pictures of looking at frames: every source with rings, the same in log and dark, rings under a swing."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from studio import Studio

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


SCENES = {"protein": rings, "protein-centers": centers, "protein-dark": dark, "mask": mask, "swung": swung}

"""Pictures of looking at frames: rings under tilt, logarithm, mask and profiles.

`pictures` yields one name after the other once the window shows it; whoever calls it saves the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QPointF

from xgeom_gui.main_window import MainWindow
from xgeom_gui.session import Session

PROTEIN = "i04_thaumatin/thau_3_2_0003.cbf.bz2"
SWUNG = "bruker_ceo2/powCeO2_02.sfrm"


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
    tools, actions = window.image_tools, window.actions_by_name

    def settled() -> bool:
        return session.frame is not None and not session.activity

    window.open(str(frames / PROTEIN))
    wait(settled)
    wait(lambda: session.prediction is not None and not session.activity)
    session.rings.choose(resolution=True)
    actions["display"].trigger()
    wait(tools.display.isVisible)
    yield "image-rings"
    session.display.set_scale("log")
    session.display.set_colors("viridis", False)
    actions["radial_profile"].trigger()
    wait(lambda: tools.radial_profile.profile is not None)
    yield "image-log-profile"
    tools.docks["radial_profile"].hide()
    session.display.set_scale("linear")
    session.display.set_colors("grey", True)
    actions["mask"].trigger()
    tools.mask.numbers.setText("1261, 1307, 90")
    tools.mask.mask_numbers()
    wait(settled)
    tools.painter.choose("polygon")
    for corner in ((300, 400), (900, 350), (700, 900)):
        tools.painter.click(QPointF(*corner), False, False)
    yield "image-mask"
    tools.painter.choose("none")
    session.masks.undo_stack.undo()
    for dock in tools.docks.values():
        dock.hide()
    session.rings.choose(resolution=False, calibrant="CeO2")
    window.open(str(frames / SWUNG))
    wait(lambda: session.source is not None and session.source.path.endswith(".sfrm") and settled())
    # The conics are those of the swing that the header states.
    session.comparison.measure_from("header")
    actions["radial_profile"].trigger()
    yield "image-swung"

"""Pictures of doubting a center: moved by hand, explained, split into parts, over a run.

`pictures` yields one name after the other once the window shows it; whoever calls it saves the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from xgeom_gui.main_window import MainWindow
from xgeom_gui.session import Session

PROTEIN = "eiger2_4m/image000044.h5"


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
    tools, actions = window.center_tools, window.actions_by_name

    def answered() -> bool:
        return session.prediction is not None and not session.activity

    window.open(str(frames / PROTEIN))
    wait(lambda: session.frame is not None and session.frame.path.endswith("44.h5") and answered())
    best = session.best
    if best is not None:
        window.image.zoom_to(best.center_px, 40)
        session.corrections.drag(best, (best.center_px[0] - 6.0, best.center_px[1] - 4.0))
        session.corrections.drop()
        tools.hand.hold("manual")
        actions["blink"].setChecked(True)
        wait(lambda: "manual" in tools.strip.scores)
        yield "centers-by-hand"
        actions["blink"].setChecked(False)
        session.corrections.reset()
        window.image.reset_view()
    actions["why"].trigger()
    wait(lambda: tools.explanation.explanation is not None and tools.sight.sight is not None)
    yield "centers-why"
    window.open_example()
    wait(lambda: session.source is not None and session.source.frames > 1 and answered())
    session.set_variant("background")
    wait(lambda: session.prediction_key is not None and session.prediction_key.variant == "background")
    wait(answered)
    session.set_variant("spots")
    wait(lambda: session.prediction_key is not None and session.prediction_key.variant == "spots")
    wait(answered)
    yield "centers-bragg"
    session.set_variant("measured")
    actions["run"].trigger()
    tools.run.start()
    wait(lambda: session.batch.shared is not None and tools.run.plots.settled)
    yield "centers-run"

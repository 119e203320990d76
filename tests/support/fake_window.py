"""The Training tab by itself, with a desk whose jobs stand as a test says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

import fake_desk as fakes
from xgeom_gui.services.predictor import PredictorThread
from xgeom_gui.state.session import Session
from xgeom_gui.state.settings import Settings
from xgeom_gui.training.panel import JobsPanel


@dataclass
class Tab:
    """The tab with what belongs to it."""

    panel: JobsPanel
    desk: Any
    session: Session
    settings: Settings
    thread: PredictorThread
    notices: list[str]

    @property
    def page(self) -> Any:
        return self.panel.page

    def button(self, name: str) -> Any:
        return getattr(self.page.control, f"{name}_button")

    def close(self) -> None:
        assert self.panel.shutdown(20_000)
        assert self.thread.shutdown(20_000)


def make_tab(qtbot: Any, folder: Path, load_model: Any, settings: Settings | None = None) -> Tab:
    """The tab, shown."""
    session = Session()
    notices: list[str] = []
    session.noticed.connect(lambda notice: notices.append(notice.text))
    if settings is None:
        settings = Settings(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat))
    desk = fakes.FakeDesk(folder / "runs")
    thread = PredictorThread(load_model)
    panel = JobsPanel(session, desk, settings, thread)
    qtbot.addWidget(panel)
    panel.resize(640, 700)
    panel.show()
    qtbot.waitExposed(panel)
    return Tab(panel, desk, session, settings, thread, notices)

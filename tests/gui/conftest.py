"""Fixtures of the window's tests: off screen, with preferences of their own and a fake predictor."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.frames import write_nxmx
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Prediction
from xgeom_core.predict.report.explanation import Explanation
from xgeom_gui.app.launch import make_application, make_window
from xgeom_gui.app.main_window import MainWindow
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController
from xgeom_gui.state.settings import Settings

SHAPE = (300, 400)
METADATA = Metadata(
    distance_mm=200.0, wavelength_A=1.0, pixel_mm=(0.1, 0.2), center_px=(205.0, 150.0), saturation=60000
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "integration: real processes and models; takes a minute")


@dataclass
class FakePredictor:
    """Answers (210.25 + frame number, 140.5) after `delay_s` spent in numpy and in Python."""

    delay_s: float = 0.0
    error: Exception | None = None
    seen: list[Frame] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    starts: list[tuple[float, float] | None] = field(default_factory=list)
    used: list[tuple[str, ...]] = field(default_factory=list)

    def load(self, name: str) -> FakePredictor:
        self.loaded.append(name)
        return self

    def predict(
        self,
        frame: Frame,
        fit: bool = True,
        start_px: tuple[float, float] | None = None,
        explain: bool = False,
        use: tuple[str, ...] = ("background", "lattice"),
    ) -> Prediction:
        self.seen.append(frame)
        self.used.append(use)
        self.starts.append(start_px)
        _be_busy(self.delay_s)
        if self.error is not None:
            raise self.error
        x, y = 210.25 + frame.index, 140.5
        covariance = np.diag([0.04**2, 0.05**2, 0.02**2, 0.03**2])
        tilt = (0.41, -0.26) if frame.metadata.distance_mm and frame.metadata.pixel_mm else None
        fitted = Estimate("fit", (x, y), tilt, covariance if tilt else covariance[:2, :2])
        network = Estimate("network", (x + 3.0, y - 4.0), status="uncertain", reason="Few spots.")
        header = frame.metadata.estimate()
        return Prediction(
            frame_path=frame.path,
            dataset=frame.dataset,
            index=frame.index,
            status="ok",
            reason="",
            best=fitted,
            network=network,
            fit=fitted,
            header=header,
            warnings=("The background is lopsided.",),
            elapsed_s=self.delay_s,
            explanation=Explanation.from_parts(frame, network, None, None, fitted) if explain else None,
        )


def _be_busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        np.sort(np.random.default_rng(0).random(200_000))
        sum(range(20_000))


@dataclass
class Opened:
    """A window with its parts, and how to wait for it."""

    window: MainWindow
    session: Session
    controller: SessionController
    predictor: FakePredictor
    qtbot: Any

    def settle(self, timeout: int = 20_000) -> None:
        """Wait until nothing goes on off-thread."""
        self.qtbot.waitUntil(lambda: self.session.activity == "", timeout=timeout)

    def open(self, path: Path | str) -> None:
        self.window.open(str(path))
        self.settle()

    def step(self, frames: int) -> None:
        self.session.step(frames)
        self.settle()


def _frame(index: int = 0, metadata: Metadata = METADATA) -> Frame:
    """Background, one steep spot, a masked band and one saturated pixel."""
    data = np.random.default_rng(index).poisson(20, SHAPE).astype(np.float32)
    data[50, 60] = 5000.0
    saturated = np.zeros(SHAPE, dtype=bool)
    saturated[200, 300] = True
    valid = ~saturated
    valid[100:110] = False
    data[~valid] = 0
    return Frame(data, valid, saturated, metadata, index=index)


@pytest.fixture
def make_frame():
    return _frame


@pytest.fixture
def nxmx_file(tmp_path: Path) -> Path:
    """An NXmx file of five frames."""
    path = tmp_path / "frames.h5"
    frames = [_frame(i) for i in range(5)]
    images = np.stack([np.where(f.saturated, 65000, f.data).astype(np.int32) for f in frames])
    write_nxmx(path, images, METADATA, frames[0].valid | frames[0].saturated)
    return path


@pytest.fixture
def bare_file(tmp_path: Path) -> Path:
    """Plain HDF5 with two image datasets and no word on the experiment."""
    path = tmp_path / "bare.h5"
    with h5py.File(path, "w") as file:
        for name in ("first", "second"):
            file[name] = np.random.default_rng(1).poisson(5, (3, 120, 160)).astype(np.int32)
    return path


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application as the program makes it."""
    return make_application()


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def opened(qtbot, tmp_path: Path, predictor: FakePredictor) -> Iterator[Opened]:
    """An empty window, shown; closed and taken apart afterwards."""
    store = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    store.setValue("training/run_root", str(tmp_path / "runs"))
    store.setValue("centers/sources_shown", True)
    window, session, controller = make_window(Settings(store), load=predictor.load)
    window.resize(1366, 768)
    window.show()
    qtbot.waitExposed(window)
    yield Opened(window, session, controller, predictor, qtbot)
    if window.isVisible():
        with qtbot.waitSignal(window.closed, timeout=60_000):
            window.close()
            if window.isVisible():
                window.close()
    window.deleteLater()
    qtbot.wait(1)

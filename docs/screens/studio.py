"""What every picture of the window needs: a window, patience, and a file to save to."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

from PIL import Image
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QWidget

from xgeom_gui.app.launch import blank_settings, make_application, make_window
from xgeom_gui.look.theme import THEME, ThemeChoice
from xgeom_gui.state.settings import Settings

SIZE = (1366, 768)
POLL_MS, SETTLE_MS, PATIENCE_S = 50, 500, 150


class Studio:
    """A window and the folder that its pictures go to.

    Parameters
    ----------
    folder : Path
        Where pictures are saved.
    frames : Path
        Folder of the reference frames.
    size : tuple of int
        Of the window on the screen.
    """

    def __init__(self, folder: Path, frames: Path, size: tuple[int, int] = SIZE) -> None:
        self.folder, self.frames = folder, frames
        make_application()
        # Files of the pictures have the same short names wherever they are made.
        self.scratch = Path(tempfile.mkdtemp(prefix="xgeom-"))
        self.window, self.session, self._controller = make_window(
            Settings(blank_settings(self.scratch / "settings"))
        )
        self.window.resize(*size)
        # Else the pointer hovers over the first button for ever.
        QCursor.setPos(size[0] // 2, 2 * size[1])
        self.window.show()

    def wait(self, condition: Callable[[], object]) -> None:
        """Let the window live until a condition holds; one that never does is an error."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not come to what the picture shows")
            self.pause(POLL_MS)

    def pause(self, milliseconds: int) -> None:
        """Let the window live for a while."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    @property
    def settled(self) -> bool:
        """Whether a frame is shown and nothing goes on."""
        return self.session.frame is not None and not self.session.activity

    @property
    def answered(self) -> bool:
        """Whether the frame shown has its answer."""
        return self.session.prediction is not None and self.settled

    def open(self, spec: Path | str) -> None:
        """Open a file and wait for its answer."""
        self.window.open(str(spec))
        name = Path(str(spec).split("::")[0]).name
        self.wait(lambda: self.session.frame is not None and self.session.frame.path.endswith(name))
        self.wait(lambda: self.answered)

    @contextmanager
    def theme(self, choice: ThemeChoice) -> Iterator[None]:
        """Be light or dark for a while."""
        before = THEME.choice
        THEME.choose(choice)
        yield
        THEME.choose(before)

    def shoot(self, name: str, widget: QWidget | None = None) -> None:
        """Save what the window, or a dialog of it, shows once it has come to rest."""
        self.pause(SETTLE_MS)
        path = self.folder / f"{name}.png"
        (widget or self.window).grab().save(str(path))
        with Image.open(path) as image:
            image.convert("RGB").save(path, optimize=True)

    def close(self) -> None:
        """End the threads."""
        self._controller.shutdown(0)

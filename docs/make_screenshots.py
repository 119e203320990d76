"""Make pictures of the window: python docs/make_screenshots.py [FOLDER, by default docs]

window.png    the bundled example with its prediction; the README shows it
training.png  a small training run, live, in a process of its own; it shows paths, so it is not kept
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer

from xgeom_gui.launch import blank_settings, make_application, make_window
from xgeom_gui.settings import Settings

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
POLL_MS, PATIENCE_MS = 200, 180_000
SIZE = (1366, 768)


def main() -> int:
    """Drive the window through both pictures; 1 if a step takes too long."""
    app = make_application()
    folder = tempfile.mkdtemp()
    window, session, coordinator = make_window(Settings(blank_settings(Path(folder))))
    process = window.training_panel._process
    window.resize(*SIZE)
    window.show()
    window.open_example()

    def answered() -> bool:
        return session.prediction is not None and not session.activity

    def start_training() -> None:
        window.grab().save(str(FOLDER / "window.png"))
        window.actions_by_name["train"].trigger()
        panel = window.training_panel
        panel.folder.setText(str(Path(folder) / "first-run"))
        panel.form.set_values(
            training__steps=400,
            training__batch=16,
            model__width=8,
            model__input_px=96,
            validation__every_steps=20,
        )
        panel.start()

    def learned() -> bool:
        return len(process.history.steps) >= 8 and len(process.history.validations) >= 2

    def finish() -> None:
        window.grab().save(str(FOLDER / "training.png"))
        process.stop()

    stages = [(answered, start_training), (learned, finish), (lambda: process.state == "idle", app.quit)]

    def advance() -> None:
        if stages and stages[0][0]():
            stages.pop(0)[1]()

    timer = QTimer(interval=POLL_MS)
    timer.timeout.connect(advance)
    timer.start()
    QTimer.singleShot(PATIENCE_MS, app.quit)
    app.exec()
    coordinator.shutdown(0)
    sys.stdout.write("done\n" if not stages else f"{len(stages)} pictures or steps are missing\n")
    sys.stdout.flush()
    # The predictor's thread may still be importing torch; nothing is left to save.
    os._exit(1 if stages else 0)


if __name__ == "__main__":
    main()

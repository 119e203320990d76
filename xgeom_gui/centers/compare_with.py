""" "Compare with": conventional programs run on the open frame, their centers put beside the others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import hypot

from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from xgeom_core.calibrants import CALIBRANTS
from xgeom_core.programs import PROGRAMS, Program, RunResult, locate
from xgeom_core.programs.program import Answer
from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.services.program_runner import ProgramRequest, ProgramRunner
from xgeom_gui.state.session import Session

# XDS needs an input file of its own, and is run from the command line.
OFFERED = tuple(program for program in PROGRAMS if program.key != "xds")
_LINES = 400


class CompareWith(QWidget):
    """The strip that follows a program, and the menu that starts one.

    Parameters
    ----------
    session : Session
    runner : ProgramRunner
    """

    def __init__(self, session: Session, runner: ProgramRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._runner = session, runner
        self.menu = QMenu("Compare with", self)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        self._running: ProgramRequest | None = None
        self._step = ""
        self._since, self._clock = QElapsedTimer(), QTimer(self, interval=1000)
        self._clock.timeout.connect(self._tell)
        self.label = ElidedLabel()
        self.result = QLabel()
        self.result.setWordWrap(True)
        self.stop = _button("Stop", "End the program")
        self.stop.clicked.connect(runner.stop)
        self.show_log = _button("Log", "What the program writes")
        self.show_log.setCheckable(True)
        self.log = QPlainTextEdit(readOnly=True, maximumBlockCount=_LINES)
        self.log.setVisible(False)
        self.log.setMinimumHeight(140)
        self.show_log.toggled.connect(self.log.setVisible)
        self.close_button = _button("Close", "Put this away; the centers stay")
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout()
        row.addWidget(self.label, 1)
        for button in (self.stop, self.show_log, self.close_button):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.result)
        layout.addWidget(self.log)
        self.hide()
        runner.step.connect(self._on_step)
        runner.line.connect(self.log.appendPlainText)
        runner.done.connect(self._on_done)
        runner.failed.connect(self._on_failed)

    def pop_up(self) -> None:
        """Open the menu under the pointer, for the keyboard."""
        self.menu.popup(QCursor.pos())

    def start(self, program: Program, calibrant: str | None = None) -> None:
        """Run a program on the frame shown, from its header and from the answer."""
        frame, best = self._session.frame, self._session.best
        if frame is None or self._running is not None:
            return
        metadata = self._session.metadata
        answer = None if best is None else metadata.geometry(best.center_px, best.tilt_deg)
        frame = replace(frame, metadata=metadata)
        self._running = ProgramRequest(program, frame, answer, calibrant)
        self._step = "starting"
        self._since.start()
        self._clock.start()
        self.log.clear()
        self.result.hide()
        self.stop.show()
        self.close_button.hide()
        self.show()
        self._tell()
        self._runner.submit(self._running)

    def _fill(self) -> None:
        self.menu.clear()
        for program in OFFERED:
            found = locate(program) is not None
            action = self._entry(program)
            action.setEnabled(found and self._session.frame is not None and self._running is None)
            missing = f"not found; XGEOM_{program.key.upper()} may name its folder"
            action.setToolTip(program.needs if found else missing)
            if not found:
                action.setText(f"{program.name} (not found)")

    def _entry(self, program: Program) -> QAction:
        """What starts a program; one that calibrates asks for the powder."""
        if program.key != "pyfai":
            return self.menu.addAction(program.name, partial(self.start, program))
        powders = self.menu.addMenu(program.name)
        for name in CALIBRANTS:
            powders.addAction(name, partial(self.start, program, name))
        return powders.menuAction()

    def _on_step(self, label: str, number: int, most: int) -> None:
        self._step = f"{label} ({number} of {most})"
        self._tell()

    def _tell(self) -> None:
        if self._running is not None:
            seconds = self._since.elapsed() // 1000
            self.label.setText(f"{self._running.program.name}: {self._step} · {seconds} s")

    def _on_done(self, request: ProgramRequest, result: RunResult) -> None:
        external, frame = self._session.external, request.frame
        size = (frame.shape[1], frame.shape[0])
        for path in dict.fromkeys(reading.path for reading in result.readings):
            external.add(path)
            external.set_readings(path, [one for one in result.readings if one.path == path], size)
        lines = [self._line(answer) for answer in result.answers]
        self._end(f"{request.program.name} is done ({result.elapsed_s:.0f} s)", [*lines, *result.notes])
        # What may explain a difference is told among the notes, as for any other program's file.
        self._session.say(f"{request.program.name}: {len(result.answers)} centers added.")

    def _line(self, answer: Answer) -> str:
        """One answer in words: where, how far from ours, how many spots its lattice explains."""
        estimate, best = answer.reading.estimate, self._session.best
        x, y = estimate.center_px
        text = f"{estimate.source}: {x:.2f}, {y:.2f}"
        if best is not None:
            text += f" · {hypot(x - best.center_px[0], y - best.center_px[1]):.2f} px from the answer"
        if answer.indexed is not None and answer.spots:
            text += f" · {answer.indexed} of {answer.spots} spots indexed"
        return "\n  ".join((text, *estimate.warnings))

    def _on_failed(self, request: ProgramRequest, sentence: str) -> None:
        name = request.program.name
        self._end(f"{name} failed" if sentence else f"{name} was stopped", [sentence] if sentence else [])

    def _end(self, title: str, lines: list[str]) -> None:
        self._running = None
        self._clock.stop()
        self.stop.hide()
        self.close_button.show()
        self.label.setText(title)
        self.result.setText("\n".join(lines))
        self.result.setVisible(bool(lines))


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    return button

"""The lower edge of the composer: the command, what is wrong, and the start."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from xgeom_gui.training.command_line import CommandLine
from xgeom_gui.training.form import Hint, button

_COMMAND_TIP = (
    "What the button runs. Copying also writes the settings into the job's folder, so that the command does "
    "the same in a terminal."
)


class ComposeFooter(QFrame):
    """Always in sight, whatever page is open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.command = CommandLine("Command line", _COMMAND_TIP)
        self.trouble = Hint()
        self.start_button = QPushButton("Start training")
        self.start_button.setProperty("role", "primary")
        self.start_button.setDefault(True)
        self.save_button = button("Save settings…", "Keep these settings as a configuration file (TOML)")
        self.close_button = button("Close", "Close; what was entered stays until the window closes")
        command = QHBoxLayout()
        command.setSpacing(10)
        label = QLabel("Command")
        label.setProperty("role", "soft")
        label.setBuddy(self.command.line)
        command.addWidget(label)
        command.addWidget(self.command, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.trouble, 1)
        for each in (self.save_button, self.close_button, self.start_button):
            buttons.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 14)
        layout.setSpacing(10)
        layout.addLayout(command)
        layout.addLayout(buttons)

    def show_start(self, text: str, tip: str, can: bool) -> None:
        """Whether and what the button starts."""
        self.start_button.setText(text)
        self.start_button.setToolTip(tip)
        self.start_button.setEnabled(can)

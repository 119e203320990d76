"""The variants of a sweep, the best on top."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.look.theme import FAILED, OK, SOFT_INK, THEME
from xgeom_gui.services.run_reader import RankedTrial
from xgeom_gui.training.plain_table import PlainTable

_NOTHING = "The first variant has not begun yet."
_EXPLAINED = "Score: error over that of the constant predictor, 1 means nothing learned. The best is on top."


class RankingPane(QWidget):
    """A table, and a button that takes a variant's model into use.

    Signals
    -------
    model_wanted : str
        Model file of a variant.
    """

    model_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trials: tuple[RankedTrial, ...] = ()
        self.words = QLabel(_NOTHING)
        self.words.setProperty("role", "soft")
        self.words.setWordWrap(True)
        self.use_button = QPushButton("Use its model")
        self.use_button.setToolTip("Predict the open frame with the model of the chosen variant")
        self.use_button.setAccessibleName("Use the model of the chosen variant")
        self.use_button.clicked.connect(self._use)
        self.table = PlainTable(
            "Variants of the sweep, the best first",
            "Variants of the sweep; Enter on one predicts the open frame with its model",
        )
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.itemSelectionChanged.connect(self._show_button)
        self.table.activated.connect(lambda _index: self._use())
        row = QHBoxLayout()
        row.addWidget(self.words, 1)
        row.addWidget(self.use_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        self._show_button()
        THEME.changed.connect(self._fill)

    @property
    def trials(self) -> tuple[RankedTrial, ...]:
        """The variants shown."""
        return self._trials

    def show_trials(self, trials: Sequence[RankedTrial]) -> None:
        """Show other variants, or other scores."""
        if tuple(trials) != self._trials:
            self._trials = tuple(trials)
            self._fill()

    def _fill(self) -> None:
        chosen = self._chosen()
        keys = sorted({key for trial in self._trials for key in trial.values})
        self.words.setText(_EXPLAINED if self._trials else _NOTHING)
        self.table.begin(len(self._trials), 3 + len(keys))
        for column, key in enumerate(("Rank", "Variant", "Score", *keys)):
            self.table.head(column, key.split(".")[-1], key)
        for i, trial in enumerate(self._trials):
            self._fill_row(i, trial, keys)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for section in range(3):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        if chosen in self._trials:
            self.table.selectRow(self._trials.index(chosen))

    def _fill_row(self, i: int, trial: RankedTrial, keys: Sequence[str]) -> None:
        scored = math.isfinite(trial.score)
        score = f"{trial.score:.4f}" if scored else ("running" if trial.words == "running" else "failed")
        cells = [
            str(i + 1) if scored else "",
            str(trial.number),
            score,
            *(trial.values.get(key, "") for key in keys),
        ]
        color = OK if scored and trial.score < 1 else SOFT_INK if scored or score == "running" else FAILED
        for column, text in enumerate(cells):
            self.table.put(i, column, text, trial.words, color.color if column == 2 else None)

    def _chosen(self) -> RankedTrial | None:
        rows = self.table.selectionModel().selectedRows() if self.table.selectionModel() else []
        return self._trials[rows[0].row()] if rows and rows[0].row() < len(self._trials) else None

    def _show_button(self) -> None:
        chosen = self._chosen()
        self.use_button.setEnabled(chosen is not None and chosen.model is not None)

    def _use(self) -> None:
        chosen = self._chosen()
        if chosen is not None and chosen.model is not None:
            self.model_wanted.emit(str(chosen.model))

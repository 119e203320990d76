"""The mouse on the image."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication


@pytest.fixture
def drag():
    """Drags with the left button between two places of the frame, holding keys all the while."""

    def act(opened, start, end, keys=Qt.KeyboardModifier.NoModifier):
        image = opened.window.image
        opened.qtbot.wait(30)
        view = image.box.scene().views()[0]
        first, last = (
            QPointF(view.mapFromScene(image.box.mapViewToScene(QPointF(*place)))) for place in (start, end)
        )
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        steps = [(QEvent.Type.MouseButtonPress, first, left, left)]
        steps += [
            (QEvent.Type.MouseMove, first + share * (last - first), none, left)
            for share in (0.25, 0.5, 0.75, 1.0)
        ]
        steps.append((QEvent.Type.MouseButtonRelease, last, left, none))
        for kind, place, button, buttons in steps:
            there = QPointF(view.viewport().mapToGlobal(place.toPoint()))
            QApplication.sendEvent(view.viewport(), QMouseEvent(kind, place, there, button, buttons, keys))
            opened.qtbot.wait(15)

    return act

"""What the tests of trainings share."""

from __future__ import annotations

import pytest

from xgeom_core.training import tensorboard_writer


@pytest.fixture
def no_figures(monkeypatch) -> None:
    """Validations draw nothing, which takes most of a small run; runs in processes of their own do draw."""
    monkeypatch.setattr(tensorboard_writer.Board, "_figures", lambda *_: None)

"""The Training tab by itself."""

from __future__ import annotations

import pytest

import fake_window


@pytest.fixture
def tab(qtbot, tmp_path, predictor):
    """With a desk whose jobs stand as a test says."""
    tab = fake_window.make_tab(qtbot, tmp_path, predictor.load)
    yield tab
    tab.close()

"""Why? The explanation, background or Bragg, the network's input, and a second model."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from xgeom_core.errors import ModelError
from xgeom_core.estimate import Estimate
from xgeom_core.geometry import Pooling
from xgeom_core.predict.network_input import NetworkSight


@pytest.fixture
def tools(opened, nxmx_file):
    opened.open(nxmx_file)
    return opened.window.center_tools


def show(opened):
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_W)


def test_the_explanation_is_made_only_when_somebody_looks(opened, tools):
    assert tools.explanation.explanation is None and len(opened.predictor.seen) == 1
    show(opened)
    opened.qtbot.waitUntil(lambda: tools.explanation.explanation is not None, timeout=20_000)
    explanation = tools.explanation.explanation
    assert explanation.answer.center_px == (210.25, 140.5)
    assert not tools.explanation.kinds.isHidden() and "used" in tools.explanation.legend.text()
    opened.step(1)
    opened.qtbot.waitUntil(lambda: tools.explanation.explanation is not explanation, timeout=20_000)
    assert len(opened.predictor.seen) == 3, "while somebody looks, frames are predicted once, with reasons"


def test_profiles_can_be_seen_before_and_after(opened, tools):
    show(opened)
    panel = tools.explanation
    opened.qtbot.waitUntil(lambda: panel.explanation is not None, timeout=20_000)
    after = panel.profiles.getPlotItem().listDataItems()
    assert len(after) == len(panel.explanation.after.leveled) + 1
    values = after[-1].getData()[1]
    panel.before_button.click()
    before = panel.profiles.getPlotItem().listDataItems()[-1].getData()[1]
    assert not np.array_equal(values, before, equal_nan=True)


def test_switching_to_the_background_predicts_the_frame_without_its_spots(opened, tools):
    show(opened)
    whole = opened.session.frame
    assert whole.data[50, 60] == 5000.0
    tools.variants.buttons["background"].click()
    opened.settle()
    seen = opened.predictor.seen[-1]
    assert seen is opened.session.frame and not seen.valid[50, 60] and seen.valid[20, 20]
    assert opened.session.prediction is not None
    tools.variants.buttons["binary"].click()
    opened.settle()
    seen = opened.predictor.seen[-1]
    assert seen.data[50, 60] == 1 and set(np.unique(seen.data)) == {0.0, 1.0}
    count = len(opened.predictor.seen)
    tools.variants.buttons["measured"].click()
    opened.settle()
    assert opened.session.frame.data[50, 60] == 5000.0
    assert len(opened.predictor.seen) == count, "the answer to the whole frame is remembered"
    text = tools.variants.answers.text()
    assert text.count("0.00 px away") == 2 and text.count("not asked yet") == 1


def test_the_switch_holds_for_the_next_frame_and_forgets_the_answers_of_the_last(opened, tools):
    opened.session.set_variant("spots")
    opened.settle()
    opened.step(1)
    assert opened.session.variant == "spots" and opened.predictor.seen[-1].data[20, 20] == 0
    assert tools.variants.answers.text().count("not asked yet") == 3


def test_what_the_network_sees_is_shown_with_its_answer(opened, tools):
    image = np.random.default_rng(0).normal(size=(50, 60)).astype(np.float32)
    known = np.ones((50, 60), dtype=bool)
    known[:, :4] = False
    sight = NetworkSight(image, known, Pooling(8, (-40, 0)), Estimate("network", (120.0, 80.0)))
    opened.predictor.sight = lambda frame: sight
    assert tools.sight.sight is None
    show(opened)
    opened.qtbot.waitUntil(lambda: tools.sight.sight is sight, timeout=20_000)
    x, y = tools.sight._x.getData()
    assert (x[0], y[0]) == (20.0, 10.0), "the X lies where the native center falls in the input"
    assert "8 × 8 native" in tools.sight.words.text()


def test_a_second_model_is_marked_beside_the_first(opened, tools, tmp_path):
    opened.session.second.choose(str(tmp_path / "other.safetensors"))
    opened.qtbot.waitUntil(lambda: "second" in opened.window.image.marks, timeout=20_000)
    assert opened.predictor.loaded == ["default", str(tmp_path / "other.safetensors")]
    mark = opened.window.image.marks["second"]
    assert (mark.pos().x(), mark.pos().y()) == (213.25, 136.5)
    assert mark.center.style.color != opened.window.image.marks["network"].center.style.color
    opened.step(1)
    opened.qtbot.waitUntil(lambda: "second" in opened.window.image.marks, timeout=20_000)
    assert len(opened.predictor.loaded) == 2, "both models stay loaded"
    tools.second.end_button.click()
    assert "second" not in opened.window.image.marks


def test_a_second_model_that_cannot_be_used_ends_in_a_sentence(opened, tools, monkeypatch):
    def refuse(name):
        raise ModelError("other.safetensors is no model of xgeom.")

    opened.controller.predictor._load = refuse
    opened.session.second.choose("other.safetensors")
    opened.qtbot.waitUntil(lambda: opened.session.second.choice is None, timeout=20_000)
    assert opened.window.messages.text == "other.safetensors is no model of xgeom."
    assert opened.session.prediction is not None

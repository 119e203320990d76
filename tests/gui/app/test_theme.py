"""Light and dark, followed by everything that is painted; and how the frame lies on the screen."""

from __future__ import annotations

from itertools import product

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from xgeom_gui.look.palettes import DARK, LIGHT
from xgeom_gui.look.theme import INK, PAPER, THEME
from xgeom_gui.state.orientation import Orientation


@pytest.fixture
def dark(opened):
    opened.window.view_menu.themes["dark"].trigger()
    yield opened
    THEME.choose("system")


def contrast(one: str, other: str) -> float:
    """Ratio of luminances as the web's guidelines define it."""

    def luminance(name: str) -> float:
        parts = (QColor(name).redF(), QColor(name).greenF(), QColor(name).blueF())
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read_on_every_ground(colors):
    for ink, ground in product(
        ("ink", "soft_ink", "ok", "uncertain", "failed", "accent"), ("ground", "paper")
    ):
        assert contrast(colors[ink], colors[ground]) > 4, (ink, ground)
    for kind in ("error", "info"):
        assert contrast(colors[f"{kind}_ink"], colors[f"{kind}_ground"]) > 4.5
    # The edge of a tick or a radio button that is off is all there is of it (WCAG 1.4.11).
    assert contrast(colors["hint"], colors["paper"]) > 3


def test_both_themes_name_the_same_roles():
    assert LIGHT.keys() == DARK.keys()


def test_a_role_is_looked_up_when_it_is_used(dark):
    assert str(PAPER) == DARK["paper"] and INK.color == QColor(DARK["ink"])
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(DARK["ground"])
    THEME.choose("light")
    assert str(PAPER) == LIGHT["paper"]


def test_what_is_open_turns_dark_and_the_choice_is_remembered(dark, nxmx_file):
    window = dark.window
    dark.open(nxmx_file)
    assert window._settings.theme == "dark"
    picture = window.centers.grab().toImage()
    assert picture.pixelColor(picture.width() // 2, picture.height() - 2).lightness() < 60
    axis = window.run_tools.panel.plots.plots[0].getAxis("left")
    assert axis.pen().color() == QColor(DARK["line"])
    assert DARK["ok"] in window.centers.card.verdict.text()
    THEME.choose("light")
    assert LIGHT["ok"] in window.centers.card.verdict.text()
    assert axis.pen().color() == QColor(LIGHT["line"])


def test_turning_and_flipping_form_the_eight_symmetries():
    every = {Orientation(turns, mirrored) for turns in range(4) for mirrored in (False, True)}
    one = Orientation()
    assert {one.turned(k) for k in range(4)} | {
        one.turned(k).flipped(left_right=True) for k in range(4)
    } == every
    for way in every:
        assert way.turned(1).turned(-1) == way
        assert way.flipped(left_right=True).flipped(left_right=True) == way
        right, down = way.on_screen(3.0, 5.0)
        assert way.on_frame(right, down) == (3.0, 5.0)
        assert way.flipped(left_right=True).on_screen(3.0, 5.0) == (-right, down)
        assert way.flipped(left_right=False).on_screen(3.0, 5.0) == (right, -down)
        assert way.turned(1).on_screen(3.0, 5.0) == (-down, right)
        assert Orientation.restored(way.state()) == way
    assert Orientation.restored({"turns": "x"}) == one


@pytest.mark.parametrize("name", ["turn_right", "turn_left", "flip_left_right", "flip_top_bottom"])
def test_the_view_turns_and_the_readout_stays(opened, nxmx_file, name):
    opened.open(nxmx_file)
    image = opened.window.image
    places = [(20.0, 30.0), (120.0, 30.0), (20.0, 130.0)]

    def on_screen(place):
        from PySide6.QtCore import QPointF

        return image.canvas.viewportTransform().map(image.box.mapViewToScene(QPointF(*place)))

    opened.window.actions_by_name[name].trigger()
    opened.qtbot.wait(50)
    start, fast, slow = (on_screen(place) for place in places)
    expected = image.orientation.matrix
    for end, (right, down) in ((fast, expected[0]), (slow, expected[1])):
        step = end - start
        length = max(abs(step.x()), abs(step.y()))
        assert (round(step.x() / length), round(step.y() / length)) == (right, down)
    view = image.canvas.viewport().rect()
    for corner in ((0, 0), (400, 300), (400, 0), (0, 300)):
        assert view.adjusted(-2, -2, 2, 2).contains(on_screen(corner).toPoint()), (
            "the whole frame is in sight"
        )
    point = image.box.mapSceneToView(image.canvas.mapToScene(fast.toPoint()))
    assert (point.x(), point.y()) == pytest.approx(places[1], abs=1.5)
    opened.window.actions_by_name["upright"].trigger()
    assert image.orientation.upright

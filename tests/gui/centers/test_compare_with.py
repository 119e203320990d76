""" "Compare with": a program is run on the open frame, followed, stopped, and its centers join the others."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from xgeom_core.errors import ProgramError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Reading
from xgeom_core.programs.program import Answer, Found, Job, Outcome, Program, Step
from xgeom_gui.centers import compare_with


@pytest.fixture
def on_frame(opened, nxmx_file):
    opened.open(nxmx_file)
    opened.qtbot.waitUntil(lambda: opened.session.best is not None)
    return opened


def stand_in(work) -> Program:
    """A program that is always found, and whose work is given."""
    return Program("dials", "Stand-in", (), "a frame", "never", work, most_steps=2)


@pytest.fixture
def offered(monkeypatch):
    """Offer these programs alone, all found."""

    def offer(*programs: Program) -> None:
        monkeypatch.setattr(compare_with, "OFFERED", programs)
        monkeypatch.setattr(compare_with, "locate", lambda program: Found({}, ""))
        monkeypatch.setattr("xgeom_core.programs.runner.needed", lambda *_: Found({}, ""))

    return offer


def choose(opened, text: str) -> None:
    """As a click on an entry of the menu."""
    menu = opened.window.compare.menu
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == text).trigger()


def test_the_center_of_a_program_joins_the_others(on_frame, offered) -> None:
    def work(job: Job, _: Found) -> Generator[Step, Outcome, list[Answer]]:
        yield Step("looking", ("echo", "42 spots"))
        x, y = job.answer.center_px
        estimate = Estimate("Stand-in refined", (x + 3.0, y + 4.0), (0.0, 0.0), warnings=("only a test",))
        return [Answer(Reading(estimate, str(job.folder / "refined.expt")), None, 42, 40)]

    offered(stand_in(work))
    choose(on_frame, "Stand-in")
    strip = on_frame.window.compare
    on_frame.qtbot.waitUntil(lambda: "is done" in strip.label.text(), timeout=20_000)
    said = strip.result.text()
    assert "5.00 px from the answer" in said and "40 of 42 spots indexed" in said and "only a test" in said
    assert "42 spots" in strip.log.toPlainText()
    assert "Stand-in refined" in [center.name for center in on_frame.session.centers]
    assert strip.stop.isHidden() and not strip.close_button.isHidden()


def test_a_program_is_stopped_and_leaves_nothing(on_frame, offered) -> None:
    def work(job: Job, _: Found) -> Generator[Step, Outcome, list[Answer]]:
        yield Step("sleeping", ("sleep", "60"))
        return []

    offered(stand_in(work))
    before = len(on_frame.session.centers)
    choose(on_frame, "Stand-in")
    strip = on_frame.window.compare
    on_frame.qtbot.waitUntil(lambda: "sleeping (1 of 2)" in strip.label.text(), timeout=20_000)
    strip.stop.click()
    on_frame.qtbot.waitUntil(lambda: strip.label.text() == "Stand-in was stopped", timeout=20_000)
    assert len(on_frame.session.centers) == before


def test_a_failure_is_a_sentence(on_frame, offered) -> None:
    def work(job: Job, _: Found) -> Generator[Step, Outcome, list[Answer]]:
        raise ProgramError("Stand-in knows no such detector.")
        yield

    offered(stand_in(work))
    choose(on_frame, "Stand-in")
    strip = on_frame.window.compare
    on_frame.qtbot.waitUntil(lambda: strip.label.text() == "Stand-in failed", timeout=20_000)
    assert strip.result.text() == "Stand-in knows no such detector."


def test_programs_that_are_not_there_say_so(on_frame, monkeypatch) -> None:
    monkeypatch.setattr(compare_with, "locate", lambda program: None)
    menu = on_frame.window.compare.menu
    menu.aboutToShow.emit()
    entries = {action.text(): action for action in menu.actions()}
    assert {text.removesuffix(" (not found)") for text in entries} >= {"DIALS", "pyFAI"}
    assert all(text.endswith("(not found)") and not one.isEnabled() for text, one in entries.items())
    assert "XGEOM_DIALS" in entries["DIALS (not found)"].toolTip()

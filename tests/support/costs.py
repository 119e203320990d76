"""What the tests cost in processor time, room by room, and the choice of those that are quick.

Time of child processes counts for the test during which they end.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

_COSTLY = Path(__file__).parent / "costly.txt"
_PER_TEST: dict[str, float] = {}
_WALL: dict[str, float] = {}
# A test that takes longer, or waits longer, is left out of a quick run.
_QUICK_S = 0.4
_LISTED = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("costs")
    group.addoption("--quick", action="store_true", help="leave out the tests of tests/support/costly.txt")
    group.addoption("--record-costs", action="store_true", help="write what is costly to that file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--quick"):
        return
    costly = set(_COSTLY.read_text(encoding="utf-8").splitlines())
    left_out = [
        item
        for item in items
        if (item.nodeid in costly or item.get_closest_marker("integration"))
        and item.get_closest_marker("telling") is None
    ]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before, began = _processor_s(), time.monotonic()
    done = yield
    _PER_TEST[item.nodeid] = _processor_s() - before
    _WALL[item.nodeid] = time.monotonic() - began
    return done


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rooms: dict[str, float] = defaultdict(float)
    for name, cost in _PER_TEST.items():
        rooms["/".join(Path(name.partition("::")[0]).parent.parts[:3])] += cost
    terminalreporter.section(f"processor time: {_processor_s():.0f} s in all, child processes included")
    for room, cost in sorted(rooms.items(), key=lambda each: -each[1]):
        terminalreporter.write_line(f"{cost:7.1f} s  {room}")
    terminalreporter.write_line("costliest:")
    for name, cost in sorted(_PER_TEST.items(), key=lambda each: -each[1])[:_LISTED]:
        terminalreporter.write_line(f"{cost:7.1f} s  {name}")
    if config.getoption("--record-costs"):
        _record()


def _record() -> None:
    """Renew the list as far as tests were run."""
    before = set(_COSTLY.read_text(encoding="utf-8").splitlines()) if _COSTLY.exists() else set()
    costly = {name for name in _PER_TEST if max(_PER_TEST[name], _WALL[name]) > _QUICK_S}
    kept = before - set(_PER_TEST)
    _COSTLY.write_text("".join(f"{name}\n" for name in sorted(costly | kept)), encoding="utf-8")


def _processor_s() -> float:
    """Of this process and of those that it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system

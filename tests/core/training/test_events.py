"""Events: what is written is what is read, and rubbish is not an event."""

from __future__ import annotations

import io
import json

import pytest

from xgeom_core.training.events import (
    Checkpoint,
    EventLog,
    Failed,
    Finished,
    RunStarted,
    Stage,
    Step,
    Validation,
    from_line,
    read_events,
    to_line,
)

EVENTS = [
    RunStarted(time=1.0, pid=3, command="xgeom train", xgeom_version="1", steps=5),
    Stage(time=1.0, text="importing torch"),
    Step(time=1.0, step=1, steps=5, frames=32, loss=0.5, center_px=3.0, learning_rate=0.1, frames_per_s=9.0),
    Validation(
        time=1.0,
        step=1,
        data="flat",
        loss=0.1,
        center_px=1.0,
        center_constant_px=2.0,
        tilt_deg=1.0,
        tilt_constant_deg=1.5,
    ),
    Checkpoint(time=1.0, step=1, model="m"),
    Finished(time=1.0, step=5, reason="done", model="m"),
    Failed(time=1.0, message="Disk full."),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_lines_come_back(event) -> None:
    assert from_line(to_line(event)) == event


@pytest.mark.parametrize(
    "line",
    ["", "{", "12", '{"event": "stage"}', '{"v": 99, "event": "stage", "text": "x"}',
     '{"v": 1, "event": "stage"}', '{"v": 1, "event": "unheard"}', to_line(EVENTS[2])[:40]],
)  # fmt: skip
def test_rubbish_is_no_event(line: str) -> None:
    assert from_line(line) is None


def test_keys_of_a_newer_writer_are_passed_over() -> None:
    record = json.loads(to_line(EVENTS[1])) | {"mood": "good"}
    assert from_line(json.dumps(record)) == EVENTS[1]


def test_the_log_appends_stamps_and_echoes(tmp_path) -> None:
    echo = io.StringIO()
    for _ in range(2):
        log = EventLog(tmp_path / "events.jsonl", echo)
        log.write(Stage(text="x"))
        log.close()
    events = read_events(tmp_path / "events.jsonl")
    assert [event.name for event in events] == ["stage", "stage"]
    assert all(event.time > 1e9 for event in events)
    assert echo.getvalue() == (tmp_path / "events.jsonl").read_text()
    assert read_events(tmp_path / "absent.jsonl") == []

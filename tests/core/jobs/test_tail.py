"""Following a file of events that another process writes."""

from __future__ import annotations

import time

from xgeom_core.jobs.tail import EventTail
from xgeom_core.training.events import EventLog, Stage, end_of_events, last_event, read_events, to_line


def line(text: str) -> bytes:
    return to_line(Stage(text=text, time=1.0)).encode() + b"\n"


def texts(events) -> list[str]:
    return [event.text for event in events]


def test_lines_come_once_and_whole(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read() == []
    path.write_bytes(line("a") + line("b")[:20])
    assert texts(tail.read()) == ["a"]
    with path.open("ab") as stream:
        stream.write(line("b")[20:] + b'{"half of a line that a kill cut off\n' + line("c"))
    assert texts(tail.read()) == ["b", "c"]
    assert tail.read() == []


def test_a_file_that_shrinks_or_is_replaced_is_read_anew(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    path.write_bytes(line("a") + line("b") + b'{"cut')
    assert texts(tail.read()) == ["a", "b"]
    path.write_bytes(line("c"))
    assert texts(tail.read()) == ["c"]
    other = tmp_path / "other"
    other.write_bytes(line("d") + line("e"))
    other.replace(path)
    assert texts(tail.read()) == ["d", "e"]
    path.unlink()
    assert tail.read() == []


def test_a_long_file_comes_in_parts_and_new_lines_cost_what_they_are(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line(str(i)) for i in range(100_000)))
    tail, seen, looks = EventTail(path), [], 0
    while True:
        seen += texts(tail.read())
        looks += 1
        if not tail.more:
            break
    assert seen == [str(i) for i in range(100_000)]
    assert looks > 3
    begin = time.process_time()
    for _ in range(100):
        with path.open("ab") as stream:
            stream.write(line("new"))
        assert texts(tail.read()) == ["new"]
    assert (time.process_time() - begin) / 100 < 0.01
    assert texts(end_of_events(path))[-1] == "new"
    assert len(end_of_events(path)) < 1000


def test_a_run_that_goes_on_after_a_kill_does_not_spoil_its_first_word(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("a") + b'{"v": 1, "event": "sta')
    log = EventLog(path)
    log.write(Stage(text="again"))
    log.close()
    assert texts(read_events(path)) == ["a", "again"]
    assert texts(EventTail(path).read()) == ["a", "again"]
    assert last_event(path, Stage).text == "again"
    assert last_event(path, Stage, since=path.stat().st_size) is None

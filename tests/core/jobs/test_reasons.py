"""Why a job failed, in a sentence."""

from __future__ import annotations

import pytest

from xgeom_core.jobs.reasons import Begin, why_it_failed
from xgeom_core.jobs.records import end_of_log
from xgeom_core.training.events import EventLog, Failed, Heartbeat

TRACE = 'Traceback (most recent call last):\n  File "loop.py", line 3, in <module>\n'


@pytest.mark.parametrize(
    ("log", "code", "said"),
    [
        (
            "step 1\nxgeom: a.h5 cannot be read; choose another file.\n",
            2,
            "a.h5 cannot be read; choose another",
        ),
        (TRACE + "torch.OutOfMemoryError: CUDA out of memory. Tried ...\n", 1, "memory of the GPU ran out"),
        (TRACE + "OSError: [Errno 28] No space left on device: '/x'\n", 1, "The disk of "),
        (TRACE + "MemoryError\n", 1, "Memory ran out; lower training.batch"),
        (TRACE + "RuntimeError: DefaultCPUAllocator: can't allocate memory\n", 1, "Memory ran out;"),
        ("... exitcode : -9 (pid: 7)\n" + TRACE, 1, "most likely because memory ran out (it used 3.5 GB"),
        ("Signal 9 (SIGKILL) received by PID 7\n", 1, "One of its processes was ended by the system"),
        (TRACE + "FileNotFoundError: [Errno 2] No such file: '/a/b.h5'\n", 1, "/a/b.h5 is not there."),
        (
            TRACE + "ModuleNotFoundError: No module named 'torch'\n",
            1,
            "The Python package torch is not installed",
        ),
        (TRACE + "RuntimeError: unable to mmap shared memory\n", 1, "The shared memory of this machine"),
        ("", -9, "The system ended it (SIGKILL), most likely because memory ran out (it used 3.5 GB"),
        ("", -11, "The program itself crashed (SIGSEGV)"),
        ("", -15, "It was ended from outside (SIGTERM)."),
        (TRACE + "ValueError: odd\n", 1, "exit code 1 before it was done. Its last words: ValueError: odd"),
        ("", 3, "It ended with exit code 3 before it was done."),
        ("", None, "It ended without a word before it was done."),
    ],
)
def test_the_reason(tmp_path, log, code, said) -> None:
    (tmp_path / "log.txt").write_text("xgeom: what an earlier start said.\n" + log)
    events = EventLog(tmp_path / "events.jsonl")
    events.write(Failed(message="what an earlier start said."))
    size = (tmp_path / "events.jsonl").stat().st_size
    events.write(Heartbeat(process="1@1@x", clock=0.0, memory_gb=3.5))
    # After the last word nothing lives on; a new start is a new log.
    events.close()
    events = EventLog(tmp_path / "events.jsonl")
    events.write(Heartbeat(process="1@1@x", clock=0.0, memory_gb=3.5))
    events.close()
    begins = Begin(len("xgeom: what an earlier start said.\n"), size)
    sentence = why_it_failed(tmp_path, code, begins)
    assert said in sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence


def test_what_the_run_told_in_its_events_counts_without_a_log(tmp_path) -> None:
    events = EventLog(tmp_path / "events.jsonl")
    events.write(Failed(message="The loss became nan at step 3; lower training.learning_rate."))
    events.close()
    assert why_it_failed(tmp_path, 2).startswith("The loss became nan")


def test_the_end_of_a_log_begins_with_a_whole_line(tmp_path) -> None:
    (tmp_path / "log.txt").write_text("first line\nsecond ü line\nthird\n", encoding="utf-8")
    assert end_of_log(tmp_path, 1000) == "first line\nsecond ü line\nthird\n"
    assert end_of_log(tmp_path, 10) == "third\n"
    assert end_of_log(tmp_path, 6) == "third\n"
    assert end_of_log(tmp_path, 1000, since=11) == "second ü line\nthird\n"
    assert end_of_log(tmp_path / "nothing", 10) == ""

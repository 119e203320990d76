"""Child processes: ended with their parent, bounded, and never made of what lies in the user's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from xgeom_core.errors import XgeomError
from xgeom_core.process import worker as module
from xgeom_core.process.processor_time import processor_time
from xgeom_core.process.worker import Worker, exit_text


def python(code: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, **options)


def test_memory_beyond_the_limit_is_refused() -> None:
    code = (
        "from xgeom_core.process import bounds\nbounds.limit_memory(3 * 10**8)\nfew = bytearray(10**8)\n"
        "try:\n    bytearray(4 * 10**8)\nexcept MemoryError:\n    print('refused')"
    )
    assert python(code).stdout == "refused\n"


def test_a_loop_ends_after_the_processor_time_that_it_may_take() -> None:
    code = "from xgeom_core.process import bounds\nbounds.allow_processor_time(0.05)\nwhile True: pass"
    assert python(code).returncode == -signal.SIGPROF


def test_a_limit_taken_back_ends_nothing() -> None:
    code = (
        "import time\nfrom xgeom_core.process import bounds\nbounds.allow_processor_time(0.01)\n"
        "bounds.allow_processor_time(0)\nwhile time.process_time() < 0.3: pass"
    )
    assert python(code).returncode == 0


def test_a_parent_that_is_gone_is_noticed_at_once() -> None:
    code = "from xgeom_core.process import bounds\nbounds.end_with_parent(1 << 22)\nprint('lives on')"
    assert python(code).stdout == ""


def test_a_module_in_the_users_folder_is_not_run(tmp_path) -> None:
    for name in ("numpy", "h5py", "xgeom_core"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w').close()")
    code = (
        "from xgeom_core.frames.guarded import read_geometry\nfrom xgeom_core.errors import XgeomError\n"
        "try:\n    read_geometry('none')\nexcept XgeomError as error:\n    print(error)"
    )
    # Isolated, as the installed program is; the child must be no less careful.
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "none is not there" in found.stdout, found.stderr
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_started_is_a_sentence(monkeypatch) -> None:
    worker = Worker("xgeom_core.frames.child", "reads files")
    monkeypatch.setattr(module.sys, "executable", "/nowhere/python")
    with pytest.raises(XgeomError, match=r"The process that reads files could not be started \(No such file"):
        worker.start()
    assert worker.pid is None and not worker.running and worker.close() is None


def test_a_worker_is_ended_and_started_again() -> None:
    worker = Worker("xgeom_core.predict.service.server", "predicts")
    channel = worker.start()
    first = worker.pid
    assert worker.start() is channel and worker.running
    assert processor_time(first) >= 0
    worker.end()
    assert worker.pid is None and not psutil.pid_exists(first)
    worker.start()
    assert worker.pid != first
    assert worker.close(60) == 0, "it ends by itself when nobody asks any more"


def test_how_it_ended_in_words() -> None:
    assert (exit_text(-9), exit_text(1)) == ("signal 9", "exit status 1")


def test_no_processor_time_of_no_process() -> None:
    assert processor_time(None) is None
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert processor_time(child.pid) is None
    assert processor_time(os.getpid()) > 0

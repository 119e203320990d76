"""``xgeom jobs`` from a terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from xgeom_core import cli


@pytest.fixture
def xgeom(monkeypatch, capsys, store):
    """Run the entry point on the store; exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["xgeom", "jobs", *map(str, arguments), "--root", str(store.root)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out = capsys.readouterr()
        return int(left.value.code or 0), out.out, out.err

    return run


def test_a_job_is_listed_shown_renamed_archived(xgeom, store, stand_in, reached) -> None:
    assert xgeom("list") == (0, f"No jobs below {store.root}.\n", "")
    job = stand_in("print('hello')", title="mine")
    reached(job, "done")
    code, out, _ = xgeom("list")
    assert code == 0
    assert out.startswith("done ")
    assert job.id in out
    record = json.loads(xgeom("list", "--json")[1])
    assert (record["state"], record["title"], record["folder"]) == ("done", "mine", str(job.folder))
    out = xgeom("show", "mine")[1]
    assert "-c 'print('" in out
    assert str(job.folder) in out
    assert xgeom("log", job.id, "--follow")[1].endswith("hello\n")
    assert "better" in xgeom("rename", "mine", "better")[1]
    assert "archive" in xgeom("archive", "better")[1]
    assert "better" in xgeom("list", "--archived")[1]
    assert xgeom("unarchive", job.id[:6])[0] == 0
    assert xgeom("compare", job.id, job.id)[0] == 0


def test_a_job_is_paused_killed_and_resumed(xgeom, stand_in, reached, marked) -> None:
    job = stand_in("import time; time.sleep(600)")
    reached(job, "running")
    assert xgeom("pause", job.id)[1].startswith("paused")
    assert xgeom("unpause", job.id)[1].startswith("running")
    assert xgeom("kill", job.id)[1].startswith("killed")
    assert xgeom("resume", job.id)[0] == 0
    reached(job, "running")
    assert xgeom("stop", job.id)[0] == 0
    reached(job, "stopped", "failed")
    assert marked(job) == []


def test_troubles_end_in_one_sentence(xgeom, stand_in, reached) -> None:
    one, two = stand_in("pass", title="same"), stand_in("pass", title="same")
    reached(two, "done")
    for arguments, said in (
        (("show", "nobody"), "There is no job 'nobody'"),
        (("show", "same"), f"may be any of {one.folder.name}, {two.folder.name}"),
        (("resume", one.id), "is done"),
        (("submit", "nothing.toml"), "no configuration file nothing.toml"),
    ):
        code, _, err = xgeom(*arguments)
        assert code == 2
        assert said in err
        assert err.count("\n") == 1


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; sys.argv = ['xgeom', 'jobs', '--help']\nfrom xgeom_core import cli\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "assert not {'torch', 'matplotlib'} & set(sys.modules), 'slow'"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert all(verb in shown.stdout for verb in ("submit", "list", "kill", "pause", "compare", "devices"))


def test_titles_and_logs_of_jobs_cannot_steer_the_terminal(xgeom, stand_in, reached, monkeypatch) -> None:
    evil, shown = "x\x1b]0;owned\x07\n\u202ey", r"x\x1b]0;owned\x07\n\u202ey"
    job = stand_in("print('step 1\\rstep 2\\r\\n\\tend\\x1b[2J')", title="x")
    record = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps({**record, "title": evil}))
    reached(job, "done")
    for verb in ("list", "show"):
        code, out, err = xgeom(verb, *([job.id] if verb == "show" else []))
        assert (code, err) == (0, "") and shown in out and "\x1b" not in out and "\u202e" not in out
    assert json.loads(xgeom("list", "--json")[1])["title"] == shown
    assert "end\x1b[2J\n" in xgeom("log", job.id)[1], "to a file or a program a log goes as it is"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert xgeom("log", job.id)[1].endswith("step 1\nstep 2\n\tend\\x1b[2J\n")

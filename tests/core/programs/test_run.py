"""Running other programs: command lines, progress, log, time limit, cancel, nothing left running.

The programs are stand-ins that record their arguments, except for pyFAI, which is run for real where it
is installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from xgeom_core.errors import UsageError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.registry import write_geometry
from xgeom_core.geometry import Geometry
from xgeom_core.programs import (
    PROGRAMS,
    Job,
    Program,
    ProgramCancelledError,
    ProgramError,
    Step,
    Watch,
    find_program,
    locate,
    processes,
    run,
)
from xgeom_core.programs.pyfai_driver import __doc__ as driver_words

GEOMETRY = Geometry((730.25, 866.5), 160.0, (0.172, 0.172), 0.6889, 0.5, -1.0)
WRITING = Writing(GEOMETRY, (1475, 1679))
BBLIB = locate(find_program("bblib"))


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch):
    for program in PROGRAMS:
        monkeypatch.delenv(f"XGEOM_{program.key.upper()}", raising=False)


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """Nothing on PATH, nor beside the Python that runs: whatever is installed here is not found."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))


@pytest.fixture
def stand_in(tmp_path):
    """Makes an executable that records its arguments and then does what it is told in Python."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(name: str, body: str = "") -> Path:
        path = folder / name
        path.write_text(
            f"#!{sys.executable}\nimport json, os, shutil, sys, time\n"
            f"with open({str(tmp_path / 'calls.jsonl')!r}, 'a') as f:\n"
            f"    print(json.dumps([{name!r}, *sys.argv[1:]]), file=f)\n"
            f"given = dict(a.split('=', 1) for a in sys.argv[1:] if '=' in a)\n{body}\n"
        )
        path.chmod(0o755)
        return path

    return make


def calls(tmp_path: Path) -> list[list[str]]:
    path = tmp_path / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def scripted(*commands: Path, results: tuple[str, ...] = (), optional: bool = False) -> Program:
    """A program of the given executables, for tests of the runner alone."""

    def work(job, found):
        for command in commands:
            yield Step(command.name, (str(command),), results, optional)
        return []

    return Program(key="odd", name="Odd", executables=("sh",), needs="", tried="", work=work)


COPY = "shutil.copy({found!r}, given['output.experiments'])"
TABLE = "print('|          0 |         {indexed} |           100 | 70.0%       |')"


@pytest.fixture
def dials(stand_in, tmp_path):
    """Stand-ins for DIALS 3.12; its file of frames holds three stills, and all of it finds one geometry."""
    text = json.loads(Path(write_geometry("dials", WRITING, tmp_path / "found.expt")).read_text())
    text["experiment"] = [text["experiment"][0] | {"scan": number} for number in range(3)]
    text["scan"] = [{"image_range": [number, number]} for number in (1, 2, 3)]
    text["crystal"] = [{f"real_space_{name}": [50.0, 0.0, 0.0] for name in "abc"}]
    (tmp_path / "found.expt").write_text(json.dumps(text))
    copy = COPY.format(found=str(tmp_path / "found.expt"))
    stand_in("dials.import", f"{copy}; print('imported 1 image')")
    stand_in("dials.slice_sequence", "sys.exit('there is no sweep')")
    stand_in(
        "dials.find_spots",
        "open(given['output.reflections'], 'w').write('x'); print('Saved 300 reflections to a')",
    )
    stand_in("dials.search_beam_position", f"'-c' in sys.argv and sys.exit('seed = 42')\n{copy}")
    stand_in(
        "dials.index",
        f"{copy}\nopen(given['output.reflections'], 'w').write('x')\n" + TABLE.format(indexed=210),
    )
    stand_in("dials.refine", copy)
    return {"dials": tmp_path / "bin"}


def names(result) -> list[str]:
    return [answer.reading.estimate.source for answer in result.answers]


def test_dials_picks_the_frame_searches_indexes_and_starts_from_both_centers(dials, tmp_path) -> None:
    steps: list[tuple[str, int, int]] = []
    lines: list[str] = []
    frames = tmp_path / "my frames" / "a.h5"
    job = Job(frames, tmp_path / "run", index=1, answer=replace(GEOMETRY, center_px=(735.0, 860.0)))
    watch = Watch(on_step=lambda *step: steps.append(step), on_line=lines.append)
    result = run(find_program("dials"), job, watch, configured=dials)
    assert [call[:3] for call in calls(tmp_path)] == [
        ["dials.import", str(frames), "output.experiments=imported.expt"],
        ["dials.find_spots", "frame.expt", "output.reflections=strong.refl"],
        ["dials.search_beam_position", "-c", "-e2"],
        ["dials.search_beam_position", "frame.expt", "strong.refl"],
        ["dials.index", "frame.expt", "strong.refl"],
        ["dials.refine", "indexed_fft3d_frame.expt", "indexed_fft3d_frame.refl"],
        ["dials.index", "xgeom.expt", "strong.refl"],
        ["dials.refine", "indexed_fft3d_xgeom.expt", "indexed_fft3d_xgeom.refl"],
    ]
    assert not any("method=default" in word for call in calls(tmp_path) for word in call)
    kept = json.loads((job.folder / "frame.expt").read_text())
    assert [one["scan"] for one in kept["experiment"]] == [1], "the second still"
    assert names(result) == ["DIALS search", "DIALS refined", "DIALS refined from xgeom's center"]
    assert [answer.reading.estimate.tilt_deg is None for answer in result.answers] == [True, False, False]
    for answer, start in zip(
        result.answers, (GEOMETRY.center_px, GEOMETRY.center_px, (735.0, 860.0)), strict=True
    ):
        assert answer.reading.estimate.center_px == pytest.approx(GEOMETRY.center_px, abs=1e-6)
        assert answer.start_px == pytest.approx(start, abs=1e-6)
        assert answer.reading.frame == 1
        assert answer.spots == 300
    assert [answer.share for answer in result.answers] == [None, 0.7, 0.7]
    assert steps[0] == ("dials.import", 1, 8)
    assert len(result.commands) == len(steps) == 7
    assert lines[0] == "imported 1 image"
    assert "dials.find_spots frame.expt" in result.log.read_text()


def test_dials_of_another_version_is_asked_for_its_methods(dials, stand_in, tmp_path) -> None:
    copy = COPY.format(found=str(tmp_path / "found.expt"))
    asked = "'-c' in sys.argv and sys.exit(print('method = *default midpoint maximum inversion'))"
    stand_in(
        "dials.search_beam_position",
        f"{asked}\nif given['method'] == 'midpoint': sys.exit('Sorry: no background')\n{copy}",
    )
    result = run(find_program("dials"), Job(tmp_path / "a.cbf", tmp_path / "run"), configured=dials)
    assert names(result) == ["DIALS search", "DIALS maximum", "DIALS inversion", "DIALS refined"]
    assert "Sorry: no background" in result.notes[0]


@pytest.mark.parametrize(
    ("center", "indexed", "words"),
    [((770.0, 866.5), 210, "half of the 12.8 px between rows"), ((731.0, 866.5), 20, "only 20 of 300 spots")],
)
def test_what_dials_calls_indexed_is_doubted_where_it_may_be_chance(
    dials, stand_in, tmp_path, center, indexed, words
) -> None:
    copy = COPY.format(found=str(tmp_path / "found.expt"))
    table = TABLE.format(indexed=indexed)
    stand_in("dials.index", f"{copy}\nopen(given['output.reflections'], 'w').write('x')\n{table}")
    job = Job(tmp_path / "a.cbf", tmp_path / "run", start=replace(GEOMETRY, center_px=center), imposed=True)
    result = run(find_program("dials"), job, configured=dials)
    (refined,) = [answer for answer in result.answers if answer.reading.estimate.source == "DIALS refined"]
    assert words in " ".join(refined.reading.estimate.warnings)


REFUSAL = (
    "print('Unable to handle the following arguments:\\n  a.img\\nusage: dials.import [options]\\n  EOF')"
)


def test_a_file_that_dials_refuses_is_handed_over_as_nxmx(dials, stand_in, tmp_path) -> None:
    copy = COPY.format(found=str(tmp_path / "found.expt"))
    stand_in("dials.import", f"if sys.argv[1].endswith('frame.h5'): {copy}\nelse: {REFUSAL}")
    bare = Job(tmp_path / "a.img", tmp_path / "run")
    with pytest.raises(ProgramError, match=r"it said: Unable to handle the following arguments: a\.img"):
        run(find_program("dials"), bare, configured=dials)
    image = np.arange(1475 * 1679, dtype=np.float32).reshape(1679, 1475)
    job = replace(bare, folder=tmp_path / "run2", start=GEOMETRY, image=image, valid=image > 5)
    result = run(find_program("dials"), job, configured=dials)
    assert names(result) == ["DIALS search", "DIALS refined"]
    assert "Unable to handle the following arguments: a.img" in result.notes[0]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "  assert len(a) == len(b)\n  ^^^^\nAssertionError: Please report this error to d@x.net:",
            "AssertionError: assert len(a) == len(b)",
        ),
        (
            "IndexError: Please report this error to d@x.net: list index out of range",
            "IndexError: list index out of range",
        ),
        ("Sorry: No solutions found\nbye", "Sorry: No solutions found"),
        ("No suitable lattice could be found.", "No suitable lattice could be found."),
        ("", ""),
    ],
)
def test_the_line_that_says_why_is_told(said: str, cause: str) -> None:
    assert find_program("dials").cause(tuple(said.split("\n")) if said else ()) == cause


def test_a_failed_import_ends_the_run_with_what_the_program_said(dials, stand_in, tmp_path) -> None:
    stand_in("dials.import", "print('Sorry: unrecognised image'); sys.exit(3)")
    with pytest.raises(ProgramError, match=r"dials\.import ended with status 3 .*Sorry: unrecognised image"):
        run(find_program("dials"), Job(tmp_path / "a.cbf", tmp_path / "run"), configured=dials)
    assert len(calls(tmp_path)) == 1


def test_a_program_that_leaves_no_answer_is_told(dials, stand_in, tmp_path) -> None:
    stand_in("dials.search_beam_position")
    stand_in("dials.index", "print('No suitable lattice could be found.'); sys.exit(1)")
    words = r"DIALS found no beam center: .*no optimised_default\.expt.*No suitable lattice"
    with pytest.raises(ProgramError, match=words):
        run(find_program("dials"), Job(tmp_path / "a.cbf", tmp_path / "run"), configured=dials)
    stand_in("dials.search_beam_position", "open(given['output.experiments'], 'w').write('{broken')")
    with pytest.raises(ProgramError, match=r"DIALS left a result that cannot be used .*optimised_default"):
        run(find_program("dials"), Job(tmp_path / "a.cbf", tmp_path / "run2"), configured=dials)


def test_xds_gets_the_users_input_with_only_the_jobs_needed(stand_in, tmp_path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    template = tmp_path / "XDS.INP"
    template.write_text(
        "JOB= ALL ! everything\n!JOB= CORRECT\nORGX= 1 ORGY= 2\nDETECTOR_DISTANCE= 100\nQX= 0.172 QY= 0.172\n"
        "NX= 1475 NY= 1679\nNAME_TEMPLATE_OF_DATA_FRAMES= images/run_????.cbf\nDATA_RANGE= 1 90\n"
        "UNTRUSTED_RECTANGLE= 487 495 0 1680\nX-RAY_WAVELENGTH= 0.6889\n"
    )
    result = tmp_path / "XPARM.XDS"
    result.write_text(
        " XPARM.XDS    VERSION Feb 5, 2021  BUILT=20210323\n"
        "     1        0.0000    0.1000  1.000000  0.000000  0.000000\n"
        "       0.688900       0.000000       0.000000       1.451589\n"
        "     1      50.0000      50.0000      50.0000  90.000  90.000  90.000\n"
        "      50.000000       0.000000       0.000000\n"
        "       0.000000      50.000000       0.000000\n"
        "       0.000000       0.000000      50.000000\n"
        "         1      1475      1679    0.172000    0.172000\n"
        "     700.500000     800.500000     160.000000\n"
        "       1.000000       0.000000       0.000000\n"
        "       0.000000       1.000000       0.000000\n"
        "       0.000000       0.000000       1.000000\n"
        "         1         1      1475         1      1679\n"
        "    0.00    0.00    0.00  1.00000  0.00000  0.00000  0.00000  1.00000  0.00000\n"
    )
    stand_in(
        "xds",
        f"text = open('XDS.INP').read(); shutil.copy('XDS.INP', {str(tmp_path / 'seen.INP')!r})\n"
        "assert os.path.isdir('frames')\n"
        f"open('IDXREF.LP', 'w').write('x'); shutil.copy({str(result)!r}, 'XPARM.XDS')",
    )
    job = Job(images / "run_0001.cbf", tmp_path / "run", template=template)
    done = run(find_program("xds"), job, configured={"xds": tmp_path / "bin"})
    assert calls(tmp_path) == [["xds"]]
    seen = (tmp_path / "seen.INP").read_text()
    assert seen.startswith("JOB= XYCORR INIT COLSPOT IDXREF\n")
    assert "JOB= ALL" not in seen and "!JOB= CORRECT" in seen
    assert "NAME_TEMPLATE_OF_DATA_FRAMES= frames/run_????.cbf" in seen
    assert "UNTRUSTED_RECTANGLE= 487 495 0 1680" in seen
    assert (job.folder / "frames").resolve() == images.resolve()
    assert "ORGX= 1 ORGY= 2" in seen
    assert done.readings[0].estimate.center_px == pytest.approx((700.0, 800.0))
    assert template.read_text().startswith("JOB= ALL"), "the user's file is left as it was"


def test_what_a_program_lacks_is_told_before_it_is_started(stand_in, tmp_path) -> None:
    stand_in("xds")
    bare = Job(tmp_path / "a.cbf", tmp_path / "run")
    with pytest.raises(UsageError, match="--xds-inp"):
        run(find_program("xds"), bare, configured={"xds": tmp_path / "bin"})
    pixels = replace(
        bare, image=np.ones((50, 60), np.float32), valid=np.ones((50, 60), bool), folder=tmp_path / "r2"
    )
    program = replace(find_program("pyfai"), python_package="json", executables=("no-such-program",))
    for job, words in (
        (pixels, "--distance-mm"),
        (replace(pixels, start=replace(GEOMETRY, wavelength_A=None)), "--wavelength-A"),
        (replace(pixels, start=GEOMETRY), "--calibrant"),
    ):
        with pytest.raises(UsageError, match=words):
            run(program, job)
    assert calls(tmp_path) == []


@pytest.mark.usefixtures("bare_machine")
def test_a_program_that_is_absent_is_told_with_how_to_configure_it(tmp_path) -> None:
    assert locate(find_program("dials")) is None
    with pytest.raises(ProgramError, match=r"dials\.import and dials\.find_spots .*XGEOM_DIALS"):
        run(find_program("dials"), Job(tmp_path / "a", tmp_path / "run"))
    with pytest.raises(UsageError, match="xgeom can run dials, pyfai, xds, bblib, not 'word'"):
        find_program("word")


@pytest.mark.usefixtures("bare_machine")
def test_programs_are_found_configured_by_variable_and_on_path(stand_in, monkeypatch) -> None:
    path = stand_in("xds")
    program = find_program("xds")
    assert locate(program) is None
    assert locate(program, {"xds": path.parent}).paths["xds"] == str(path)
    assert locate(program, {"xds": path}).paths["xds"] == str(path), "the executable itself will do"
    monkeypatch.setenv("XGEOM_XDS", str(path.parent))
    assert locate(program) is not None
    monkeypatch.delenv("XGEOM_XDS")
    monkeypatch.setenv("PATH", str(path.parent))
    assert locate(program) is not None
    path.chmod(0o644)
    assert locate(program) is None, "a file that cannot be executed is no program"


@pytest.mark.parametrize(
    "head",
    [
        "#!{python}\n",
        "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
        "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
    ],
)
def test_the_interpreter_of_a_console_script_is_found(tmp_path, monkeypatch, head: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "beambusters"
    script.write_text(head.format(python=sys.executable))
    script.chmod(0o755)
    found = locate(find_program("bblib"), {"bblib": folder})
    assert found is not None
    assert found.python == sys.executable


# ------------------------------------------------------------------------------------------ the runner


def test_lines_arrive_while_the_program_runs(stand_in, tmp_path) -> None:
    slow = stand_in(
        "slow", "print('first', flush=True)\nprint('a\\rb', flush=True)\ntime.sleep(0.6)\nprint('last')"
    )
    seen: list[tuple[str, float]] = []
    started = time.monotonic()
    with pytest.raises(ProgramError, match="without a beam center"):
        run(
            scripted(slow),
            Job(tmp_path / "a", tmp_path / "run"),
            Watch(on_line=lambda line: seen.append((line, time.monotonic() - started))),
        )
    assert [line for line, _ in seen] == ["first", "a", "b", "last"]
    assert seen[3][1] - seen[0][1] > 0.4


TREE = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
# Left its parent, its session and its terminal, and does not want to end.
code = (
    "import os, signal, time\\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
    "if os.fork(): os._exit(0)\\n"
    "os.setsid()\\n"
    "open('orphan.pid', 'w').write(str(os.getpid()))\\n"
    "time.sleep(600)\\n"
)
subprocess.run([sys.executable, "-c", code])
while not os.path.exists("orphan.pid") or not open("orphan.pid").read():
    time.sleep(0.01)
print("pids", os.getpid(), child.pid, open("orphan.pid").read(), flush=True)
"""


def _gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in pids)


@pytest.mark.parametrize("how", ["cancel", "time limit", "normal end"])
def test_nothing_of_the_program_is_left_running(stand_in, tmp_path, monkeypatch, how: str) -> None:
    monkeypatch.setattr(processes, "_PATIENCE_S", 0.5)
    program = stand_in("tree", TREE + ("" if how == "normal end" else "time.sleep(600)"))
    stop = threading.Event()
    pids: list[int] = []

    def line(text: str) -> None:
        pids.extend(int(word) for word in text.split()[1:])
        if how == "cancel":
            stop.set()

    expected = ProgramCancelledError if how == "cancel" else ProgramError
    words = {"cancel": "was stopped", "time limit": "time limit of 1.5 s", "normal end": "without"}[how]
    started = time.monotonic()
    with pytest.raises(expected, match=words):
        run(
            scripted(program),
            Job(tmp_path / "a", tmp_path / "run"),
            Watch(on_line=line, cancelled=stop.is_set),
            time_limit_s=1.5 if how == "time limit" else 60.0,
        )
    assert time.monotonic() - started < 30
    assert len(pids) == 3
    assert _gone(pids)
    assert "pids" in (tmp_path / "run" / "xgeom-run.log").read_text()


def test_an_error_in_the_watcher_ends_the_program_too(stand_in, tmp_path) -> None:
    program = stand_in("endless", "print(os.getpid(), flush=True)\ntime.sleep(600)")
    pids: list[int] = []

    def line(text: str) -> None:
        pids.append(int(text))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(scripted(program), Job(tmp_path / "a", tmp_path / "run"), Watch(on_line=line))
    assert _gone(pids)


def test_a_program_killed_by_a_signal_is_told(stand_in, tmp_path) -> None:
    program = stand_in("crash", "os.kill(os.getpid(), 11)")
    with pytest.raises(ProgramError, match="crash was ended by signal 11"):
        run(scripted(program), Job(tmp_path / "a", tmp_path / "run"))


def test_it_waits_for_no_input_and_runs_in_its_own_folder(stand_in, tmp_path) -> None:
    program = stand_in("ask", "print(repr(sys.stdin.read()), os.getcwd())")
    lines: list[str] = []
    with pytest.raises(ProgramError, match="without"):
        run(scripted(program), Job(tmp_path / "a", tmp_path / "run"), Watch(on_line=lines.append))
    assert lines == [f"'' {os.path.realpath(tmp_path / 'run')}"]


def test_a_folder_that_is_in_use_is_refused(stand_in, tmp_path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "mine").write_text("precious")
    with pytest.raises(ProgramError, match="is not empty"):
        run(scripted(stand_in("p")), Job(tmp_path / "a", folder))
    assert calls(tmp_path) == []
    with pytest.raises(ProgramError, match="cannot be made"):
        run(scripted(stand_in("p")), Job(tmp_path / "a", folder / "mine" / "x"))


def test_what_cannot_be_started_is_a_sentence(tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("no program")
    with pytest.raises(ProgramError, match=r"broken cannot be started"):
        run(scripted(broken), Job(tmp_path / "a", tmp_path / "run"))


# ------------------------------------------------------------------------------- bblib, with a stand-in


def test_bblib_gets_image_mask_and_geometry_and_its_pixel_numbers_are_shifted(tmp_path) -> None:
    folder = tmp_path / "bin"
    package = tmp_path / "site" / "bblib"
    package.mkdir(parents=True)
    folder.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(
        "class PF8Info:\n"
        "    def __init__(self, **given): pass\n"
        "    def set_geometry_from_file(self, name):\n"
        "        self.lines = dict(l.rstrip('\\n').split(' = ') for l in open(name))\n"
    )
    (package / "methods.py").write_text(
        "class CenterOfMass:\n"
        "    def __init__(self, config, PF8Config, plots_info): self.info = PF8Config\n"
        "    def __call__(self, data):\n"
        "        return [-float(self.info.lines['p0/corner_x']), -float(self.info.lines['p0/corner_y'])]\n"
        "    def centering_converged(self, center): return True\n"
        "class FriedelPairs(CenterOfMass):\n"
        "    def __call__(self, data, initial_guess): raise IndexError('no peaks')\n"
    )
    script = folder / "beambusters"
    wrapper = tmp_path / "python-with-bblib"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path / "site"} exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    script.write_text(f"#!{wrapper}\n")
    script.chmod(0o755)
    image = np.arange(12000, dtype=np.float32).reshape(100, 120)
    valid = image > 50
    start = Geometry((60.5, 51.25), 100.0, (0.1, 0.1), 1.0)
    job = Job(tmp_path / "a.h5", tmp_path / "run", index=7, start=start, image=image, valid=valid)
    lines: list[str] = []
    result = run(find_program("bblib"), job, Watch(on_line=lines.append), configured={"bblib": folder})
    (reading,) = result.readings
    assert reading.estimate.source == "bblib center of mass"
    # The corner handed over is the center of the first pixel, so that the round trip is exact.
    assert reading.estimate.center_px == pytest.approx((60.5, 51.25))
    assert reading.frame == 7
    assert "Friedel pairs: IndexError: no peaks" in lines
    assert np.load(job.folder / "image.npy")[0, 10] == 0


@pytest.mark.skipif(BBLIB is None, reason="bblib is not installed (pip install bblib; XGEOM_BBLIB)")
def test_bblib_counts_from_the_center_of_the_first_pixel_for_real(tmp_path) -> None:
    """Pairs of spots on pixel centers, mirrored at a known point: its answer must be half a pixel less."""
    rng = np.random.default_rng(1)
    center = np.array([203.0, 251.0])
    y, x = np.mgrid[:500, :420] + 0.5
    image = np.full((500, 420), 20.0)
    for _ in range(60):
        away = np.round(rng.uniform(-150, 150, 2)) + 0.5
        for spot in (center + away, center - away):
            image += 800 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / 2)
    start = Geometry((204.0, 250.0), 100.0, (0.1, 0.1), 1.0)
    image = rng.poisson(image).astype(np.float32)
    job = Job(tmp_path / "a", tmp_path / "run", 0, start, image, image >= 0)
    folder = Path(next(iter(BBLIB.paths.values()), BBLIB.python)).parent
    found = {
        r.estimate.source: r for r in run(find_program("bblib"), job, configured={"bblib": folder}).readings
    }
    assert found["bblib Friedel pairs"].estimate.center_px == pytest.approx((203.0, 251.0), abs=0.1)


# ----------------------------------------------------------------------------------- pyFAI, for real


needs_pyfai = pytest.mark.skipif(
    importlib.util.find_spec("pyFAI") is None, reason="pyFAI is not installed (pip install pyFAI)"
)


def powder(geometry: Geometry, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Rings of CeO2 with counting noise."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    two_theta = geometry.two_theta(x, y)
    image = np.full(shape, 20.0)
    for h2 in (3, 4, 8, 11, 12, 16, 19, 20, 24, 27):
        ring = 2 * np.arcsin(geometry.wavelength_A * np.sqrt(h2) / (2 * 5.41165))
        image += 2000 * np.exp(-(((two_theta - ring) / 1e-3) ** 2))
    return np.random.default_rng(seed).poisson(image).astype(np.float32)


@needs_pyfai
def test_pyfai_finds_a_known_geometry_for_real(tmp_path) -> None:
    truth = Geometry((203.3, 251.8), 120.0, (0.172, 0.172), 0.4066, 1.5, -0.8)
    image = powder(truth, (480, 420))
    valid = np.ones(image.shape, bool)
    valid[:, 300:307] = False
    image[:, 300:307] = -1
    start = Geometry((204.5, 250.6), 119.0, (0.172, 0.172), 0.4066)
    job = Job(tmp_path / "a.tif", tmp_path / "run", 3, start, image, valid, calibrant="CeO2")
    lines: list[str] = []
    result = run(find_program("pyfai"), job, Watch(on_line=lines.append), time_limit_s=120)
    (reading,) = result.readings
    assert reading.estimate.source == "pyFAI"
    assert reading.estimate.center_px == pytest.approx(truth.center_px, abs=0.1)
    assert reading.estimate.tilt_deg == pytest.approx((1.5, -0.8), abs=0.1)
    assert reading.distance_mm == pytest.approx(truth.distance_mm, abs=0.1)
    assert reading.frame == 3
    assert any(line.startswith("cycle 1:") for line in lines)


@needs_pyfai
def test_pyfai_says_what_it_does_not_know(tmp_path) -> None:
    image = np.ones((60, 60), np.float32)
    start = Geometry((30.0, 30.0), 100.0, (0.1, 0.1), 1.0)
    job = Job(tmp_path / "a", tmp_path / "run", 0, start, image, image > 0, calibrant="cheese")
    with pytest.raises(ProgramError, match="pyFAI knows no calibrant 'cheese'"):
        run(find_program("pyfai"), job, time_limit_s=120)


@needs_pyfai
def test_pyfai_calibrates_the_reference_powder(frames_dir, tmp_path) -> None:
    from xgeom_core.frames import open_frames

    with open_frames(str(frames_dir / "ceo2_pilatus1m" / "CeO2_Pilatus1M.tif")) as source:
        frame = source.frame(0)
    start = Geometry((489.0, 529.0), 208.0, (0.172, 0.172), 0.4066)
    job = Job(Path(frame.path), tmp_path / "run", 0, start, frame.data, frame.valid, calibrant="CeO2")
    (reading,) = run(find_program("pyfai"), job, time_limit_s=180).readings
    assert reading.estimate.center_px == pytest.approx((487.26, 530.45), abs=0.3)
    pitch, yaw = reading.estimate.tilt_deg
    assert np.hypot(pitch, yaw) == pytest.approx(1.08, abs=0.1)


def test_the_drivers_need_nothing_of_xgeom() -> None:
    """They run in other interpreters; an import of xgeom would fail there."""
    assert "need not know xgeom" in driver_words
    for name in ("pyfai_driver", "bblib_driver"):
        spec = importlib.util.find_spec(f"xgeom_core.programs.{name}")
        text = Path(spec.origin).read_text()
        assert "import xgeom" not in text and "from xgeom" not in text

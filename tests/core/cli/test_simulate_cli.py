"""``xgeom simulate`` as a user meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import h5py
import pytest

from xgeom_core.cli import frame_progress
from xgeom_core.cli.frame_progress import Pace
from xgeom_core.cli.simulate import parse_part, parse_size
from xgeom_core.errors import UsageError
from xgeom_core.simulate import KINDS, load_recipe


def one_sentence(text: str) -> bool:
    return text.startswith("xgeom: ") and text.count("\n") == 1 and "Traceback" not in text


def test_help_names_every_kind_without_loading_the_simulator(xgeom, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = xgeom("simulate", "--help")
    assert code == 0
    for word in (*KINDS, "--shard-size", "--print-recipe", "--gallery", "--workers"):
        assert word in out, word
    loaded = "import sys; from xgeom_core.cli import simulate; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded]).returncode == 0


def test_kinds_are_listed_with_a_line_each(xgeom) -> None:
    code, out, _ = xgeom("simulate", "--list")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, len(KINDS))
    for kind, line in zip(KINDS, lines, strict=True):
        assert line.split(maxsplit=1) == [kind, load_recipe(kind).description]


def test_a_printed_recipe_can_be_changed_and_simulated(xgeom, tmp_path) -> None:
    code, text, _ = xgeom("simulate", "--print-recipe", "flat")
    assert code == 0
    recipe = tmp_path / "mine.toml"
    recipe.write_text(text.replace('name = "flat"', 'name = "mine"'), encoding="utf-8")
    out = tmp_path / "a.h5"
    code, said, _ = xgeom("simulate", "--kind", recipe, "--count", 2, "--size", "40x32", "--out", out)
    assert (code, said) == (0, f"2 mine frames of 40 x 32 px (seed 0): {out}\n")
    with h5py.File(out) as file:
        assert file["images"].shape == (2, 32, 40)
        assert file.attrs["recipe_name"] == "mine"


def test_shards_and_parts(xgeom, tmp_path) -> None:
    common = ("simulate", "--kind", "flat", "--count", 5, "--size", 32, "--out", tmp_path / "a.h5")
    code, out, _ = xgeom(*common, "--shard-size", 2)
    assert code == 0
    assert "5 flat frames" in out
    assert "3 files" in out
    names = [f"a_0000{k}.h5" for k in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    whole = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names:
        (tmp_path / name).unlink()
    assert xgeom(*common, "--shard-size", 2, "--shard", "2/3")[0] == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {names[1]: whole[names[1]]}


def test_what_is_there_stays_unless_told(xgeom, tmp_path) -> None:
    out = tmp_path / "a.h5"
    common = ("simulate", "--kind", "flat", "--count", 2, "--size", 32, "--out", out)
    assert xgeom(*common)[0] == 0
    first = out.read_bytes()
    assert xgeom(*common)[0] == 0
    code, _, err = xgeom(*common, "--seed", 1)
    assert code == 2
    assert one_sentence(err)
    assert "--overwrite" in err
    assert out.read_bytes() == first
    assert xgeom(*common, "--seed", 1, "--overwrite")[0] == 0
    assert out.read_bytes() != first


def test_the_gallery(xgeom, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XGEOM_FRAMES", str(tmp_path))
    drawn = []
    monkeypatch.setattr("xgeom_core.simulate.gallery.write_gallery", lambda *given, **_: drawn.append(given))
    code, out, _ = xgeom("simulate", "--gallery", tmp_path / "g.png", "--seed", 3)
    assert (code, drawn) == (0, [(tmp_path / "g.png", list(KINDS), 3)])
    assert "g.png" in out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--kind, --count and --out"),
        (("--kind", "flat", "--out", "a.h5"), "--count"),
        (("--kind", "flat", "--count", 1, "--out", "a.h5", "--shard", "3/2"), "2/8"),
        (("--kind", "flat", "--count", 1, "--out", "a.h5", "--shard", "2"), "2/8"),
        (("--kind", "flat", "--count", 1, "--out", "a.h5", "--shard", "1/2"), "fewer parts"),
        (("--kind", "flatt", "--count", 1, "--out", "a.h5"), "flat"),
        (("--print-recipe", "flatt"), "flat"),
        (("--kind", "flat", "--count", 1, "--out", "nowhere/a.h5"), "nowhere"),
        (("--gallery", "g.txt"), ".png"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(xgeom, tmp_path, monkeypatch, arguments, word) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = xgeom("simulate", *arguments)
    assert (code, out) == (2, "")
    assert one_sentence(err), err
    assert word in err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_says_how_to_go_on(tmp_path) -> None:
    out = tmp_path / "a.h5"
    command = [sys.executable, "-m", "xgeom_core", "simulate", "--kind", "flat", "--count", "100000"]
    process = subprocess.Popen(
        [*command, "--size", "32", "--workers", "1", "--out", out],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the tests run in the background of a shell, Ctrl-C would be ignored by inheritance.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads
    )
    journal = tmp_path / "a.h5.journal"
    while not (journal.exists() and journal.stat().st_size > 20_000):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "Stopped. The frames so far are kept; the same command goes on with the next one.\n"
    assert journal.exists()


def test_pace_counts_only_what_this_run_made() -> None:
    now = [100.0]
    pace = Pace(1000, clock=lambda: now[0])
    assert pace.at(400) == ""
    now[0] += 10
    assert pace.at(450) == "5 frames/s, 2 min left"
    now[0] += 190
    assert pace.at(1000) == "3 frames/s, 0 s left"
    slow = Pace(100_000, clock=lambda: now[0])
    slow.at(0)
    now[0] += 60
    assert slow.at(30) == "0.5 frames/s, 55.5 h left"


def test_a_log_gets_a_plain_line_now_and_then(capsys, monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(frame_progress.time, "monotonic", lambda: now[0])
    with frame_progress.frame_progress("flat frames", 100) as tell:
        for done in range(0, 101, 10):
            tell(done)
            now[0] += 10
    assert capsys.readouterr().err.splitlines() == [
        "flat frames: 30 of 100, 1 frames/s, 70 s left",
        "flat frames: 60 of 100, 1 frames/s, 40 s left",
        "flat frames: 90 of 100, 1 frames/s, 10 s left",
    ]


def test_sizes_are_fast_by_slow() -> None:
    assert parse_size("820") == (820, 820)
    assert parse_size("2463x2527") == (2527, 2463)
    for text in ("3", "0x10", "10x20x30", "-5", "1e3"):
        with pytest.raises(UsageError, match="--size"):
            parse_size(text)


def test_parts_are_counted_from_one() -> None:
    assert parse_part(None) is None
    assert parse_part("3/8") == (3, 8)
    for text in ("0/8", "9/8", "3", "a/b", "1/2/3", "-1/2"):
        with pytest.raises(UsageError, match="--shard"):
            parse_part(text)

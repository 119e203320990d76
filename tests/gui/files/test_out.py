"""Exports and session files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from xgeom_core.errors import UnreadableFileError, UsageError
from xgeom_gui.files.session_file import SavedMask, SavedSession, SessionParts, read_session, write_session
from xgeom_gui.look.theme import THEME
from xgeom_gui.services.exports import export_rows


def saved(opened, path: Path) -> Path:
    """Wait until a file is written."""
    opened.qtbot.waitUntil(path.exists, timeout=10_000)
    return path


def test_rows_become_csv_or_json(tmp_path):
    rows = [{"frame": 0, "x_px": np.float32(1.5), "note": "a, b"}, {"frame": 1, "tilt": float("nan")}]
    export_rows(rows, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == 'frame,x_px,note,tilt\n0,1.5,"a, b",\n1,,,\n'
    export_rows(rows, tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text()) == [
        {"frame": 0, "x_px": 1.5, "note": "a, b"},
        {"frame": 1, "tilt": None},
    ]
    with pytest.raises(UsageError, match="one of these endings"):
        export_rows(rows, tmp_path / "t.xlsx")
    with pytest.raises(UsageError, match="choose another folder"):
        export_rows(rows, tmp_path / "none" / "t.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "t.json"]


def test_the_table_of_centers_is_exported_with_units(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    opened.window.file_tools.export_table(str(tmp_path / "centers.csv"))
    with saved(opened, tmp_path / "centers.csv").open(newline="") as file:
        rows = {row["source"]: row for row in csv.DictReader(file)}
    assert (float(rows["Fit"]["x_px"]), float(rows["Fit"]["y_px"])) == (210.25, 140.5)
    assert float(rows["Network"]["difference_px"]) == pytest.approx(5.0)
    assert rows["Fit"]["is_reference"] == "True" and rows["Fit"]["file"] == str(nxmx_file)
    opened.window.actions_by_name["copy_table"].trigger()
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == len(rows) + 1 and "210.25" in "".join(lines)


def test_the_view_is_exported_as_picture_and_drawing(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    opened.window.file_tools.export_view(str(tmp_path / "view.png"))
    image = QImage(str(saved(opened, tmp_path / "view.png")))
    canvas = opened.window.image.canvas
    assert (image.width(), image.height()) == (2 * canvas.width(), 2 * canvas.height())
    fit = opened.window.image.marks["fit"]
    place = canvas.mapFromScene(opened.window.image.box.mapViewToScene(fit.pos()))
    around = [
        image.pixelColor(2 * place.x() + dx, 2 * place.y() + dy)
        for dx in range(-24, 25)
        for dy in range(-24, 25)
    ]
    assert any(color.saturation() > 100 for color in around), "the mark is there"
    opened.window.file_tools.export_view(str(tmp_path / "view.svg"))
    drawing = saved(opened, tmp_path / "view.svg").read_text()
    assert drawing.count("<path") + drawing.count("<polyline") > 5 and "<image" in drawing
    assert "Header" in drawing, "the legend is text"


def test_a_folder_that_cannot_be_written_to_is_a_sentence(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    opened.window.file_tools.export_view(str(tmp_path / "none" / "view.png"))
    opened.qtbot.waitUntil(lambda: "choose another folder" in opened.window.messages.text)


def paint(opened):
    region = np.ones((5, 7), dtype=bool)
    opened.session.masks.paint(region, (20, 30), True, "paint")
    opened.settle()


def test_a_session_brings_everything_back(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    opened.step(2)
    session, window = opened.session, opened.window
    window.image.zoom_to((60, 50), 20)
    session.display.set_scale("log")
    session.display.set_levels(3.0, 500.0)
    session.rings.choose(resolution=True, ice=True)
    session.external.set_hidden("network", True)
    session.user_centers.accept(session.best)
    paint(opened)
    view = window.image.box.viewRange()[1]
    file = tmp_path / "mine.xgeom.json"
    window.file_tools.sessions.save(str(file))
    saved(opened, file)

    session.masks.clear()
    session.user_centers.reset()
    session.external.set_hidden("network", False)
    session.rings.choose(resolution=False, ice=False)
    session.display.set_scale("linear")
    session.display.set_automatic()
    opened.step(-2)
    window.image.reset_view()
    window.take([str(file)])
    opened.qtbot.waitUntil(lambda: session.index == 2 and session.masks.current is not None, timeout=10_000)
    opened.settle()
    assert (session.display.scale, session.display.levels()) == ("log", (3.0, 500.0))
    assert session.rings.resolution and session.rings.ice
    assert session.external.is_hidden("network")
    assert session.user_centers.current.accepted.center_px == (212.25, 140.5)
    assert session.masks.current.pixels.sum() == 35 and session.masks.current.pixels[20, 30]
    assert window.image.box.viewRange()[1] == pytest.approx(view, abs=0.5)
    assert not session.frame.valid[22, 33], "the mask is in use"


def test_a_run_of_files_comes_back_where_one_was_lost(opened, tmp_path, write_hdf5):
    session = opened.session
    session.set_automatic(False)
    paths = [write_hdf5(tmp_path / f"part{i}.h5", 1) for i in range(3)]
    opened.open("\n".join(paths))
    opened.step(2)
    file = tmp_path / "run.xgeom.json"
    opened.window.file_tools.sessions.save(str(file))
    saved(opened, file)
    Path(paths[1]).unlink()
    opened.step(-2)
    opened.window.open(str(file))
    opened.qtbot.waitUntil(lambda: session.index == 2, timeout=10_000)
    opened.settle()
    assert "part1.h5 does not exist any more" in opened.window.messages.text
    assert session.frame.path == paths[2]


def test_a_session_whose_frames_are_gone_says_so(opened, nxmx_file, tmp_path):
    opened.session.set_automatic(False)
    opened.open(nxmx_file)
    file = tmp_path / "mine.xgeom.json"
    opened.window.file_tools.sessions.save(str(file))
    saved(opened, file)
    nxmx_file.unlink()
    opened.window.open(str(file))
    opened.qtbot.waitUntil(lambda: "frames.h5 does not exist" in opened.window.messages.text)
    assert opened.session.frame is not None, "what was shown stays"


def test_a_session_moved_with_its_files_finds_them(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "data").mkdir(parents=True)
    frames = old / "data" / "a.h5"
    frames.write_bytes(b"x")
    parts = {"centers": [{"path": str(frames), "dataset": "", "index": 0}], "view": [[0, 1], [0, 2]]}
    mask = SavedMask("Eiger", np.eye(20, dtype=bool))
    write_session(SavedSession(f"{frames}::/data", 3, (), parts, mask), old / "s.xgeom.json")
    old.rename(new)
    found = read_session(new / "s.xgeom.json")
    assert found.spec == f"{new / 'data' / 'a.h5'}::/data" and found.index == 3 and found.gone == ()
    assert found.parts["centers"][0]["path"] == str(new / "data" / "a.h5")
    assert found.mask.detector == "Eiger" and np.array_equal(found.mask.pixels, mask.pixels)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("not json", "no session file"),
        ("[1, 2]", "no session file"),
        ('{"xgeom session": 99}', "later xgeom"),
        ('{"xgeom session": 1, "frames": [{"no": "path"}]}', "damaged session file"),
    ],
)
def test_what_is_no_session_file_is_refused(tmp_path, content, sentence):
    path = tmp_path / "bad.xgeom.json"
    path.write_text(content)
    with pytest.raises(UnreadableFileError, match=sentence):
        read_session(path)


def test_a_part_that_fails_leaves_the_others(tmp_path):
    taken = []
    parts = SessionParts()
    parts.register("bad", lambda: 1, lambda value: value["x"])
    parts.register("good", lambda: 2, taken.append)
    assert parts.collect() == {"bad": 1, "good": 2}
    assert parts.restore({"bad": 1, "good": 2, "unknown": 3}) == ["bad"]
    assert taken == [2]


def test_a_figure_for_paper_is_light_and_has_no_margins(opened, nxmx_file, tmp_path):
    before = THEME.choice
    THEME.choose("dark")
    try:
        opened.open(nxmx_file)
        image = opened.window.image
        opened.window.file_tools.export_figure(str(tmp_path / "figure.png"))
        figure = QImage(str(saved(opened, tmp_path / "figure.png")))
        assert THEME.choice == "dark"
        height, width = opened.session.frame.shape
        assert figure.width() / figure.height() == pytest.approx(width / height, rel=0.02)
        view = image.frame_on_screen
        assert abs(figure.width() - 2 * view.width()) <= 2
        assert image.legend.pos().x() == 12 and image.legend.pos().y() == 12
    finally:
        THEME.choose(before)

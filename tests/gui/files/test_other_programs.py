"""Other programs' files in the window: drop, table, marks, frames, choices, copies, removal."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDropEvent, QGuiApplication

from xgeom_core.errors import UsageError
from xgeom_core.estimate import Estimate
from xgeom_core.formats import registry
from xgeom_core.formats.dials.writing import dials_import_options
from xgeom_core.formats.format import Format, Writing
from xgeom_core.formats.reading import Reading
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Choice
from xgeom_gui.app.command_line import parse
from xgeom_gui.centers.centers_model import CentersModel
from xgeom_gui.centers.centers_table import CentersTable
from xgeom_gui.services import geometry_reader
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.settings import Settings

SIZE = (400, 300)
REFINED = Geometry((207.5, 143.5), 201.0, (0.1, 0.2), 1.0, 0.3, -0.2)


def drop(opened, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    opened.window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, buttons, keys))
    opened.settle()


def table(opened):
    """Rows of the table as text, by source."""
    model = opened.window.centers.model
    rows = (
        [model.data(model.index(r, c)) for c in range(model.columnCount())] for r in range(model.rowCount())
    )
    return {row[0]: row[1:] for row in rows}


def menu_of(opened, source):
    opened.window.centers.table.select(source)
    return opened.window.center_menu.menu_of(opened.window.centers.table.selected)


def entry(menu, start):
    return next(action for action in menu.actions() if action.text().startswith(start))


def tip_of(opened, source):
    model = opened.window.centers.model
    row = list(table(opened)).index(source)
    return model.data(model.index(row, 0), Qt.ItemDataRole.ToolTipRole)


def written(key, geometry=REFINED, size=SIZE):
    return registry.find_format(key).write(Writing(geometry, size))


@pytest.fixture
def expt_file(tmp_path: Path) -> Path:
    path = tmp_path / "refined.expt"
    path.write_text(written("dials"))
    return path


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    """Centers of frames 0, 1 and 3."""
    path = tmp_path / "centers.csv"
    path.write_text("frame,x_px,y_px\n0,200.0,100.0\n1,201.0,101.0\n3,203.0,103.0\n")
    return path


def know(monkeypatch: pytest.MonkeyPatch, *formats: Format) -> None:
    """Have these formats alone known, in this process: the one that reads files knows nothing of them."""
    monkeypatch.setattr(registry, "FORMATS", formats)
    monkeypatch.setattr(geometry_reader, "format_of", lambda path: registry.recognize(Path(path)).key)
    monkeypatch.setattr(geometry_reader, "read_geometry", registry.read_geometry)


@pytest.fixture
def doubtful(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of a program whose convention is ambiguous."""

    def read(path, hints):
        half = Choice("pixel centers are integers (+0.5)", (208.0, 143.0))
        estimate = Estimate(
            "Sphinx", (207.5, 142.5), (0.1, 0.2), warnings=("Riddles ahead.",), convention="Who knows."
        )
        return [Reading(estimate, str(path), native={"MIDDLE": "207.5 px"}, choices=(half,))]

    sphinx = Format(
        "Sphinx", "sphinx", (), lambda _path, head: head.startswith(b"SPHINX"), read, None, "Who knows."
    )
    know(monkeypatch, sphinx, *registry.FORMATS)
    path = tmp_path / "riddle.txt"
    path.write_text("SPHINX 1\n")
    return path


def test_a_dropped_geometry_is_compared_and_the_frame_stays(opened, nxmx_file, expt_file):
    opened.open(nxmx_file)
    drop(opened, expt_file)
    assert opened.session.source.path == str(nxmx_file)
    assert list(table(opened)) == ["Header", "Network", "Fit", "DIALS"]
    dx, dy = 207.5 - 210.25, 143.5 - 140.5
    assert table(opened)["DIALS"] == [
        "207.50", "143.50", "–", "+0.30", "−0.20", "–",
        f"{math.hypot(dx, dy):.2f}", f"{math.hypot(dx * 0.1, dy * 0.2):.3f}", "stated",
    ]  # fmt: skip
    mark = opened.window.image.marks["DIALS"]
    assert (mark.pos().x(), mark.pos().y()) == pytest.approx((207.5, 143.5), abs=1e-6)
    assert "DIALS" in opened.window.image.legend.texts
    assert opened.window.status.deed.text() == "Added DIALS from refined.expt."
    tip = tip_of(opened, "DIALS")
    assert "origin" in tip and "fast_axis" in tip and "outer corner" in tip and "refined.expt" in tip


def test_a_dropped_frame_still_opens(opened, nxmx_file, bare_file):
    opened.open(nxmx_file)
    drop(opened, bare_file)
    assert opened.session.source.path == str(bare_file)


def test_a_frame_and_its_geometry_can_be_dropped_together(opened, bare_file, nxmx_file, expt_file):
    opened.open(bare_file)
    drop(opened, expt_file, nxmx_file)
    assert opened.session.source.path == str(nxmx_file)
    assert "DIALS" in table(opened), "it is judged by the frame that it came with"
    assert opened.window.messages.text == ""


def test_on_an_empty_window_geometry_waits_for_a_frame(opened, expt_file, nxmx_file):
    drop(opened, expt_file)
    assert opened.window.messages.text == "Open a frame, and it will be compared with refined.expt."
    opened.open(nxmx_file)
    assert "DIALS" in table(opened)


def test_files_of_no_use_end_in_one_sentence(opened, nxmx_file, tmp_path, expt_file):
    opened.open(nxmx_file)
    before = table(opened)
    broken = tmp_path / "broken.expt"
    broken.write_text(expt_file.read_text()[:-200])
    notes = tmp_path / "notes.txt"
    notes.write_text("Nothing to see here.")
    fake = tmp_path / "fake.h5"
    fake.write_text("no frames")
    for path in (broken, notes, fake, tmp_path / "absent.poni"):
        drop(opened, path)
        text = opened.window.messages.text
        assert (
            path.name in text and "\n" not in text and "Traceback" not in text and "please report" not in text
        )
        assert table(opened) == before and opened.session.source.path == str(nxmx_file)
        opened.window.messages.dismiss()


def test_a_fault_of_a_reader_does_not_take_the_window_down(opened, nxmx_file, doubtful, monkeypatch):
    opened.open(nxmx_file)
    know(monkeypatch, Format("Bad", "bad", (), lambda *_: True, lambda *_: 1 / 0, None, ""))
    drop(opened, doubtful)
    assert "please report it" in opened.window.messages.text


def test_a_geometry_of_another_detector_is_refused_with_both_sizes(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    path = tmp_path / "other.expt"
    path.write_text(written("dials", size=(1475, 1679)))
    drop(opened, path)
    text = opened.window.messages.text
    assert "other.expt" in text and "1475 × 1679" in text and "400 × 300" in text
    assert "DIALS" not in table(opened) and opened.session.external.paths == ()


@pytest.mark.parametrize("program", ["dials", "pyfai"])
def test_geometry_of_another_detector_is_grayed_and_never_drawn(
    opened, nxmx_file, bare_file, tmp_path, program
):
    """Also a .poni that does not say which detector it is for: the frame that it was added beside tells."""
    path = tmp_path / {"dials": "a.expt", "pyfai": "a.poni"}[program]
    text = written(program)
    if program == "pyfai":
        text = "\n".join(line for line in text.splitlines() if not line.startswith("Detector"))
        text += '\nDetector: Detector\nDetector_config: {"pixel1": 2e-4, "pixel2": 1e-4}\n'
    path.write_text(text)
    opened.open(nxmx_file)
    drop(opened, path)
    name = next(iter(set(table(opened)) - {"Header", "Network", "Fit"}))
    numbers = table(opened)[name]
    opened.open(bare_file)
    assert table(opened)[name] == ["–"] * 8 + ["for a detector of 400 × 300"]
    assert name not in opened.window.image.marks and name not in opened.window.image.legend.texts
    opened.window.centers.table.select(name)
    assert opened.session.current_center.source == "fit"
    assert name not in opened.window.centers.notes.text()
    opened.open(nxmx_file)
    assert table(opened)[name] == numbers and name in opened.window.image.marks


def test_a_tables_centers_follow_the_frame(opened, nxmx_file, table_file):
    opened.open(nxmx_file)
    drop(opened, table_file)
    (name,) = set(table(opened)) - {"Header", "Network", "Fit"}
    places = []
    for _ in range(4):
        row = table(opened).get(name)
        places.append(row[:2] if row else None)
        assert (name in opened.window.image.marks) == (row is not None)
        opened.step(1)
    assert places == [["200.00", "100.00"], ["201.00", "101.00"], None, ["203.00", "103.00"]]


def test_a_table_without_this_frame_says_which_it_has(opened, nxmx_file, table_file):
    opened.open(nxmx_file)
    opened.step(2)
    drop(opened, table_file)
    assert "centers for frames 0 to 3" in opened.window.messages.text
    opened.step(1)
    assert len(table(opened)) == 4


def test_an_ambiguous_convention_is_shown_and_can_be_read_otherwise(opened, nxmx_file, doubtful):
    opened.open(nxmx_file)
    drop(opened, doubtful)
    assert table(opened)["Sphinx"][-1] == "ambiguous"
    assert "Riddles ahead." in opened.window.centers.notes.text()
    assert "MIDDLE" in tip_of(opened, "Sphinx") and "Who knows." in tip_of(opened, "Sphinx")
    readings = opened.window.center_menu.readings_of(opened.session.centers[-1])
    assert [action.isChecked() for action in readings.actions()] == [True, False]
    entry(readings, "Pixel centers").trigger()
    assert table(opened)["Sphinx"][:2] == ["208.00", "143.00"]
    assert table(opened)["Sphinx"][-1] == "chosen"
    mark = opened.window.image.marks["Sphinx"]
    assert (mark.pos().x(), mark.pos().y()) == (208.0, 143.0)
    assert "+0.5" in tip_of(opened, "Sphinx")
    opened.session.reload()
    opened.settle()
    assert table(opened)["Sphinx"][:2] == ["208.00", "143.00"], "the choice outlives reading the file again"


def test_readings_can_be_chosen_by_keyboard(opened, nxmx_file, doubtful):
    opened.open(nxmx_file)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_R)
    assert "No center here has an ambiguous convention" in opened.window.status.deed.text()
    drop(opened, doubtful)
    opened.qtbot.keyClick(opened.window, Qt.Key.Key_R)
    menu = opened.window.center_menu._open
    opened.qtbot.waitUntil(menu.isVisible)
    opened.qtbot.keyClick(menu, Qt.Key.Key_Down)
    opened.qtbot.keyClick(menu, Qt.Key.Key_Return)
    assert table(opened)["Sphinx"][:2] == ["208.00", "143.00"]


def test_what_is_not_ambiguous_offers_no_readings(opened, nxmx_file, expt_file):
    opened.open(nxmx_file)
    drop(opened, expt_file)
    menu = menu_of(opened, "DIALS")
    assert not entry(menu, "Read as").isEnabled()


def test_delete_removes_a_geometry_and_nothing_else(opened, nxmx_file, expt_file):
    opened.open(nxmx_file)
    drop(opened, expt_file)
    view = opened.window.centers.table
    view.setFocus()
    view.select("fit")
    opened.qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert "Fit" in table(opened) and "hide its mark" in opened.window.status.deed.text()
    view.select("DIALS")
    opened.qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert "DIALS" not in table(opened) and "DIALS" not in opened.window.image.marks
    assert view.selected is not None, "the keyboard keeps its place"
    drop(opened, expt_file)
    assert "DIALS" in table(opened)
    entry(menu_of(opened, "DIALS"), "Remove").trigger()
    assert "DIALS" not in table(opened)


def test_marks_can_be_hidden_by_key_and_by_box(opened, nxmx_file, expt_file):
    opened.open(nxmx_file)
    drop(opened, expt_file)
    view, model = opened.window.centers.table, opened.window.centers.model
    view.setFocus()
    view.select("DIALS")
    opened.qtbot.keyClick(view, Qt.Key.Key_Space)
    assert "DIALS" not in opened.window.image.marks and "DIALS" not in opened.window.image.legend.texts
    assert "DIALS" in table(opened) and view.selected.hidden
    box = model.index(3, 0)
    assert model.data(box, Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked
    assert model.setData(box, Qt.CheckState.Checked.value, Qt.ItemDataRole.CheckStateRole)
    assert "DIALS" in opened.window.image.marks
    assert model.setData(model.index(1, 0), Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert "network" not in opened.window.image.marks, "the frame's own sources can be hidden as well"


def test_differences_can_be_measured_from_any_center(opened, nxmx_file, expt_file):
    opened.open(nxmx_file)
    drop(opened, expt_file)
    view = opened.window.centers.table
    view.setFocus()
    view.select("DIALS")
    opened.qtbot.keyClick(view, Qt.Key.Key_M)
    assert table(opened)["DIALS"][-3] == "ref."
    assert table(opened)["Fit"][-3] == f"{math.hypot(207.5 - 210.25, 3.0):.2f}"
    opened.step(1)
    assert table(opened)["DIALS"][-3] == "ref."
    opened.qtbot.keyClick(view, Qt.Key.Key_M)
    assert table(opened)["Fit"][-3] == "ref."


@pytest.mark.parametrize("title", ["XDS", "CrystFEL", "pyFAI", "MOSFLM", "DIALS experiment", "Table"])
def test_copy_as_gives_the_core_writers_text(opened, nxmx_file, expt_file, title):
    keys = {"XDS": "xds", "CrystFEL": "crystfel", "pyFAI": "pyfai", "MOSFLM": "mosflm", "Table": "csv"}
    opened.open(nxmx_file)
    drop(opened, expt_file)
    center = next(center for center in opened.session.centers if center.compared)
    geometry = center.geometry(opened.session.metadata)
    copies = entry(menu_of(opened, "DIALS"), "Copy as").menu()
    entry(copies, title).trigger()
    assert QGuiApplication.clipboard().text() == written(keys.get(title, "dials"), geometry)
    assert opened.window.messages.text == ""
    assert title in opened.window.status.deed.text()


def test_the_toolbar_copies_the_reference_unless_a_row_is_selected(opened, nxmx_file):
    opened.open(nxmx_file)
    menu = opened.window.center_menu.copy_menu
    menu.aboutToShow.emit()
    entry(menu, "DIALS: dials.import").trigger()
    geometry = Geometry((210.25, 140.5), 200.0, (0.1, 0.2), 1.0, 0.41, -0.26)
    assert QGuiApplication.clipboard().text() == dials_import_options(Writing(geometry, SIZE))
    opened.window.centers.table.select("header")
    opened.window.centers.table.setFocus()
    opened.qtbot.keyClick(opened.window.centers.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "205.000, 150.000"


def test_what_cannot_be_copied_says_why(opened, bare_file):
    opened.open(bare_file)
    copies = entry(menu_of(opened, "fit"), "Copy as").menu()
    assert not entry(copies, "XDS").isEnabled()
    assert "distance and pixel size" in entry(copies, "XDS").toolTip()
    assert entry(copies, "Numbers").isEnabled()


def test_a_writer_that_refuses_ends_in_a_sentence(opened, nxmx_file, monkeypatch):
    def refuse(writing):
        raise UsageError("Square pixels only.")

    picky = Format("Picky", "picky", (), lambda *_: False, lambda *_: [], refuse, "None.")
    know(monkeypatch, picky, *registry.FORMATS)
    opened.open(nxmx_file)
    copies = entry(menu_of(opened, "fit"), "Copy as").menu()
    QGuiApplication.clipboard().setText("as before")
    entry(copies, "Picky").trigger()
    assert opened.window.messages.text == "Square pixels only."
    assert QGuiApplication.clipboard().text() == "as before"


def test_a_file_can_fill_in_the_experiment(opened, bare_file, tmp_path):
    opened.open(bare_file)
    path = tmp_path / "known.poni"
    path.write_text(written("pyfai", size=(160, 120)))
    drop(opened, path)
    entry(menu_of(opened, "pyFAI"), "Use its distance").trigger()
    opened.settle()
    metadata = opened.session.metadata
    assert metadata.distance_mm == pytest.approx(201.0) and metadata.pixel_mm == pytest.approx((0.1, 0.2))
    assert table(opened)["Fit"][3] == "+0.41"


def test_hints_of_the_frame_reach_the_reader_again_when_they_change(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    path = tmp_path / "beam.mosflm"
    path.write_text("BEAM 30.0 20.0\nDISTANCE 200\n")
    drop(opened, path)
    assert table(opened)["MOSFLM"][:2] == ["200.00", "150.00"], "20 mm / 0.1 mm, 30 mm / 0.2 mm"
    opened.session.set_experiment(Experiment(pixel_mm=(0.2, 0.2)))
    opened.settle()
    assert table(opened)["MOSFLM"][:2] == ["100.00", "150.00"]


def test_the_menu_opens_by_mouse_and_by_menu_key(opened, nxmx_file, expt_file):
    opened.open(nxmx_file)
    drop(opened, expt_file)
    view = opened.window.centers.table
    place = view.visualRect(opened.window.centers.model.index(3, 1)).center()
    for reason in (QContextMenuEvent.Reason.Mouse, QContextMenuEvent.Reason.Keyboard):
        view.contextMenuEvent(QContextMenuEvent(reason, place, view.viewport().mapToGlobal(place)))
        menu = opened.window.center_menu._open
        assert menu.isVisible() and menu.title() == "DIALS"
        menu.close()


def test_every_entry_of_the_menus_says_what_it_does(opened, nxmx_file, doubtful):
    opened.open(nxmx_file)
    drop(opened, doubtful)
    menu = menu_of(opened, "Sphinx")
    menus = [menu, *(action.menu() for action in menu.actions() if action.menu())]
    for action in (action for one in menus for action in one.actions()):
        if not action.isSeparator() and action.menu() is None:
            assert action.toolTip(), action.text()
    assert all(one.accessibleName() for one in menus)


def test_the_table_never_hides_rows_behind_a_scroll_bar(opened, nxmx_file, tmp_path):
    opened.open(nxmx_file)
    for name in ("a", "b", "c"):
        path = tmp_path / f"a very long name of a refined geometry {name}.expt"
        path.write_text(written("dials"))
        drop(opened, path)
    model = CentersModel()
    view = CentersTable(model)
    opened.qtbot.addWidget(view)
    view.show()
    for width in (900, 300):
        view.resize(width, view.height())
        model.set_rows(opened.window.centers.model.rows)
        opened.qtbot.wait(20)
        assert view.horizontalScrollBar().isVisible() == (width == 300)
        assert view.visualRect(model.index(5, 0)).bottom() <= view.viewport().height()


def test_the_command_line_takes_geometries():
    options = parse(["a.h5", "--with", "b.expt", "--with", "c.poni"])
    assert options.geometries == ("b.expt", "c.poni")


def test_geometries_named_at_the_start_wait_for_the_frame(opened, nxmx_file, tmp_path):
    path = tmp_path / "beam.mosflm"
    path.write_text("BEAM 30.0 20.0\nDISTANCE 200\n")
    opened.window.open(str(nxmx_file))
    opened.controller.files.add([str(path)])
    opened.qtbot.waitUntil(lambda: "MOSFLM" in table(opened), timeout=10_000)
    opened.settle()
    assert opened.window.messages.text == ""


def test_the_folder_of_runs_is_remembered(opened, tmp_path):
    opened.window.training.desk.set_root(tmp_path / "elsewhere")
    settings = opened.window._settings
    assert isinstance(settings, Settings) and settings.run_root(Path("/nowhere")) == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("frame", "geometry", "expected"),
    [
        (
            "lcysteine_i19/l-cyst_04_00003.cbf.gz",
            "lcysteine_i19/indexed.expt.gz",
            {"DIALS (experiments 0-2)": ["191.77", "866.10"], "DIALS (experiment 3)": ["729.01", "866.07"]},
        ),
        (
            "rayonix_sfx/hit-20181213155134902.h5",
            "rayonix_sfx/experiments_000.json",
            {"DIALS": ["959.67", "960.38"]},
        ),
        (
            "ceo2_pilatus1m/CeO2_Pilatus1M.tif",
            "ceo2_pilatus1m/CeO2_Pilatus1M.poni",
            {"pyFAI": ["487.26", "512.55"]},
        ),
    ],
)
def test_real_files_beside_their_frames(opened, frames_dir, frame, geometry, expected):
    opened.open(frames_dir / frame)
    drop(opened, frames_dir / geometry)
    rows = table(opened)
    assert {name: rows[name][:2] for name in rows if name not in {"Header", "Network", "Fit"}} == expected
    if "pyFAI" in expected:
        entry(
            opened.window.center_menu.readings_of(opened.session.centers[-1]), "The image was flip"
        ).trigger()
        assert table(opened)["pyFAI"][:2] == ["487.26", "530.45"]

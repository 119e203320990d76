"""Starting: the command line, the picture of the window, preferences."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QImage

from xgeom_gui.app.command_line import parse, without_display
from xgeom_gui.app.launch import Screenshot, blank_settings
from xgeom_gui.state.settings import Settings


def test_the_command_line_is_understood_without_qt_and_torch():
    code = (
        "import sys; from xgeom_gui.app.command_line import parse; "
        "options = parse(['a.h5::/x', '--screenshot', 'o.png']); "
        "assert options.file == 'a.h5::/x' and options.screenshot.name == 'o.png'; "
        "slow = {name.split('.')[0] for name in sys.modules} & {'PySide6', 'torch', 'numpy', 'h5py'}; "
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_file_and_the_example_cannot_both_be_opened(capsys):
    with pytest.raises(SystemExit):
        parse(["a.h5", "--example"])
    assert "not both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", True),
        ({"DISPLAY": ":0"}, "linux", False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", False),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", False),
        ({"DISPLAY": ""}, "linux", True),
        ({}, "darwin", False),
        ({}, "win32", False),
    ],
)
def test_a_missing_display_is_noticed(environment, platform, expected):
    assert without_display(environment, platform) is expected


def shoot(opened, path, spec):
    said, complaints = [], []
    shot = Screenshot(opened.window, opened.session, path, said.append, complaints.append)
    opened.qtbot.wait(50)
    with opened.qtbot.waitSignal(opened.window.closed, timeout=20_000):
        opened.window.open(str(spec))
    return shot.code, "\n".join(said), complaints


def test_the_picture_of_the_window_comes_with_its_table(opened, nxmx_file, tmp_path):
    target = tmp_path / "pictures" / "window.png"
    code, said, complaints = shoot(opened, target, nxmx_file)
    assert code == 0 and not complaints
    assert "Fit" in said and "210.25" in said and "140.50" in said and str(target) in said
    picture = QImage(str(target))
    assert (picture.width(), picture.height()) == (1366, 768)
    colors = {picture.pixelColor(x, y).name() for x in range(0, 1366, 3) for y in range(0, 768, 3)}
    assert len(colors) > 30, "the picture is not blank"


def test_without_an_answer_the_exit_code_is_1(opened, tmp_path):
    bad = tmp_path / "bad.h5"
    bad.write_text("no frames")
    code, _, complaints = shoot(opened, tmp_path / "o.png", bad)
    assert code == 1 and "bad.h5" in complaints[0]


def test_a_picture_that_cannot_be_saved_is_a_sentence(opened, nxmx_file, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, _, complaints = shoot(opened, tmp_path / "file" / "o.png", nxmx_file)
    assert code == 1 and "could not be saved" in complaints[0]


def test_preferences_survive_a_restart(tmp_path):
    path = str(tmp_path / "p.ini")
    first = Settings(QSettings(path, QSettings.Format.IniFormat))
    assert first.predict_automatically and first.display == {} and first.window_geometry is None
    first.predict_automatically, first.display, first.last_folder = False, {"scale": "log"}, "/data"
    first._store.sync()
    second = Settings(QSettings(path, QSettings.Format.IniFormat))
    assert (
        not second.predict_automatically
        and second.display == {"scale": "log"}
        and second.last_folder == "/data"
    )


def test_preferences_of_a_picture_are_kept_apart(tmp_path):
    """They must lie in a folder of their own: in the null device they would replace it for the superuser."""
    store = blank_settings(tmp_path)
    store.setValue("window/kept", 1)
    store.sync()
    assert [path.name for path in tmp_path.iterdir()] == ["settings.ini"]

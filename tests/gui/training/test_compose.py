"""The composer as somebody uses it: presets, bad entries, command, devices, Slurm, sweeps."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSpinBox

from xgeom_core.jobs import devices as core_devices
from xgeom_core.jobs.devices import Device, Probe
from xgeom_core.jobs.settings import for_place
from xgeom_core.training.config import Config, load_config
from xgeom_gui.services import preview_maker
from xgeom_gui.training.form_values import flat
from xgeom_gui.training.presets import presets

CPU = Device("cpu", "Some processor, 8 cores", 32.0)
NO_GPU = Probe((CPU,), "No GPU: no NVIDIA driver is loaded on this machine.")
GPUS = tuple(Device(f"cuda:{i}", "NVIDIA H100 80GB", 79.6, "driver 550.54, CUDA 12.4") for i in range(2))
RATE, BATCH = "training.learning_rate", "training.batch"


@pytest.fixture
def probe(monkeypatch):
    """Chooses what is found in place of this machine's devices."""

    def find(found: Probe) -> None:
        monkeypatch.setattr(core_devices, "probe_devices", lambda *_: found)

    find(NO_GPU)
    return find


@pytest.fixture
def no_previews(monkeypatch):
    monkeypatch.setattr(preview_maker.PreviewMaker, "want", lambda *_: None)


@pytest.fixture
def composer(opened, probe, no_previews):
    opened.window.training.desk.compose()
    composer = opened.window.training.composer
    settle(opened, composer)
    return composer


def settle(opened, composer) -> None:
    """Wait until what stands in the fields has been looked at, on the disk as well."""
    composer.check()
    looked = []
    opened.window.training.desk.ask(lambda _: None, looked.append)
    opened.qtbot.waitUntil(lambda: bool(looked), timeout=30_000)


def rows(composer):
    return composer.window_.pages.training.rows


def test_every_setting_of_the_schema_has_a_field(composer):
    assert {*composer.values(), "training.device"} == set(flat(Config()))


@pytest.mark.parametrize("index", range(len(presets())))
def test_a_preset_comes_out_as_it_went_in(composer, index):
    preset = presets()[index]
    composer.window_.header.choose(preset.title)
    composer.check()
    draft = composer._draft
    assert draft is not None, composer.window_.footer.trouble.problem
    there = {
        path: value for path, value in flat(draft.config).items() if path not in {"name", "training.device"}
    }
    assert there == {path: value for path, value in flat(preset.config).items() if path in there}
    assert draft.space == preset.space
    assert preset.text in composer.window_.header.hint.text()


def test_a_bad_entry_is_marked_at_its_field_before_anything_starts(opened, composer):
    footer, hint = composer.window_.footer, rows(composer).hints[RATE]
    assert footer.start_button.isEnabled()
    rows(composer).editors[RATE].widget.setText("fast")
    opened.qtbot.waitUntil(lambda: bool(hint.problem))
    assert "not a number" in hint.text() and not footer.start_button.isEnabled()
    assert rows(composer).editors[RATE].widget.property("invalid") is True
    assert "●" in composer.window_.sections.item(2).text()
    assert "learning rate" in footer.trouble.text()
    composer.start()
    opened.qtbot.wait(200)
    assert not opened.window.training.desk.jobs
    rows(composer).editors[RATE].widget.setText("3e-3")
    opened.qtbot.waitUntil(footer.start_button.isEnabled)
    assert hint.problem == "" and "at least" not in footer.trouble.text()


@pytest.mark.parametrize(
    ("name", "why"),
    [("a/b", "a slash"), ("a\x1bb", "control character"), ("x" * 10_000, "10000 letters")],
)
def test_a_name_that_will_not_do_is_told_at_its_field(opened, composer, name, why):
    header, footer = composer.window_.header, composer.window_.footer
    header.title.setText(name)
    opened.qtbot.waitUntil(lambda: why in header.hint.problem)
    assert header.title.property("invalid") is True and not footer.start_button.isEnabled()
    assert footer.trouble.problem == "To be mended first: Name."
    header.title.setText("CeO₂ at 28°")
    opened.qtbot.waitUntil(footer.start_button.isEnabled)
    assert header.hint.problem == ""


def test_a_typed_name_outlives_every_recipe_and_an_emptied_one_does_not(opened, composer):
    header = composer.window_.header
    titles = [preset.title for preset in presets()]
    header.title.selectAll()
    opened.qtbot.keyClicks(header.title, "tiny1")
    kept = 0
    for title in titles[1:] + titles[:1]:
        header.choose(title)
        kept += composer.values()["name"] == "tiny1"
    assert kept == len(titles) > 1
    header.title.selectAll()
    opened.qtbot.keyClick(header.title, Qt.Key.Key_Delete)
    named = next(preset for preset in presets()[1:] if preset.config.name != "run")
    header.choose(named.title)
    assert header.title.text() == named.config.name


def test_fields_that_do_not_go_together_are_marked(composer):
    rows(composer).editors[BATCH].set_value(31)
    composer.check()
    assert "multiple of “Uses of each frame”" in rows(composer).hints[BATCH].text()


def test_a_batch_that_the_processes_cannot_share_is_marked(composer):
    composer.window_.pages.place.processes.setValue(3)
    composer.check()
    assert "3 processes" in rows(composer).hints[BATCH].text()


def test_a_wrong_entry_behind_a_button_comes_into_sight(composer):
    more = composer.window_.pages.training.more[0]
    more.rows.editors["training.ema_decay"].widget.setText("2")
    composer.check()
    assert more.button.isChecked() and "less than 1" in more.rows.hints["training.ema_decay"].text()


def test_a_file_that_is_not_there_is_told(opened, composer, tmp_path):
    page = composer.window_.pages.validation
    page.files.add([tmp_path / "gone.h5"])
    opened.qtbot.waitUntil(lambda: "gone.h5" in page.files.hint.problem, timeout=20_000)
    assert not composer.window_.footer.start_button.isEnabled()
    page.files.list.selectAll()
    page.files.remove_button.click()
    opened.qtbot.waitUntil(composer.window_.footer.start_button.isEnabled, timeout=20_000)


def test_the_command_is_in_sight_and_works_once_copied(opened, composer):
    command = composer.window_.footer.command
    words = shlex.split(command.text)
    config = Path(words[words.index("train") + 1])
    assert not config.exists()
    command.button.click()
    assert QGuiApplication.clipboard().text() == command.text
    opened.qtbot.waitUntil(config.exists, timeout=20_000)
    draft = composer._draft
    assert load_config(config) == for_place(draft.config, draft.place)
    assert words[words.index("--run-dir") + 1] == str(config.parent)


def test_without_a_gpu_it_says_why(opened, composer):
    table = composer.window_.pages.place.devices
    opened.qtbot.waitUntil(lambda: "No GPU: no NVIDIA driver" in table.hint.text(), timeout=20_000)
    assert table.chosen() == ("cpu",)
    assert [row.text(1) for row in table._rows()] == ["Some processor, 8 cores"]


def test_gpus_are_listed_and_several_share_a_run(opened, probe, composer):
    probe(Probe((CPU, *GPUS), ""))
    page = composer.window_.pages.place
    page.devices.again.click()
    opened.qtbot.waitUntil(lambda: len(page.devices._rows()) == 3, timeout=20_000)
    first = page.devices._rows()[1]
    assert [first.text(i) for i in range(4)] == [
        *("cuda:0", "NVIDIA H100 80GB", "80 GB", "driver 550.54, CUDA 12.4")
    ]
    page.devices.choose(("cuda:0", "cuda:1"))
    assert page.place().devices == ("cuda:0", "cuda:1") and page.place().processes == 2
    composer.check()
    command = composer.window_.footer.command.text
    assert "CUDA_VISIBLE_DEVICES=0,1" in command and "--nproc-per-node 2" in command


def test_slurm_settings_are_remembered(opened, composer):
    page = composer.window_.pages.place
    page.cluster.setChecked(True)
    page.slurm.partition.setText("gpu")
    page.slurm.gpus.setValue(1)
    page.slurm.setup.setPlainText("module load cuda\nsource ~/xgeom/bin/activate\n")
    page.slurm.hours.setValue(12.5)
    settings = page.place().slurm
    assert settings.setup == ("module load cuda", "source ~/xgeom/bin/activate")
    again = opened.window.training._build_composer()
    assert again.window_.pages.place.place().slurm == settings
    assert (settings.partition, settings.gpus, settings.hours) == ("gpu", 1, 12.5)


def test_a_sweep_has_its_own_command(composer):
    composer.window_.header.choose("Poster: depths (figure 11, a sweep)")
    composer.check()
    footer = composer.window_.footer
    words = shlex.split(footer.command.text)
    assert words[words.index("sweep") + 1].endswith("config.toml") and "--space" in words
    assert footer.start_button.text() == "Start sweep"
    page = composer.window_.pages.sweep
    page.texts[0].setText("")
    composer.check()
    assert "Write choices" in page.hints[0].text() and not footer.start_button.isEnabled()


def test_a_data_set_is_a_job_of_its_own(composer):
    box = composer.window_.pages.data.simulate
    box.kind.setCurrentText("flat")
    box.count.setValue(12)
    box.side.setText("410x300")
    words = shlex.split(box.command.text)
    assert words[-11:-1] == [
        *("simulate", "--kind", "flat", "--count", "12", "--size", "410x300", "--seed", "0", "--out")
    ]
    box.side.setText("big")
    assert "pixels such as 820" in box.hint.problem and not box.button.isEnabled()


def test_another_runs_settings_can_be_changed(opened, composer):
    config = presets()[2].config
    opened.window.training.desk.compose(config, "like the poster")
    assert composer.window_.header.title.text() == "like the poster"
    assert composer._draft.config.training.learning_rate == 0.05


def test_every_control_says_what_it_is_and_can_be_reached_by_key(composer):
    controls = [
        one
        for kind in (QAbstractButton, QComboBox, QLineEdit, QSpinBox)
        for one in composer.findChildren(kind)
        if not one.objectName().startswith("qt_") and one.focusPolicy() and one.window() is composer
    ]
    assert len(controls) > 90
    for one in controls:
        said = one.accessibleName() or getattr(one, "text", str)()
        assert one.toolTip() and said, (one, one.parent())


def test_the_composer_fits_a_small_laptop(composer):
    assert composer.width() <= 1366 and composer.height() <= 728
    assert composer.minimumSizeHint().height() <= 728


def test_examples_are_drawn_by_a_process_of_their_own(qtbot):
    maker = preview_maker.PreviewMaker()
    try:
        with qtbot.waitSignal(maker.made, timeout=120_000) as got:
            maker.want("flat", 3)
        preview = got.args[0]
        assert (preview.kind, preview.index) == ("flat", 3)
        slow, fast = preview.shape
        assert len(preview.pixels) == slow * fast and 0 < preview.center[0] < fast
        with qtbot.waitSignal(maker.failed, timeout=120_000) as failed:
            maker.want("no such kind", 0)
        assert "no such kind" in failed.args[1]
    finally:
        assert maker.shutdown(20_000)

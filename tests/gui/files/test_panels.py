"""Dropping a CrystFEL geometry file on frames of many panels puts these together."""

from __future__ import annotations

import numpy as np
import pytest

from panel_files import HEIGHT, WIDTH, geom_text, modules, stack_of, write_cxi


@pytest.fixture
def dropped(opened, tmp_path):
    made = modules(0.0)
    write_cxi(tmp_path / "run.cxi", stack_of(made).reshape(2, 16 * HEIGHT, WIDTH))
    other = tmp_path / "elsewhere"
    other.mkdir()
    geom = other / "det.geom"
    geom.write_text(geom_text(made, layered=False))
    opened.open(tmp_path / "run.cxi")
    assert opened.session.frame.shape == (16 * HEIGHT, WIDTH)
    opened.window.take([str(geom)])
    opened.settle()
    return opened, geom


def test_a_dropped_geometry_file_puts_the_panels_together(dropped) -> None:
    opened, _ = dropped
    frame = opened.session.frame
    assert frame.valid.sum() == 16 * HEIGHT * WIDTH
    assert frame.shape != (16 * HEIGHT, WIDTH)
    assert frame.metadata.center_px is not None
    opened.step(1)
    assert np.allclose(opened.session.frame.data, 2 * frame.data)


def test_dropped_again_it_changes_nothing(dropped) -> None:
    opened, geom = dropped
    shape, spec = opened.session.frame.shape, opened.session.source.spec
    opened.window.take([str(geom)])
    opened.settle()
    assert (opened.session.frame.shape, opened.session.source.spec) == (shape, spec)


def test_one_of_a_single_panel_is_compared_and_turns_nothing(opened, tmp_path) -> None:
    made = modules(0.0)[:1]
    (tmp_path / "elsewhere").mkdir()
    geom = tmp_path / "elsewhere" / "one.geom"
    geom.write_text(geom_text(made, layered=False))
    write_cxi(tmp_path / "run.cxi", stack_of(made)[:, 0])
    opened.open(tmp_path / "run.cxi")
    opened.window.take([str(geom)])
    opened.settle()
    assert opened.session.frame.shape == (HEIGHT, WIDTH)
    assert opened.session.external.paths == (str(geom),)


def test_one_for_other_data_is_compared_as_ever(opened, nxmx_file, tmp_path) -> None:
    geom = tmp_path / "elsewhere.geom"
    geom.write_text(geom_text(modules(0.0), layered=False))
    opened.open(nxmx_file)
    shape = opened.session.frame.shape
    opened.window.take([str(geom)])
    opened.settle()
    assert opened.session.frame.shape == shape


def test_frames_of_electron_cameras_can_be_dropped(opened, tmp_path) -> None:
    from electron_files import write_merlin

    write_merlin(tmp_path / "a.mib", {})
    opened.window.take([str(tmp_path / "a.mib")])
    opened.settle()
    assert opened.session.frame.shape == (48, 64)

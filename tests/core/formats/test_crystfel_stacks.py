"""Detectors of many panels put together by a geometry file: the truth comes back, whatever the layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares

from panel_files import (
    CLEN_M,
    HEIGHT,
    PIXEL_M,
    WIDTH,
    geom_text,
    modules,
    rings,
    stack_of,
    write_cxi,
)
from xgeom_core.errors import GeometryError, MissingDatasetError, UnreadableFileError
from xgeom_core.formats.registry import read_geometry, recognize
from xgeom_core.frame import Frame
from xgeom_core.frames import open_frames
from xgeom_core.frames.location import with_geometry

RADII = (55.0, 90.0, 120.0)


def _ring_center(frame: Frame, start: tuple[float, float]) -> NDArray[np.float64]:
    """A plain fit of three rings of known width: center, radii, height and ground."""
    y, x = np.nonzero(frame.valid)
    counts = frame.data[y, x].astype(float)

    def misfit(p: NDArray[np.float64]) -> NDArray[np.float64]:
        r = np.hypot(x + 0.5 - p[0], y + 0.5 - p[1])
        model = p[2] + p[3] * sum(np.exp(-0.5 * ((r - radius) / 1.5) ** 2) for radius in p[4:])
        return model - counts

    begin = [start[0] + 0.8, start[1] - 0.7, 20.0, 400.0, *(radius + 0.3 for radius in RADII)]
    return np.asarray(least_squares(misfit, begin).x)


@pytest.mark.parametrize("layered", [True, False])
@pytest.mark.parametrize("stored", [(16, HEIGHT, WIDTH), (16 * HEIGHT, WIDTH)])
@pytest.mark.parametrize("turn_deg", [0.0, 0.5, 3.0])
def test_rings_over_all_modules_give_the_center_back(
    layered: bool, stored: tuple[int, ...], turn_deg: float, tmp_path: Path
) -> None:
    made = modules(turn_deg)
    write_cxi(tmp_path / "run.cxi", stack_of(made).reshape(2, *stored))
    (tmp_path / "det.geom").write_text(geom_text(made, layered=layered))
    with open_frames(tmp_path / "run.cxi") as source:
        assert len(source) == 2
        metadata, frame, second = source.metadata, source.frame(0), source.frame(1)
    assert metadata.center_px is not None
    found = _ring_center(frame, metadata.center_px)
    assert np.abs(found[:2] - metadata.center_px).max() < 0.1
    np.testing.assert_allclose(found[4:], RADII, atol=0.3)
    # A module turned by less than half a pixel keeps each of its pixels; others lose or double few.
    shown, all_of_them = frame.valid.sum(), 16 * HEIGHT * WIDTH
    assert shown == all_of_them if turn_deg == 0 else abs(shown / all_of_them - 1) < 0.01
    np.testing.assert_allclose(second.data, 2 * frame.data, rtol=1e-6)
    assert (metadata.distance_mm, metadata.tilt_deg) == (pytest.approx(1e3 * CLEN_M), None)
    assert metadata.wavelength_A == pytest.approx(12398.419843 / 9000.0)
    assert metadata.pixel_mm == pytest.approx((1e3 * PIXEL_M, 1e3 * PIXEL_M))
    assert "det.geom" in frame.warnings[0]


@pytest.mark.parametrize("turn_deg", [0.0, 0.2, 0.5, 3.0])
def test_panels_say_exactly_where_their_pixels_are(turn_deg: float, tmp_path: Path) -> None:
    """Each pixel's counts are those of its place by `Metadata.panels`: to the pixel, or to rounding."""
    made = modules(turn_deg)
    write_cxi(tmp_path / "run.cxi", stack_of(made, 1).reshape(1, 16, HEIGHT, WIDTH))
    (tmp_path / "run.geom").write_text(geom_text(made, layered=True))
    with open_frames(tmp_path / "run.cxi") as source:
        frame, panels = source.frame(0), source.metadata.panels
        center = source.metadata.center_px
    assert len(panels) == 16
    off, whole = [], 0
    for panel in panels:
        (x0, y0), (wide, tall) = panel.corner_px, panel.size_px
        v, u = np.mgrid[:tall, :wide] + 0.5
        steps = 1e3 * PIXEL_M * (u[..., None] * np.array(panel.fast) + v[..., None] * np.array(panel.slow))
        places = (np.array(panel.origin_mm) + steps) / (1e3 * PIXEL_M)
        box = np.s_[y0 : y0 + tall, x0 : x0 + wide]
        seen = frame.valid[box]
        exact = np.abs(frame.data[box] - rings(places))[seen].max() < 0.1
        whole += bool(exact)
        off.append(np.abs(places[..., :2] - np.stack([u + x0, v + y0], -1) + center).max())
        assert places[..., 2] == pytest.approx(1e3 * CLEN_M / (1e3 * PIXEL_M))
    assert max(off) < 1.01
    assert whole == 16 if turn_deg == 0.0 else whole >= 1 or turn_deg > 0.2


def test_a_tilted_detector_keeps_its_tilt(tmp_path: Path) -> None:
    made, slope = modules(0.0), np.tan(np.radians(10.0))
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    (tmp_path / "run.geom").write_text(geom_text(made, layered=True, tilt=slope))
    with open_frames(tmp_path / "run.cxi") as source:
        metadata = source.metadata
    # The side of larger x is further away: the right edge away from the sample is a negative yaw.
    assert metadata.tilt_deg == pytest.approx((0.0, -10.0), abs=0.02)
    assert metadata.distance_mm == pytest.approx(1e3 * CLEN_M)


def test_the_geometry_named_goes_before_the_one_beside(tmp_path: Path) -> None:
    made = modules()
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    (tmp_path / "run.geom").write_text(geom_text(made, layered=True))
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "b.geom").write_text(geom_text(made, layered=True).replace(f"clen = {CLEN_M}", "clen = 0.5"))
    location = with_geometry(str(tmp_path / "run.cxi"), str(other / "b.geom"))
    with open_frames(location) as source:
        assert source.metadata.distance_mm == pytest.approx(500.0)
        assert not any("beside" in note for note in source.frame(0).warnings)
    assert with_geometry(location, "c.geom") == f"{tmp_path / 'run.cxi'}::geometry=c.geom"


def test_frames_and_geometry_say_the_same(tmp_path: Path) -> None:
    made = modules()
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    (tmp_path / "run.geom").write_text(geom_text(made, layered=True))
    assert recognize(tmp_path / "run.cxi").key == "crystfel-stack"
    (reading,) = read_geometry(tmp_path / "run.cxi")
    with open_frames(tmp_path / "run.cxi") as source:
        assert reading.estimate.center_px == source.metadata.center_px
        for name in ("distance_mm", "pixel_mm", "wavelength_A", "choices"):
            assert getattr(reading, name) == getattr(source.metadata, name)


@pytest.mark.parametrize(
    ("was", "becomes", "name"),
    [
        ("coffset = 0.0", "coffset = 0.0\ndetector_shift_x = 0.001", "center_px"),
        (f"res = {1 / PIXEL_M:.10g}", "res = 6000", "pixel_mm"),
        (f"clen = {CLEN_M} m", "clen = /LCLS/EncoderValue\ncoffset = 0.6", "distance_mm"),
        ("photon_energy = 9000.0 eV", "photon_energy = /LCLS/photon_energy_eV eV", "wavelength_A"),
        ("dim0 = %", "dim0 = %\nmax_adu = 500", "saturation"),
    ],
)
def test_each_field_becomes_what_the_table_says(was: str, becomes: str, name: str, tmp_path: Path) -> None:
    made = modules(0.0)
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    text = geom_text(made, layered=True)
    found = []
    for one in (text, text.replace(was, becomes)):
        (tmp_path / "run.geom").write_text(one)
        with open_frames(tmp_path / "run.cxi") as source:
            found.append(getattr(source.metadata, name))
    assert found[0] != found[1]


def test_places_in_the_data_file_are_read(tmp_path: Path) -> None:
    """An EncoderValue is in mm, as CrystFEL has it, and coffset is added."""
    made = modules(0.0)
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    text = geom_text(made, layered=True).replace(f"clen = {CLEN_M} m", "clen = /LCLS/EncoderValue")
    text = text.replace("photon_energy = 9000.0 eV", "photon_energy = /LCLS/photon_energy_eV")
    lines = ["p0/coffset = 0.6" if "coffset" in line else line for line in text.split("\n")]
    text = "\n".join(
        line.replace("p0/", f"p{number}/") for number, line in zip(_owners(lines), lines, strict=True)
    )
    (tmp_path / "run.geom").write_text(text)
    with open_frames(tmp_path / "run.cxi") as source:
        assert source.metadata.distance_mm == pytest.approx(600.0 - 439.0)
        assert source.metadata.wavelength_A == pytest.approx(12398.419843 / 8000.0)
        assert not any("data files" in note for note in source.frame(0).warnings)


def _owners(lines: list[str]) -> list[int]:
    """Which panel each line of a geometry file is in."""
    number, found = 0, []
    for line in lines:
        if line.startswith("p") and "/" in line and "coffset" not in line and not line.startswith("photon"):
            number = int(line.split("/")[0][1:])
        found.append(number)
    return found


def _masked(folder: Path, top: str = "", end: str = "", mask: NDArray[np.uint32] | None = None) -> Frame:
    made = modules(0.0)
    write_cxi(folder / "run.cxi", stack_of(made), mask)
    (folder / "run.geom").write_text(geom_text(made, layered=True, top=top) + end)
    with open_frames(folder / "run.cxi") as source:
        return source.frame(1)


WHOLE = 16 * HEIGHT * WIDTH


def test_masks_bad_regions_and_ignored_panels(tmp_path: Path) -> None:
    mask = np.zeros((2, 16, HEIGHT, WIDTH), np.uint32)
    mask[1, 3, 5, 7], mask[1, 4, 0, :3], mask[0] = 0x1, 0x100, 0x1
    # The one beside the images masks by any bit.
    assert _masked(tmp_path, mask=mask).valid.sum() == WHOLE - 4
    stated = "mask = /entry_1/instrument_1/detector_1/mask\nmask_good = 0x0\nmask_bad = 0xfeff"
    assert _masked(tmp_path, stated, mask=mask).valid.sum() == WHOLE - 1
    good = "mask0_data = /entry_1/instrument_1/detector_1/mask\nmask0_goodbits = 0x100"
    assert _masked(tmp_path, good, mask=mask).valid.sum() == 3
    region = "badA/panel = p2\n" + "".join(
        f"badA/{side} = {value}\n"
        for side, value in (("min_fs", 3), ("max_fs", 5), ("min_ss", 0), ("max_ss", 9))
    )
    assert _masked(tmp_path, end=region).valid.sum() == WHOLE - 30
    assert _masked(tmp_path, end="p2/no_index = 1\n").valid.sum() == WHOLE - HEIGHT * WIDTH
    everywhere = "badB/min_x = -999\nbadB/max_x = 0\nbadB/min_y = -999\nbadB/max_y = 999\n"
    frame = _masked(tmp_path, end=everywhere)
    assert np.nonzero(frame.valid)[1].min() + 0.5 >= frame.metadata.center_px[0]


def test_a_mask_that_is_gone_is_said(tmp_path: Path) -> None:
    frame = _masked(tmp_path, "mask = /none\nmask_bad = 0x1")
    assert frame.valid.sum() == WHOLE
    assert any("mask /none cannot be used" in note for note in frame.warnings)


def test_static_masks_of_another_file(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "mask.h5", "w") as file:
        file["data/data"] = np.ones((16, HEIGHT, WIDTH), np.uint8)
        file["data/data"][0, :2] = 0
    frame = _masked(tmp_path, "mask = /data/data\nmask_file = mask.h5\nmask_good = 0x1")
    assert frame.valid.sum() == WHOLE - 2 * WIDTH


def test_a_geometry_of_other_data_is_refused_or_left_alone(tmp_path: Path) -> None:
    made = modules(0.0)
    write_cxi(tmp_path / "run.cxi", stack_of(made)[:, :5, :30])
    geom = tmp_path / "run.geom"
    geom.write_text(geom_text(made, layered=True))
    with pytest.raises(MissingDatasetError, match=r"fit the 16 panels of run\.geom"):
        open_frames(with_geometry(str(tmp_path / "run.cxi"), str(geom)))
    (tmp_path / "slab.cxi").write_bytes(b"")
    write_cxi(tmp_path / "slab.cxi", np.ones((2, 50, 60), np.float32))
    with open_frames(tmp_path / "slab.cxi") as source:
        assert (source.layout, source.shape) == ("HDF5", (50, 60))
    with pytest.raises(UnreadableFileError, match="no HDF5 file"):
        open_frames(with_geometry(str(geom), str(geom)))


def test_panels_that_make_no_image_are_refused(tmp_path: Path) -> None:
    made = modules(0.0)
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    far = geom_text(made, layered=True) + "p3/corner_x = 900000\np4/corner_y = 900000\n"
    geom = tmp_path / "far.geom"
    for text, words in (
        (far, "spreads its panels"),
        (geom_text(made, layered=True) + "p3/res = 9000\n", "different sizes"),
    ):
        geom.write_text(text)
        with pytest.raises(GeometryError, match=words):
            open_frames(with_geometry(str(tmp_path / "run.cxi"), str(geom)))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_file_gives_a_sentence(part: float, tmp_path: Path) -> None:
    made = modules(0.0)
    path = tmp_path / "run.cxi"
    write_cxi(path, stack_of(made))
    (tmp_path / "run.geom").write_text(geom_text(made, layered=True))
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(UnreadableFileError, match=r"run\.cxi"), open_frames(path) as source:
        source.frame(1)


def test_the_command_line_takes_a_geometry(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from xgeom_core.cli import command_line

    made = modules(0.0)
    write_cxi(tmp_path / "run.cxi", stack_of(made))
    (tmp_path / "elsewhere").mkdir()
    geom = tmp_path / "elsewhere" / "det.geom"
    geom.write_text(geom_text(made, layered=True))
    options = ["--geometry", str(geom), "--json"]
    told = CliRunner().invoke(command_line(), ["info", str(tmp_path / "run.cxi"), *options])
    assert told.exit_code == 0, told.output
    assert "assembled by det.geom" in told.stdout
    method = ["--method", "friedel", "--frames", "0"]
    answered = CliRunner().invoke(command_line(), ["predict", str(tmp_path / "run.cxi"), *method, *options])
    assert answered.exit_code == 0, answered.output
    assert '"frame": 0' in answered.stdout or '"index": 0' in answered.stdout

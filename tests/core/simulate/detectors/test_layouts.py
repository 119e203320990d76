"""Gaps against the makers' numbers and against the masks of real frames."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from xgeom_core.errors import RecipeError
from xgeom_core.frames import open_frames
from xgeom_core.simulate.detectors.coverage import LEAST_SHARE, Placing, place, sensitive, windows
from xgeom_core.simulate.detectors.layouts import LAYOUTS, layout

BoolImage = NDArray[np.bool_]


def native_mask(name: str) -> BoolImage:
    chosen = layout(name)
    return sensitive(chosen, place(chosen, chosen.native_shape))


# Width and height of the detector, of its modules and gaps, written down here once more.
@pytest.mark.parametrize(
    ("name", "size", "module", "gap"),
    [
        ("pilatus_300k", (487, 619), (487, 195), (7, 17)),
        ("pilatus_1m", (981, 1043), (487, 195), (7, 17)),
        ("pilatus_2m", (1475, 1679), (487, 195), (7, 17)),
        ("pilatus_6m", (2463, 2527), (487, 195), (7, 17)),
        ("eiger_1m", (1030, 1065), (1030, 514), (10, 37)),
        ("eiger_4m", (2070, 2167), (1030, 514), (10, 37)),
        ("eiger_9m", (3110, 3269), (1030, 514), (10, 37)),
        ("eiger_16m", (4150, 4371), (1030, 514), (10, 37)),
        ("eiger2_4m", (2068, 2162), (1028, 512), (12, 38)),
        ("eiger2_9m", (3108, 3262), (1028, 512), (12, 38)),
        ("eiger2_16m", (4148, 4362), (1028, 512), (12, 38)),
        ("jungfrau_4m", (2068, 2164), (1030, 514), (8, 36)),
    ],
)
def test_gaps_fall_on_native_pixels(
    name: str, size: tuple[int, int], module: tuple[int, int], gap: tuple[int, int]
) -> None:
    known = native_mask(name)
    assert known.shape == (size[1], size[0])
    x = np.arange(size[0]) % (module[0] + gap[0]) < module[0]
    y = np.arange(size[1]) % (module[1] + gap[1]) < module[1]
    np.testing.assert_array_equal(known, y[:, None] & x)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("i04_thaumatin/thau_3_2_0003.cbf.bz2", "pilatus_6m"),
        ("home_pilatus300k/in16c_010001.cbf", "pilatus_300k"),
        ("lcysteine_i19/l-cyst_04_00003.cbf.gz", "pilatus_2m"),
        ("ceo2_pilatus1m/CeO2_Pilatus1M.tif", "pilatus_1m"),
        ("eiger2_4m/image000044.h5", "eiger2_4m"),
    ],
)
def test_gaps_are_those_of_a_real_frame(frames_dir: Path, path: str, name: str) -> None:
    with open_frames(frames_dir / path) as source:
        valid = source.frame(0).valid
    known = native_mask(name)
    assert valid.shape == known.shape
    assert not (valid & ~known).any(), "a pixel of the real frame counts inside a gap"
    # A few hundred dead pixels are all that the layout does not explain.
    assert (known & ~valid).mean() < 1e-3


@pytest.mark.parametrize(("name", "factor"), [("pilatus_6m", 3), ("eiger_16m", 5), ("jungfrau_16m", 4)])
def test_pooled_gaps_are_those_of_pooled_native_pixels(name: str, factor: int) -> None:
    chosen = layout(name)
    rows, columns = (length // factor for length in chosen.native_shape)
    native = native_mask(name)[: rows * factor, : columns * factor].astype(float)
    share = native.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    pooled = sensitive(chosen, Placing((rows, columns), 1.0 / factor, (0.0, 0.0)))
    np.testing.assert_array_equal(pooled, share >= LEAST_SHARE)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@pytest.mark.parametrize("shape", [(820, 820), (300, 500), (514, 514)])
def test_any_frame_shows_the_whole_detector(name: str, shape: tuple[int, int]) -> None:
    chosen = layout(name)
    placing = place(chosen, shape)
    assert placing.scale * max(chosen.size) == pytest.approx(max(shape))
    # Centered: a detector is the same upside down but for rounding, unless it is a windmill.
    known = sensitive(chosen, placing)
    assert known.any()
    if shape[0] == shape[1]:
        area_mm2 = known.sum() * (chosen.pixel_mm / placing.scale) ** 2
        native_mm2 = sensitive(chosen, place(chosen, chosen.native_shape)).sum() * chosen.pixel_mm**2
        assert area_mm2 == pytest.approx(native_mm2, rel=0.02)
        middle = np.argwhere(known).mean(axis=0) + 0.5
        np.testing.assert_allclose(middle, (shape[0] / 2, shape[1] / 2), atol=1.0)


def test_fill_leaves_a_margin() -> None:
    chosen = layout("plain")
    known = sensitive(chosen, place(chosen, (800, 800), fill=0.75))
    assert known.sum() == 600 * 600
    assert not known[:100].any() and not known[:, 700:].any()


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_panels_lie_within_bounds_and_do_not_overlap(name: str) -> None:
    chosen = layout(name)
    for x0, y0, x1, y1 in chosen.panels:
        assert 0 <= x0 < x1 <= chosen.size[0] and 0 <= y0 < y1 <= chosen.size[1]
    for a, b in combinations(chosen.panels, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@pytest.mark.parametrize(("name", "tiles"), [("mx340", 16), ("mx225", 9), ("mx170", 4), ("q315", 9)])
def test_tiled_ccds_have_seams_but_no_gaps(name: str, tiles: int) -> None:
    chosen = layout(name)
    assert len(chosen.panels) == tiles
    assert native_mask(name).all()
    covered = np.zeros((512, 512), dtype=int)
    for window in windows(chosen, place(chosen, (512, 512))):
        covered[window] += 1
    assert (covered == 1).all()


def test_round_detectors_are_round() -> None:
    chosen = layout("mar345")
    known = native_mask("mar345")
    assert known.mean() == pytest.approx(np.pi / 4, rel=1e-3)
    assert known[1150, 0] and known[0, 1150] and not known[0, 0]
    assert chosen.side_mm == pytest.approx(345.0)
    corner = native_mask("mar165")
    assert corner[0, 1024] and not corner[0, 0] and 0.78 < corner.mean() < 0.83


def test_published_sides() -> None:
    sides = {"pilatus_6m": 434.6, "eiger_16m": 327.8, "mx340": 340.0, "mx225": 225.0, "plain": 423.6}
    for name, side in sides.items():
        assert layout(name).side_mm == pytest.approx(side, abs=0.1)


def test_unknown_detector_is_one_sentence() -> None:
    with pytest.raises(RecipeError, match=r"There is no detector 'pilatus9m'; choose among pilatus_200k"):
        layout("pilatus9m")

"""Frames, pooling and estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame, pool
from xgeom_core.metadata import Metadata


def frame_of(data: np.ndarray, valid: np.ndarray | None = None) -> Frame:
    known = np.ones(data.shape, dtype=bool) if valid is None else valid
    return Frame(data.astype(np.float32), known, np.zeros(data.shape, dtype=bool))


@given(
    height=st.integers(5, 40),
    width=st.integers(5, 40),
    factor=st.integers(1, 7),
    canvas=st.none() | st.tuples(st.integers(1, 30), st.integers(1, 30)),
    row=st.integers(0, 39),
    column=st.integers(0, 39),
)
def test_a_count_lands_in_the_block_that_the_pooling_says(
    height: int, width: int, factor: int, canvas: tuple[int, int] | None, row: int, column: int
) -> None:
    row, column = row % height, column % width
    data = np.zeros((height, width))
    data[row, column] = 3.0
    pooled = pool(frame_of(data), factor, canvas)
    u, v = pooled.pooling.to_pooled((column + 0.5, row + 0.5))
    inside = 0 <= u < pooled.counts.shape[1] and 0 <= v < pooled.counts.shape[0]
    assert pooled.counts.sum() == (3.0 if inside else 0.0)
    if inside:
        assert pooled.counts[int(v), int(u)] == 3.0


def test_pooling_counts_valid_pixels_only() -> None:
    data = np.full((6, 6), 2.0)
    valid = np.ones((6, 6), dtype=bool)
    valid[0, 0] = False
    pooled = pool(frame_of(data, valid), 3)
    assert pooled.weight.tolist() == [[8, 9], [9, 9]]
    assert pooled.counts.tolist() == [[16, 18], [18, 18]]
    assert pooled.full.tolist() == [[False, True], [True, True]]


def test_a_frame_refuses_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="same shape"):
        frame_of(np.zeros((3, 3)), np.ones((2, 2), dtype=bool))
    with pytest.raises(ValueError, match="two-dimensional"):
        frame_of(np.zeros((2, 3, 3)))


def test_metadata_says_what_is_missing_and_takes_overrides() -> None:
    meta = Metadata(wavelength_A=1.0)
    assert meta.missing == ("distance", "pixel size")
    assert meta.geometry((1.0, 2.0)) is None
    full = meta.overridden(distance_mm=100.0, pixel_mm=(0.1, 0.1))
    assert full.missing == ()
    geometry = full.geometry((1.0, 2.0), (0.5, -0.5))
    assert geometry is not None
    assert (geometry.pitch_deg, geometry.yaw_deg, geometry.wavelength_A) == (0.5, -0.5, 1.0)


def test_an_estimate_gives_sigmas_and_demands_reasons() -> None:
    estimate = Estimate("fit", (1.0, 2.0), (0.1, 0.2), np.diag([4.0, 9.0, 0.01, 0.04]))
    assert estimate.center_sigma_px == (2.0, 3.0)
    assert estimate.tilt_sigma_deg == pytest.approx((0.1, 0.2))
    assert Estimate("header", (1.0, 2.0)).center_sigma_px is None
    with pytest.raises(ValueError, match="say why"):
        Estimate("fit", (1.0, 2.0), status="uncertain")
    with pytest.raises(ValueError, match="covariance"):
        Estimate("fit", (1.0, 2.0), covariance=np.eye(3))

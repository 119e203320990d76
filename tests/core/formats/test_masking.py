"""Which pixels count, for every type of pixel a file may hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xgeom_core.formats.masking import mask_counts


def masked(values: Any, dtype: str, **keywords: Any) -> list[bool]:
    return [not good for good in mask_counts(np.array([values], dtype), **keywords)[1][0]]


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("u2", [0, 7, 65534, 65535], [False, False, False, True]),
        ("u4", [0, 65535, 2**32 - 2, 2**32 - 1], [False, False, True, True]),
        ("u8", [0, 2**32 - 1, 2**64 - 2, 2**64 - 1], [False, False, True, True]),
        ("u1", [0, 7, 254, 255], [False, False, False, True]),
        ("i2", [0, 32767, -1, -2], [False, False, True, True]),
        ("i4", [0, 2**31 - 1, -1, -2], [False, True, True, True]),
        ("f4", [0.0, np.nan, np.inf, -np.inf], [False, True, True, True]),
        ("f4", [0.5, -1.0, -2.0, 2**32 - 1], [False, True, True, True]),
        ("f8", [0.5, 1e300, -9999.0, 3.0], [False, True, True, False]),
        ("?", [0, 1, 1, 0], [False, False, False, False]),
    ],
)
def test_values_that_cannot_be_counts_are_masked(
    dtype: str, values: list[float], expected: list[bool]
) -> None:
    assert masked(values, dtype) == expected


@pytest.mark.parametrize("dtype", ["u1", "?", "i4"])
def test_a_binary_image_stays_whole(dtype: str) -> None:
    high = 255 if dtype == "u1" else 1

    data, valid, saturated = mask_counts(np.array([[0, high, 0]], dtype))

    assert valid.all()
    assert not saturated.any()
    np.testing.assert_array_equal(data, [[0, high, 0]])


def test_small_negative_values_after_background_subtraction_are_measurements() -> None:
    noise = np.random.default_rng(1).normal(0.0, 1.5, size=(64, 64)).astype(np.float32)
    noise[0, 0] = -1.0  # exactly a marker among fractions
    noise[0, 1] = -9999.0  # a gap far below everything measured

    data, valid, _ = mask_counts(noise)

    assert not valid[0, :2].any()
    assert valid.sum() == noise.size - 2
    np.testing.assert_array_equal(data[valid], noise[valid])


def test_whole_negative_counts_around_a_pedestal_are_measurements() -> None:
    counts = np.random.default_rng(2).normal(0.0, 3.0, size=(64, 64)).round().astype(np.int32)
    counts[0, 0] = -32768

    data, valid, _ = mask_counts(counts)

    assert not valid[0, 0]
    assert valid.sum() == counts.size - 1
    assert data.min() < -3


def test_saturation_is_told_apart_from_gaps_and_bad_pixels() -> None:
    raw = np.array([[5, 99, 100, 2**32 - 1, 500]], np.uint32)
    bad = np.array([[True, False, False, False, True]])

    data, valid, saturated = mask_counts(raw, saturation=100.0, bad=bad)

    assert valid.tolist() == [[False, True, False, False, False]]
    assert saturated.tolist() == [[False, False, True, False, False]]
    assert data.tolist() == [[0.0, 99.0, 0.0, 0.0, 0.0]]
    assert data.dtype == np.float32


def test_the_top_of_the_range_is_saturation_where_the_header_says_so() -> None:
    _, valid, saturated = mask_counts(np.array([[7, 65535]], np.uint16), saturation=65535.0)

    assert valid.tolist() == [[True, False]]
    assert saturated.tolist() == [[False, True]]

"""Packed compressions: an encoder written from their description, and CBFlib's own bytes, come back."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cbf_files import packed
from xgeom_core.formats.cbf.packing import unpack


def unpacked(data: bytes, like: np.ndarray[Any, Any], version: int, flat: bool) -> np.ndarray[Any, Any]:
    found = unpack(data, version, like.shape[1], like.size, like.dtype.itemsize, flat)
    return found.view(like.dtype).reshape(like.shape) if found.size == like.size else found


def _images(dtype: str) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    info = np.iinfo(dtype)
    shape = st.tuples(st.integers(1, 9), st.integers(3, 17))
    ends = [info.min, info.min + 1, info.max // 2, info.max // 2 + 1, info.max - 1, info.max, 0, 1]
    small = st.integers(max(info.min, -40), 40)
    values = st.sampled_from([st.integers(info.min, info.max), st.sampled_from(ends), small])
    return values.flatmap(lambda each: arrays.arrays(dtype, shape, elements=each))


@settings(max_examples=300)
@given(
    image=st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4"]).flatmap(_images),
    version=st.sampled_from([1, 2]),
    flat=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_what_was_packed_comes_back(image: np.ndarray[Any, Any], version: int, flat: bool, seed: int) -> None:
    data = packed(image, version, flat=flat, seed=seed)
    np.testing.assert_array_equal(unpacked(data, image, version, flat), image)


SIGNED = np.array(
    [
        [2**31 - 1, -(2**31), 5, 6, 0],
        [-1, -2, 100, 2**31 - 1, 7],
        [1000, 40, 41, 39, -(2**31)],
    ],
    "i4",
)
UNSIGNED = np.array([[65535, 0, 5, 6, 0], [1, 2, 100, 65535, 7], [1000, 40, 41, 39, 60000]], "u2")
# What CBFlib 0.9.6 makes of them, without the 32 bytes before the stream.
BY_CBFLIB = [
    (
        SIGNED,
        1,
        False,
        "+////18AAABAAQAAYAAAAID+////////f////78YAABIPv7//3cAAAAUpw9Y/OcHAAAgAgAAIHj6//8f",
    ),
    (
        SIGNED,
        2,
        False,
        "+////78AAACAAgAAwAAAAAD9//////////7//38xAACQ/Pj//98BAABQMn0Wzx8AAIAIAACA4NP///8A",
    ),
    (
        SIGNED,
        1,
        True,
        "+v///x8AAACAAAAAAAAAAAAFAACAAAAAAAIAAAAAAAAAJPrpv1m++f//BwAAAAABAAAQAAAAQBw+AMSfhOPZ//9/AAAAAAA=",
    ),
    (UNSIGNED, 1, False, "+f9/AIBSoZEGhOHj/8jF5gMU/4kJnqQO"),
    (UNSIGNED, 2, False, "+f//AABJhUYsIAw//q88gPkobgCE8Enq"),
    (UNSIGNED, 1, True, "+f///z8AAACAAAAAAAAAAABKhUYaIJZv/v//AwAAAEAAAAAAAAAAEIcPAPEn4XiO+v8/AAAAAA=="),
]


@pytest.mark.parametrize(("image", "version", "flat", "stream"), BY_CBFLIB)
def test_bytes_of_cbflib(image: np.ndarray[Any, Any], version: int, flat: bool, stream: str) -> None:
    data = image.size.to_bytes(8, "little") + bytes(24) + base64.b64decode(stream)
    np.testing.assert_array_equal(unpacked(data, image, version, flat), image)


@pytest.mark.parametrize("version", [1, 2])
def test_a_stream_that_ends_early_gives_fewer_pixels(version: int) -> None:
    image = np.random.default_rng(3).poisson(30.0, (20, 30)).astype("i4")
    data = packed(image, version)
    sizes = [unpacked(data[:end], image, version, False).size for end in range(0, len(data) - 1, 7)]
    assert sizes == sorted(sizes)
    assert (sizes[0], max(sizes) < image.size) == (0, True)


@settings(max_examples=200)
@given(data=st.binary(max_size=300), version=st.sampled_from([1, 2]), flat=st.booleans())
def test_any_bytes_give_pixels_or_fewer(data: bytes, version: int, flat: bool) -> None:
    for element in (1, 2, 4):
        stated = (60).to_bytes(8, "little") + bytes(24)
        assert unpack(stated + data, version, 12, 60, element, flat).size <= 60
        assert unpack(data, version, 12, 60, element, flat).size <= 60

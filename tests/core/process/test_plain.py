"""Plain values: what goes in comes out, and nothing but what was asked for comes out."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from xgeom_core.process.plain import NotPlainError, pack, signature, unpack


@dataclass(frozen=True)
class Inner:
    name: str
    point: tuple[float, float] | None = None
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True, eq=False)
class Outer:
    count: int
    parts: tuple[Inner, ...]
    notes: dict[str, str]
    data: NDArray[np.float32]
    good: NDArray[np.bool_]
    flag: bool = False


def carried(hint: Any, value: Any) -> Any:
    text, pieces = pack(hint, value)
    return unpack(hint, text, memoryview(b"".join(pieces)))


@given(
    name=st.text(st.characters(codec=None)),
    point=st.none() | st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    sides=st.tuples(st.integers(0, 5), st.integers(0, 7)),
    seed=st.integers(0, 100),
)
def test_values_come_out_as_they_went_in(name, point, sides, seed) -> None:
    rng = np.random.default_rng(seed)
    data, good = rng.normal(size=sides).astype(np.float32), rng.random(sides) < 0.5
    value = Outer(3, (Inner(name, point), Inner("", None, "b")), {name: "x"}, data, good, True)
    found = carried(Outer, value)
    assert (found.count, found.parts, found.notes, found.flag) == (3, value.parts, value.notes, True)
    assert found.data.dtype == np.float32 and np.array_equal(found.data, data)
    assert found.good.dtype == np.bool_ and np.array_equal(found.good, good)


def test_numbers_of_numpy_become_plain_and_arrays_may_have_strides_and_other_byte_orders() -> None:
    assert carried(tuple[int, float, float], (np.int64(3), np.float32(0.5), 7)) == (3, 0.5, 7.0)
    assert math.isnan(carried(float, math.nan)) and carried(float, -math.inf) == -math.inf
    image = np.arange(12, dtype=">u2").reshape(3, 4).T
    assert np.array_equal(carried(NDArray[np.generic], image), image)
    assert carried(NDArray[np.bool_], np.zeros((300, 200), bool)).shape == (300, 200)
    assert pack(NDArray[np.bool_], np.zeros((300, 200), bool)).pieces == []


@pytest.mark.parametrize(
    ("hint", "plain"),
    [
        (int, "3"),
        (int, True),
        (int, 1.5),
        (float, "1.5"),
        (float, None),
        (str, 3),
        (str, ["a"]),
        (bool, 1),
        (Literal["a", "b"], "c"),
        (tuple[int, int], [1]),
        (tuple[int, int], [1, 2, 3]),
        (tuple[int, ...], [1, "2"]),
        (list[str], {"0": "a"}),
        (dict[str, str], [["a", "b"]]),
        (dict[str, str], {"a": 1}),
        (Inner, ["a", None]),
        (Inner, ["a", None, "a", 1]),
        (Inner, {"name": "a"}),
        (Inner, ["a", [1.0], "a"]),
        (Inner | None, "a"),
        (NDArray[np.float32], ["<f8", [1], 0]),
        (NDArray[np.float32], ["<f4", [3], 0]),
        (NDArray[np.float32], ["<f4", [-1, -1], 0]),
        (NDArray[np.float32], ["<f4", [1], -4]),
        (NDArray[np.float32], ["<f4", [2**40, 2**40], None]),
        (NDArray[np.float32], ["<f4", [2**33], None]),
        (NDArray[np.float32], ["<f4", [1]]),
        (NDArray[np.generic], ["|O", [1], 0]),
        (NDArray[np.generic], ["|V8", [1], 0]),
        (NDArray[np.generic], ["nonsense", [1], 0]),
        (NDArray[np.generic], [["<f4"], [1], 0]),
    ],
)
def test_what_was_not_asked_for_is_refused(hint, plain) -> None:
    with pytest.raises(NotPlainError):
        unpack(hint, json.dumps(plain).encode(), memoryview(bytes(8)))


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000, b"nul"])
def test_what_is_no_message_is_refused(text) -> None:
    with pytest.raises(NotPlainError):
        unpack(int, text, memoryview(b""))


@pytest.mark.parametrize(
    ("hint", "value"),
    [(int, 1.0), (str, b"a"), (Inner, "a"), (NDArray[np.float32], np.zeros(3)), (tuple[int, ...], 3)],
)
def test_what_is_of_another_type_is_not_sent(hint, value) -> None:
    with pytest.raises(NotPlainError):
        pack(hint, value)


def test_types_that_cannot_be_sent_are_a_programmers_fault() -> None:
    for hint in (set[int], object, dict[int, str]):
        with pytest.raises(TypeError, match="cannot be sent"):
            pack(hint, None)


def test_a_methods_types_are_its_language() -> None:
    class Service:
        def work(self, number: int, names: tuple[str, ...]) -> float | None: ...

    assert signature(Service.work) == ((int, tuple[str, ...]), float | None)

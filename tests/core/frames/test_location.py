"""Splitting what the user typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from xgeom_core.errors import UsageError
from xgeom_core.frames import split_location
from xgeom_core.frames.location import choose_dataset


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("a.h5", ("a.h5", "")),
        ("a.h5::/entry/data/data", ("a.h5", "/entry/data/data")),
        ("a.h5::entry/data/", ("a.h5", "/entry/data")),
        ("a.h5::", ("a.h5", "")),
        (r"C:\data\a.h5::/data", (r"C:\data\a.h5", "/data")),
        (Path("x") / "a.cbf", (str(Path("x") / "a.cbf"), "")),
    ],
)
def test_a_location_is_a_path_and_perhaps_a_dataset(location: str, expected: tuple[str, str]) -> None:
    assert split_location(location) == expected


def test_a_file_whose_name_holds_the_separator_is_taken_at_its_word(tmp_path: Path) -> None:
    path = tmp_path / "run::7.h5"
    path.touch()

    assert split_location(path) == (str(path), "")
    assert split_location(f"{path}::/data") == (str(path), "/data")


def test_the_dataset_may_be_named_twice_but_not_differently() -> None:
    assert choose_dataset("/data", "data") == "/data"
    assert choose_dataset("", "data") == "/data"
    assert choose_dataset("/data", None) == "/data"
    with pytest.raises(UsageError, match=r"/data and /images"):
        choose_dataset("/data", "images")

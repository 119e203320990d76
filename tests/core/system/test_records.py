"""Records: what is right comes back, whatever is wrong is a value with a sentence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.system.records import Damaged, read_record, read_toml, typed
from xgeom_core.system.text import name_problem, visible


@dataclass(frozen=True)
class Inner:
    rate: float


@dataclass(frozen=True)
class Sample:
    number: int
    words: tuple[str, ...] = ()
    kind: Literal["a", "b"] = "a"
    limit: float | None = None
    inner: Inner | None = None
    flag: bool = False


def test_what_is_right_comes_back(tmp_path) -> None:
    path = tmp_path / "x.json"
    assert read_record(path, Sample) is None
    path.write_text(
        '{"number": 3, "words": ["ü"], "kind": "b", "limit": 2, "inner": {"rate": 1.5}, "newer": 1}'
    )
    assert read_record(path, Sample) == Sample(3, ("ü",), "b", 2.0, Inner(1.5))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[1]", "no JSON object"),
        ("{}", "'number' is missing"),
        ('{"number": 1.5}', "'number' is no whole number"),
        ('{"number": true}', "'number' is no whole number"),
        ('{"number": 1, "words": "abc"}', "'words' is no list"),
        ('{"number": 1, "words": [{}]}', "'words' is no text"),
        ('{"number": 1, "kind": {}}', "'kind' is none of a, b"),
        ('{"number": 1, "inner": {"rate": "x"}}', "'inner' its entry 'rate' is no number"),
        ('{"number": 1, "flag": 1}', "'flag' is neither true nor false"),
        ('{"number": 1, "limit": Infinity}', "it holds Infinity"),
        ('{"number": 1, "limit": 1e999}', "too large"),
        ('{"number": 1, "limit": 1' + "0" * 400 + "}", "too large"),
        ('{"number": ' + "9" * 5000 + "}", "more than 4300 digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"number": 1, "x": ' + "[" * 50 + "]" * 50 + "}", "nested too deeply"),
        ("\xff", "no text in UTF-8"),
        (" " * (1 << 20) + "{}", "larger than 1024 KiB"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, text, why) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="latin-1")
    found = read_record(path, Sample)
    assert isinstance(found, Damaged)
    assert why in found.sentence
    assert str(path) in found.sentence
    assert "\n" not in found.sentence
    assert len(found.sentence) < 400


def test_a_programmers_mistake_is_not_hidden() -> None:
    with pytest.raises(TypeError):
        typed(int, {})  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "9" * 5000, "more than 4300 digits"),
        ("a = " + "[" * 3000, "nested too deeply"),
        ("a." * 500 + "a = 1", "nested too deeply"),
        ('a = "x\ny"', "Illegal character"),
        ("\xff", "no text in UTF-8"),
        ("# " + "x" * (1 << 20), "larger than 1024 KiB"),
    ],
)
def test_toml_that_will_not_do(tmp_path, text, why) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match=why) as caught:
        read_toml(path, ConfigError, "configuration")
    assert "\n" not in str(caught.value)


def test_toml_from_a_pipe_or_a_device_is_refused_at_once(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "zero.toml"):
        with pytest.raises(ConfigError, match="cannot be read: it is a pipe or a device, no regular file"):
            read_toml(tmp_path / name, ConfigError, "configuration")
    with pytest.raises(ConfigError, match=r"There is no configuration file .*gone\.toml\."):
        read_toml(tmp_path / "gone.toml", ConfigError, "configuration")


def test_control_characters_are_spelled_out() -> None:
    assert visible("ünï – 光 µ·") == "ünï – 光 µ·"
    assert visible("a\x1b]0;x\x07b\u202ec\nd\udc80") == "a\\x1b]0;x\\x07b\\u202ec\\nd\\udc80"


@pytest.mark.parametrize(
    ("name", "why"),
    [("", "empty"), (" ", "empty"), ("a\nb", "line end"), ("a\x1bb", "control"),
     ("x" * 10_000, "10000 letters"), ("a/b", "slash"), ("a\u202eb", "control")],
)  # fmt: skip
def test_names_that_will_not_do(name, why) -> None:
    assert why in name_problem(name, slashes=False)
    assert name_problem("CeO₂ at 28° – ü") == name_problem("a/b") == ""

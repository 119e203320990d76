"""Recipes as text: what is printed is what is read."""

from __future__ import annotations

import pytest

from xgeom_core.simulate import KINDS, load_recipe
from xgeom_core.simulate.ranges import Section
from xgeom_core.simulate.recipe_text import recipe_toml


@pytest.mark.parametrize("kind", KINDS)
def test_a_printed_kind_reads_back_the_same(tmp_path, kind: str) -> None:
    path = tmp_path / "copy.toml"
    path.write_text(recipe_toml(load_recipe(kind)), encoding="utf-8")
    assert load_recipe(str(path)) == load_recipe(kind)


def test_every_entry_says_what_it_means() -> None:
    lines = recipe_toml(load_recipe("standard")).splitlines()
    entries = [line for line in lines if " = " in line and not line.startswith(("name", "description"))]
    assert len(entries) > 30
    assert [line for line in entries if " # " not in line] == []


def test_values_of_every_type_survive() -> None:
    import tomllib

    class Inner(Section):
        """Inside."""

        weights: dict[str, float] = {"a b": 1.0, "c": 1e-7}  # noqa: RUF012

    class Outer(Section):
        """Outside."""

        name: str = 'quoted "text" Å'
        on: bool = True
        edge: tuple[float, float] = (1e-20, 30.0)
        huge: float = 1e300
        number: int = 3
        absent: str | None = None
        inner: Inner = Inner()

    assert tomllib.loads(recipe_toml(Outer())) == {  # type: ignore[arg-type]
        "name": 'quoted "text" Å',
        "on": True,
        "edge": [1e-20, 30],
        "huge": 1e300,
        "number": 3,
        "inner": {"weights": {"a b": 1, "c": 1e-7}},
    }

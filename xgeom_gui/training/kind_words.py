"""What the kinds of simulated frames are, in words. Knows no widget."""

from __future__ import annotations

import functools

from xgeom_core.simulate.recipe import load_recipe


@functools.cache
def kind_tip(kind: str) -> str:
    """What a kind's recipe says of it."""
    return load_recipe(kind).description or f"Simulated frames of the kind {kind!r}"

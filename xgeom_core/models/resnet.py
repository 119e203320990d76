"""The old place of `build_network`; see `registry`."""

from __future__ import annotations

from xgeom_core.models.layers import OUTPUTS
from xgeom_core.models.registry import build_network

__all__ = ["OUTPUTS", "build_network"]

"""Spot lists with known symmetry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from xgeom_core.predict.spot_list import Spots

SHAPE = (820, 820)


@pytest.fixture
def spots_at() -> Callable[..., Spots]:
    """Make a Spots of places ``(n, 2)``."""

    def make(xy: np.ndarray, known: np.ndarray | None = None) -> Spots:
        count = len(xy)
        return Spots(
            xy[:, 0],
            xy[:, 1],
            np.full(count, 0.1),
            np.full(count, 100.0),
            np.full(count, 9.0),
            np.full(count, 5),
            SHAPE,
            known,
        )

    return make


@dataclass(frozen=True, eq=False)
class Rival:
    """Another origin, slightly less likely."""

    center_px: tuple[float, float]
    log_odds: float = -0.3
    tilt_deg: tuple[float, float] | None = (0.0, 0.0)


class Doubted:
    """A good lattice with two origins."""

    tilt_deg = (0.0, 0.0)
    covariance = np.diag([0.03, 0.03, 0.02, 0.02]) ** 2
    indexed = np.ones(200, dtype=bool)
    share = 0.9
    bravais = "oP"
    reciprocal = np.diag([1 / 60, 1 / 70, 1 / 90])
    reason = "another origin fits the lattice equally well, 7 px away"

    def __init__(self, center_px: tuple[float, float], other: np.ndarray) -> None:
        self.center_px = center_px
        self.rivals = (Rival((float(other[0]), float(other[1]))),)


@pytest.fixture
def doubted() -> type[Doubted]:
    """A lattice of two origins: call with the likelier and the other center."""
    return Doubted

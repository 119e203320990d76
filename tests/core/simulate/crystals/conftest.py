"""Beams, detectors and crystals for the tests of this room."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.simulate.crystals.crystal import Crystal


@pytest.fixture
def crystal() -> Crystal:
    """An orthorhombic crystal of small mosaic spread, turned somewhere."""
    q, r = np.linalg.qr(np.random.default_rng(11).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    q *= np.sign(np.linalg.det(q))
    return Crystal(
        cell=(58.0, 71.0, 93.0, 90.0, 90.0, 90.0),
        system="orthorhombic",
        centering="P",
        laue="mmm",
        rotation=tuple(float(v) for v in q.ravel()),
        mosaic_deg=0.05,
        block_A=2000.0,
        b_factor_A2=20.0,
        d_min_A=2.0,
        brightness=1000.0,
        seed=7,
    )

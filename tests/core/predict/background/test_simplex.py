"""The search takes the steps of scipy's, and comes to the same place."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from xgeom_core.predict.background.simplex import least

CORNERS = np.vstack([np.zeros(4), 1.2 * np.eye(4)])


def valley(x: np.ndarray) -> float:
    return float(((x[1:] - x[:-1] ** 2) ** 2).sum() + 0.1 * ((1.0 - x) ** 2).sum())


def steps(x: np.ndarray) -> float:
    """Flat in places, as a density of few points is."""
    return float(np.round(4.0 * ((x - 0.7) ** 2).sum()) / 4.0)


def bowl(x: np.ndarray) -> float:
    return float(((x - np.array([3.0, -2.0, 0.5, 8.0])) ** 2 * np.array([1.0, 9.0, 0.1, 2.0])).sum())


@pytest.mark.parametrize("calls", [90, 1000])
@pytest.mark.parametrize("loss", [valley, steps, bowl])
def test_it_ends_where_scipys_does(loss, calls: int) -> None:
    asked = []

    def counted(x: np.ndarray) -> float:
        asked.append(x)
        return loss(x)

    options = {"initial_simplex": CORNERS, "maxfev": calls, "xatol": 0.05, "fatol": 1e-6}
    theirs = optimize.minimize(loss, np.zeros(4), method="Nelder-Mead", options=options)
    ours = least(counted, CORNERS, calls, 0.05, 1e-6)
    assert ours == pytest.approx(theirs.x, abs=1e-9)
    assert loss(ours) == pytest.approx(theirs.fun, abs=1e-12)
    assert len(asked) == theirs.nfev <= calls

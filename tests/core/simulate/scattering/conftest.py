"""A sensor without parallax, so that images follow the plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


class IdealSensor:
    def shift_mm(self, tan_psi: NDArray[np.float64], cos_psi: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.zeros_like(tan_psi * cos_psi)

    def efficiency(self, cos_psi: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ones_like(cos_psi)


@pytest.fixture
def ideal() -> IdealSensor:
    return IdealSensor()

"""Scattering factors of free atoms."""

from __future__ import annotations

from functools import cache

import gemmi
import numpy as np

from xgeom_core.geometry import FloatArray


def form_factor(element: str, s: FloatArray) -> FloatArray:
    """Scattering factor in electrons at ``s = 1/d`` in 1/Å: ``sum a exp(-b s^2 / 4) + c``.

    The numbers are those of International Tables for Crystallography C (1992), table 6.1.1.4.
    """
    amplitudes, widths, constant = _it92(element)
    quarter = np.square(np.asarray(s, dtype=np.float64)) / 4.0
    waves = (a * np.exp(-b * quarter) for a, b in zip(amplitudes, widths, strict=True))
    return np.asarray(sum(waves) + constant)


@cache
def _it92(element: str) -> tuple[list[float], list[float], float]:
    """Four amplitudes, four widths in Å^2, and the constant."""
    # gemmi keeps them in 32 bits; the tables have four decimals.
    numbers = [round(number, 4) for number in gemmi.Element(element).it92.get_coefs()]
    return numbers[:4], numbers[4:8], numbers[8]

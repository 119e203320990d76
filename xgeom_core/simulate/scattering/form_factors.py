"""Scattering factors of free atoms."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import FloatArray

# International Tables for Crystallography C (1992), table 6.1.1.4: four amplitudes, four widths (Å^2), c.
_IT92: dict[str, tuple[tuple[float, ...], tuple[float, ...], float]] = {
    "B": ((2.0545, 1.3326, 1.0979, 0.7068), (23.2185, 1.021, 60.3498, 0.1403), -0.1932),
    "N": ((12.2126, 3.1322, 2.0125, 1.1663), (0.0057, 9.8933, 28.9975, 0.5826), -11.529),
    "O": ((3.0485, 2.2868, 1.5463, 0.867), (13.2771, 5.7011, 0.3239, 32.9089), 0.2508),
    "Na": ((4.7626, 3.1736, 1.2674, 1.1128), (3.285, 8.8422, 0.3136, 129.424), 0.676),
    "Al": ((6.4202, 1.9002, 1.5936, 1.9646), (3.0387, 0.7426, 31.5472, 85.0886), 1.1151),
    "Si": ((6.2915, 3.0353, 1.9891, 1.541), (2.4386, 32.3337, 0.6785, 81.6937), 1.1407),
    "Cl": ((11.4604, 7.1964, 6.2556, 1.6455), (0.0104, 1.1662, 18.5194, 47.7784), -9.5574),
    "Au": ((16.8819, 18.5913, 25.5582, 5.86), (0.4611, 8.6216, 1.4826, 36.3956), 12.0658),
    "La": ((20.578, 19.599, 11.3727, 3.2872), (2.9482, 0.2445, 18.7726, 133.124), 2.1468),
    "Ce": ((21.1671, 19.7695, 11.8513, 3.3305), (2.8122, 0.2268, 17.6083, 127.113), 1.8626),
}


def form_factor(element: str, s: FloatArray) -> FloatArray:
    """Scattering factor in electrons at ``s = 1/d`` in 1/Å: ``sum a exp(-b s^2 / 4) + c``."""
    amplitudes, widths, constant = _IT92[element]
    quarter = np.square(np.asarray(s, dtype=np.float64)) / 4.0
    waves = (a * np.exp(-b * quarter) for a, b in zip(amplitudes, widths, strict=True))
    return np.asarray(sum(waves) + constant)

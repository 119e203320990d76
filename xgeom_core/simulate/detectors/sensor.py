"""The layer that stops the photons: where inside it they stop, and how many.

Notes
-----
A photon that meets the sensor at an angle psi to its normal is absorbed at a depth z below the front
surface with probability density proportional to ``exp(-m z)``, ``0 <= z <= t``, where
``m = mu / cos psi``, ``mu`` is the attenuation coefficient and ``t`` the thickness. It is counted
``z tan psi`` further out than it came in (parallax). From the truncated exponential::

    mean of z      1/m - t / (e^(mt) - 1)
    variance of z  1/m^2 - t^2 e^(mt) / (e^(mt) - 1)^2
    absorbed share 1 - e^(-mt)

Attenuation: mass attenuation coefficients of Elam, Ravel and Sieber, Radiat. Phys. Chem. 63 (2002)
121-128, which agree with NIST's tables (Hubbell and Seltzer, NISTIR 5632) to about 1 %; between the
energies tabulated here the logarithms are interpolated, with one point on either side of every
absorption edge (error below 2 %). Escaping fluorescence and charge sharing are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xgeom_core.geometry import FloatArray

# Photon energy in keV and mass attenuation coefficient in cm^2/g.
_TABLES: dict[str, tuple[tuple[float, float], ...]] = {
    "Si": (
        (4, 452.8), (5, 245.1), (6, 147.0), (8, 64.69), (9, 46.02), (10, 33.88), (12, 19.89), (15, 10.34),
        (20, 4.463), (25, 2.364), (30, 1.436), (40, 0.701), (50, 0.4385), (60, 0.3206),
    ),
    "CdTe": (
        (4.014, 716.8), (4.022, 792.6), (4.337, 656.1), (4.345, 929.3), (4.608, 813.9), (4.616, 940.6),
        (4.935, 801.3), (4.943, 863.5), (6, 528.6), (8, 249.2), (9, 182.4), (10, 138.1), (12, 84.57),
        (15, 46.56), (20, 21.44), (25, 11.74), (26.707, 9.837), (26.715, 29.41), (30, 21.82),
        (31.81, 18.75), (31.818, 34.93), (40, 19.3), (50, 10.67), (60, 6.542),
    ),
    "GaAs": (
        (4, 454.0), (5, 249.5), (6, 152.4), (8, 69.61), (9, 50.4), (10, 37.8), (10.363, 34.29),
        (10.371, 125.9), (11.863, 89.01), (11.871, 168.3), (15, 92.19), (20, 42.58), (25, 23.12),
        (30, 13.97), (40, 6.261), (50, 3.366), (60, 2.042),
    ),
    # Gd2O2S, the phosphor of CCD and CMOS detectors.
    "Gd2O2S": (
        (4, 591.7), (5, 337.1), (6, 211.8), (7.239, 130.8), (7.247, 330.8), (7.926, 262.9), (7.934, 353.3),
        (8.372, 309.9), (8.38, 355.5), (9, 297.4), (10, 228.5), (12, 141.6), (15, 79.02), (20, 36.88),
        (25, 20.32), (30, 12.54), (40, 5.854), (50.235, 3.234), (50.243, 15.54), (60, 9.814),
    ),
    # BaFBr, the storage phosphor of image plates.
    "BaFBr": (
        (4, 453.6), (5, 254.2), (5.243, 224.6), (5.251, 453.5), (5.62, 384.1), (5.628, 489.8), (5.985, 420.2),
        (5.993, 472.2), (7, 317.3), (8, 225.7), (9, 165.4), (10, 125.4), (12, 77.06), (13.47, 56.67),
        (13.478, 98.92), (15, 74.92), (20, 34.98), (25, 19.19), (30, 11.73), (37.437, 6.434),
        (37.445, 20.2), (40, 16.98), (50, 9.476), (60, 5.836),
    ),
}  # fmt: skip
# g/cm^3. A phosphor screen is powder in a binder: about half its volume is Gd2O2S (7.3 g/cm^3) or two
# thirds BaFBr (5.0 g/cm^3).
_DENSITIES = {"Si": 2.33, "CdTe": 5.85, "GaAs": 5.32, "Gd2O2S": 3.7, "BaFBr": 3.3}

MATERIALS = tuple(_TABLES)


def attenuation_per_mm(material: str, energy_keV: float) -> float:
    """Attenuation coefficient of a sensor material, per mm.

    Parameters
    ----------
    material : str
        One of `MATERIALS`.
    energy_keV : float
        Photon energy; below 4 and above 60 keV the values at those ends are taken.
    """
    energy, mass = np.log(np.array(_TABLES[material])).T
    return float(np.exp(np.interp(np.log(energy_keV), energy, mass)) * _DENSITIES[material] / 10.0)


@dataclass(frozen=True)
class Sensor:
    """A slab of sensor material and the energy of the photons it stops.

    Parameters
    ----------
    material : str
        One of `MATERIALS`.
    thickness_mm : float
        Thickness in mm.
    energy_keV : float
        Photon energy in keV.
    psf_sigma_mm : float
        Standard deviation in mm of a spread that images of expected counts shall contain already. 0 in
        every detector that is drawn: `Detector.record` spreads the light of its phosphor itself, after
        counting the photons, so that the noise of neighbors is correlated as it really is.

    Raises
    ------
    ValueError
        If the material is unknown, or a length or the energy is not positive.

    Notes
    -----
    The geometry's plane is the front surface. `shift_mm` points away from the foot of the normal.
    """

    material: str
    thickness_mm: float
    energy_keV: float
    psf_sigma_mm: float = 0.0

    def __post_init__(self) -> None:
        if self.material not in _TABLES:
            raise ValueError(f"no sensor material {self.material!r}; there are {', '.join(MATERIALS)}")
        if not (min(self.thickness_mm, self.energy_keV) > 0 and self.psf_sigma_mm >= 0):
            raise ValueError("a sensor needs a positive thickness and energy, and a spread of 0 or more")

    @cached_property
    def attenuation_per_mm(self) -> float:
        """Attenuation coefficient at the photon energy, per mm."""
        return attenuation_per_mm(self.material, self.energy_keV)

    def shift_mm(self, tan_psi: FloatArray | float, cos_psi: FloatArray | float) -> FloatArray:
        """Mean lateral shift (parallax) in mm of photons that come in at an angle psi to the normal.

        Parameters
        ----------
        tan_psi, cos_psi : float or ndarray
            Tangent and cosine of psi; they broadcast against each other.

        Returns
        -------
        ndarray
            Shift along the sensor, away from the foot of the normal.
        """
        path = self._optical_depth(cos_psi)
        return np.asarray(tan_psi, dtype=np.float64) * self.thickness_mm * _mean_depth(path)

    def spread_mm(self, tan_psi: FloatArray | float, cos_psi: FloatArray | float) -> FloatArray:
        """Standard deviation in mm of that shift; same parameters as `shift_mm`."""
        path = self._optical_depth(cos_psi)
        return np.asarray(tan_psi, dtype=np.float64) * self.thickness_mm * np.sqrt(_depth_variance(path))

    def efficiency(self, cos_psi: FloatArray | float = 1.0) -> FloatArray:
        """Share of the photons that are stopped, relative to those at normal incidence.

        Parameters
        ----------
        cos_psi : float or ndarray
            Cosine of the angle to the normal.

        Returns
        -------
        ndarray
            1 at normal incidence, more for oblique photons, whose path is longer.
        """
        return np.asarray(np.expm1(-self._optical_depth(cos_psi)) / np.expm1(-self._optical_depth(1.0)))

    def absorbed(self) -> float:
        """Share of the photons at normal incidence that are stopped, 0 to 1."""
        return float(-np.expm1(-self._optical_depth(1.0)))

    def _optical_depth(self, cos_psi: FloatArray | float) -> FloatArray:
        """Attenuation lengths along the path through the whole slab."""
        return self.attenuation_per_mm * self.thickness_mm / np.asarray(cos_psi, dtype=np.float64)


def _mean_depth(path: FloatArray) -> FloatArray:
    """Mean depth of absorption over the thickness, for a path of so many attenuation lengths."""
    safe = np.clip(path, 1e-3, 500.0)
    exact = 1.0 / safe - 1.0 / np.expm1(safe)
    # The two terms cancel in thin sensors; the series does not.
    return np.asarray(np.where(path < 1e-3, 0.5 - path / 12.0, exact))


def _depth_variance(path: FloatArray) -> FloatArray:
    """Variance of the depth of absorption over the thickness squared."""
    safe = np.clip(path, 2e-2, 500.0)
    exact = 1.0 / safe**2 - 1.0 / (4.0 * np.sinh(safe / 2.0) ** 2)
    return np.asarray(np.where(path < 2e-2, 1.0 / 12.0 - path**2 / 240.0, exact))

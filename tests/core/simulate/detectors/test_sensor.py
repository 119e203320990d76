"""Absorption in the sensor against numeric integration and published coefficients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from xgeom_core.simulate.detectors.sensor import MATERIALS, Sensor, attenuation_per_mm

CASES = [
    ("Si", 0.32, 12.7, 35.0),
    ("Si", 0.45, 5.0, 60.0),
    ("Si", 1.0, 40.0, 20.0),
    ("CdTe", 0.75, 20.0, 45.0),
    ("GaAs", 0.5, 17.0, 10.0),
    ("Gd2O2S", 0.04, 12.7, 50.0),
    ("BaFBr", 0.15, 8.0, 30.0),
    ("Si", 1e-4, 40.0, 30.0),
]


@pytest.mark.parametrize(("material", "thickness", "energy", "psi_deg"), CASES)
def test_parallax_equals_the_integral_over_depth(
    material: str, thickness: float, energy: float, psi_deg: float
) -> None:
    sensor = Sensor(material, thickness, energy)
    tan, cos = np.tan(np.radians(psi_deg)), np.cos(np.radians(psi_deg))
    rate = sensor.attenuation_per_mm / cos

    def moment(power: int) -> float:
        value, _ = quad(
            lambda z: z**power * np.exp(-rate * z), 0, thickness, epsabs=0, epsrel=1e-11, limit=200
        )
        return value

    total, mean, square = moment(0), moment(1), moment(2)
    mean /= total
    assert float(sensor.shift_mm(tan, cos)) == pytest.approx(tan * mean, rel=1e-7)
    assert float(sensor.spread_mm(tan, cos)) == pytest.approx(
        tan * np.sqrt(square / total - mean**2), rel=1e-4
    )
    assert float(sensor.efficiency(cos)) == pytest.approx(
        -np.expm1(-rate * thickness) / -np.expm1(-rate * cos * thickness), rel=1e-9
    )


# cm^2/g in NIST's tables (NISTIR 5632) and the densities assumed here.
@pytest.mark.parametrize(
    ("material", "energy", "mass", "density"),
    [
        ("Si", 10.0, 33.89, 2.33),
        ("Si", 17.44, 6.62, 2.33),
        ("CdTe", 20.0, 21.4, 5.85),
        ("GaAs", 15.0, 92.2, 5.32),
        ("Gd2O2S", 10.0, 228.5, 3.7),
    ],
)
def test_attenuation_is_the_published_one(material: str, energy: float, mass: float, density: float) -> None:
    assert attenuation_per_mm(material, energy) == pytest.approx(mass * density / 10, rel=0.03)


def test_attenuation_jumps_at_an_edge_and_falls_elsewhere() -> None:
    assert attenuation_per_mm("CdTe", 26.72) > 2.5 * attenuation_per_mm("CdTe", 26.70)
    for material in MATERIALS:
        assert attenuation_per_mm(material, 21.0) < attenuation_per_mm(material, 20.0)


def test_arrays_and_normal_incidence() -> None:
    sensor = Sensor("Si", 0.45, 12.4)
    tan = np.linspace(0.0, 1.0, 7)
    cos = 1.0 / np.sqrt(1.0 + tan**2)
    shift, spread, efficiency = sensor.shift_mm(tan, cos), sensor.spread_mm(tan, cos), sensor.efficiency(cos)
    assert shift[0] == 0.0 and spread[0] == 0.0 and efficiency[0] == 1.0
    assert (np.diff(shift) > 0).all() and (np.diff(spread) > 0).all() and (np.diff(efficiency) > 0).all()
    assert shift.max() < 0.45
    assert 0.8 < sensor.absorbed() < 0.9


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="no sensor material 'wood'"):
        Sensor("wood", 0.3, 12.0)
    with pytest.raises(ValueError, match="positive thickness"):
        Sensor("Si", 0.0, 12.0)

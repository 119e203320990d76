"""DECTRIS's electron cameras (ELA, SINGLA, ARINA, QUADRO): NXmx masters, but no photons are counted.

SIMPLON states the electrons' energy where it states that of photons for other detectors, and a wavelength
made of it as if they were photons.
"""

from __future__ import annotations

import re

from xgeom_core import units
from xgeom_core.formats.values import wavelength_of_electron

_CAMERA = re.compile(r"\b(ELA|SINGLA|ARINA|QUADRO)\b", re.IGNORECASE)
_USUAL_KV = (30.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0, 200.0, 300.0)
_CLOSE = 0.005
_MOST_KV = 1300.0


def electrons(description: str, wavelength_A: float | None) -> tuple[float | None, tuple[str, ...]]:
    """The wavelength of electrons, where the detector is a camera for them.

    Parameters
    ----------
    description : str
        The detector's name.
    wavelength_A : float or None
        As stated, or made of a stated energy as for photons.

    Returns
    -------
    wavelength_A : float or None
        That of electrons of the energy. One that is an electron's already, of a usual high tension, stays.
    notes : tuple of str
    """
    if wavelength_A is None or not _CAMERA.search(description):
        return wavelength_A, ()
    kv = units.HC_KEV_A / wavelength_A
    already = any(abs(wavelength_of(usual) / wavelength_A - 1.0) < _CLOSE / 2 for usual in _USUAL_KV)
    if kv > _MOST_KV or (already and not any(abs(kv / usual - 1.0) < _CLOSE for usual in _USUAL_KV)):
        return wavelength_A, ()
    found = wavelength_of(kv)
    note = (
        f"The wavelength is that of electrons of {kv:.4g} kV, {found:.5g} Å: {description} counts electrons."
    )
    return found, (note,)


def wavelength_of(kv: float) -> float:
    """Wavelength in Å of electrons of a high tension in kV, which is positive."""
    return wavelength_of_electron(kv * 1e3) or 0.0

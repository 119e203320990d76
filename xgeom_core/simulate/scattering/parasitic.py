"""Parasitic scattering close to the beam: halos cut off by an aperture, and streaks of slits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Halo:
    """Scatter of collimator and windows, let through by a round aperture behind them.

    Parameters
    ----------
    height : float
        At its middle, relative to ``counts_per_mm2``.
    radius_mm : float
        Where the aperture's shadow begins, on a plane across the beam at the detector's distance.
    edge_mm : float
        Width of that edge.
    offset_mm : tuple of float
        Its middle from the beam, ``(x, y)`` on that plane: it belongs to the aperture, not the sample.
    fall : float
        How much fainter it is at its edge: exponent of ``exp(-fall (r / radius)^2)``.
    """

    height: float
    radius_mm: float
    edge_mm: float
    offset_mm: tuple[float, float]
    fall: float


@dataclass(frozen=True)
class Streak:
    """Streak through the beam: light reflected off a slit's blade, or a facet's or fiber's fan.

    Parameters
    ----------
    height : float
        At the beam, relative to ``counts_per_mm2``.
    direction_deg : float
        Azimuth of the streak.
    length_mm : float
        Where it has fallen to a quarter, on a plane across the beam at the detector's distance.
    width_mm : float
        Standard deviation across.
    balance : float
        Share of the light on the side of ``direction_deg``: 0.5 for both alike.

    Notes
    -----
    Along the streak ``1 / (1 + (t / length)^2)^2``: a quarter at the length, and the fourth power
    of Porod's law beyond, as of a straight sharp edge.
    """

    height: float
    direction_deg: float
    length_mm: float
    width_mm: float
    balance: float


@dataclass(frozen=True)
class Layers:
    """Diffuse layers of a crystal disordered along one axis.

    Parameters
    ----------
    height : float
        Crest relative to the crest of the water ring.
    axis_A : tuple of float
        The axis along which the order holds, in Å, as a vector in the lab frame.
    width : float
        Standard deviation of a layer in units of the layers' spacing.
    falloff : float
        Where a Gaussian in s has taken the layers to 1/e, in 1/Å.

    Notes
    -----
    Scattering vectors q with ``q.axis`` near an integer: planes in reciprocal space, which meet the
    Ewald sphere in circles and the detector in conics (Welberry, Diffuse X-ray Scattering and Models
    of Disorder, 2004, chapter 2).
    """

    height: float
    axis_A: tuple[float, float, float]
    width: float
    falloff: float

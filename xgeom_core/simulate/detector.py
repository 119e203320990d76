"""What the detector and the things in front of it do to a perfect image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True)
class ModuleGrid:
    """Insensitive gaps between rectangular modules.

    Parameters
    ----------
    module_mm : tuple of float
        Sensitive size of a module (fast, slow) in mm.
    gap_mm : tuple of float
        Gap between neighbors (fast, slow) in mm.
    """

    module_mm: tuple[float, float]
    gap_mm: tuple[float, float]

    def sensitive(self, shape: tuple[int, int], pixel_mm: float) -> NDArray[np.bool_]:
        """True where at least half of the pixel is sensitive; shape ``(slow, fast)``."""
        lines = []
        for axis, length in ((1, shape[0]), (0, shape[1])):
            period = self.module_mm[axis] + self.gap_mm[axis]
            place = ((np.arange(length) + 0.5) * pixel_mm) % period
            lines.append(place < self.module_mm[axis])
        return np.asarray(lines[0][:, None] & lines[1])


# Module sizes and gaps in pixels are published by the makers: 487x195 with 7 and 17 (Pilatus),
# 1030x514 with 10 and 37 (Eiger X).
PILATUS = ModuleGrid((487 * 0.172, 195 * 0.172), (7 * 0.172, 17 * 0.172))
EIGER = ModuleGrid((1030 * 0.075, 514 * 0.075), (10 * 0.075, 37 * 0.075))


def beamstop_transmission(
    shape: tuple[int, int],
    center_px: tuple[float, float],
    radius_px: float,
    arm_deg: float,
    arm_px: float,
) -> FloatArray:
    """Transmission of a round beam stop and the straight arm that holds it.

    Parameters
    ----------
    shape : tuple of int
        ``(slow, fast)``.
    center_px : tuple of float
        Center of the stop ``(x, y)`` in px; real stops are not quite centered on the beam.
    radius_px, arm_px : float
        Radius of the stop and width of the arm in px; an arm of width 0 is absent.
    arm_deg : float
        Direction from the stop along the arm, from ``+x`` towards ``+y``, in degrees.

    Returns
    -------
    ndarray, shape (slow, fast)
        0 behind stop and arm, 1 elsewhere, with an edge about two pixels wide.
    """
    x = np.arange(shape[1]) + 0.5 - center_px[0]
    y = (np.arange(shape[0]) + 0.5 - center_px[1])[:, None]
    open_ = np.clip(np.hypot(x, y) - radius_px + 0.5, 0.0, 2.0) / 2.0
    if arm_px > 0:
        along = x * np.cos(np.radians(arm_deg)) + y * np.sin(np.radians(arm_deg))
        across = np.abs(y * np.cos(np.radians(arm_deg)) - x * np.sin(np.radians(arm_deg)))
        arm = np.clip(across - arm_px / 2.0 + 0.5, 0.0, 1.0)
        open_ = np.where(along > 0, np.minimum(open_, arm), open_)
    return open_


def asymmetry(
    shape: tuple[int, int], center_px: tuple[float, float], waves: tuple[complex, complex], slope: float
) -> FloatArray:
    """Slowly varying factor that breaks the symmetry of the background about the beam.

    Parameters
    ----------
    shape : tuple of int
        ``(slow, fast)``.
    center_px : tuple of float
        Beam center ``(x, y)``.
    waves : tuple of complex
        Amplitude and phase of the one-fold and two-fold azimuthal waves in log intensity.
    slope : float
        How the waves grow from the beam to the edge: 0 constant, 1 from zero at the beam.

    Notes
    -----
    Slits, capillaries, loops and air paths of real beamlines do this; its m = 1 wave imitates a
    shifted center, which is why a fit to amplitudes alone drifts.
    """
    x = np.arange(shape[1]) + 0.5 - center_px[0]
    y = (np.arange(shape[0]) + 0.5 - center_px[1])[:, None]
    r = np.hypot(x, y)
    unit = (x + 1j * y) / np.maximum(r, 1e-6)
    reach = (1.0 - slope) + slope * r / max(shape)
    return np.asarray(np.exp(((waves[0] * unit + waves[1] * unit**2).real) * reach))


def count(expected: FloatArray, rng: np.random.Generator, hot_fraction: float = 0.0) -> NDArray[np.int64]:
    """Poisson counts of an expected image, with a share of hot pixels.

    Parameters
    ----------
    expected : ndarray, shape (slow, fast)
        Expected counts per pixel, not negative.
    rng : numpy.random.Generator
        Source of the noise.
    hot_fraction : float
        Share of pixels that count far too much.
    """
    counts = rng.poisson(expected)
    hot = rng.integers(0, expected.size, size=rng.poisson(hot_fraction * expected.size))
    counts.flat[hot] += rng.integers(20, 2000, size=hot.size)
    return np.asarray(counts)

"""A detector as it stands in one frame: what it can see and what it makes of the photons."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xgeom_core.simulate.detectors.counting import sample_poisson
from xgeom_core.simulate.detectors.coverage import BoolImage, FloatImage, Placing, sensitive
from xgeom_core.simulate.detectors.faults import Faults, blind, fault_map
from xgeom_core.simulate.detectors.layouts import Layout, layout
from xgeom_core.simulate.detectors.read_out import add_read_out
from xgeom_core.simulate.detectors.sensor import Sensor
from xgeom_core.simulate.detectors.spreading import spread

# A phosphor's photons give varying amounts of light: relative variance per photon.
_LIGHT_VARIANCE = 0.1


@dataclass(frozen=True, eq=False)
class Record:
    """What a detector hands over.

    Parameters
    ----------
    counts : ndarray of int32, shape (slow, fast)
        Numbers as read; 0 where nothing is known, the overload where saturated.
    known : ndarray of bool
        True where the file calls the number good: not in a gap, not marked as dead, not saturated.
    saturated : ndarray of bool or None
        True where the detector was overloaded; None where it was nowhere.
    """

    counts: NDArray[np.int32]
    known: BoolImage
    saturated: BoolImage | None


@dataclass(frozen=True)
class Detector:
    """A detector seen in the pixels of a frame.

    Parameters
    ----------
    name : str
        Name of its layout.
    shape : tuple of int
        Of the frame, ``(slow, fast)``.
    pixel_mm : float
        Side of the frame's pixels.
    corner_px : tuple of float
        Outer corner ``(x, y)`` of the layout in the frame's pixels.
    sensor : Sensor
        What stops the photons.
    adu_per_photon : float
        Units of the read-out per photon; 1 for counting detectors.
    pedestal, read_noise : float
        Offset and standard deviation of the read-out of a native pixel, in those units.
    light_sigma_mm : float
        Standard deviation in mm of the spread of a photon's light in a phosphor; 0 where each photon is
        counted in one pixel.
    gaps : bool
        False where the gaps are filled in.
    marked : bool
        True where the file marks insensitive pixels; else they are known to read 0.
    faults : Faults
        Its flaws.

    Notes
    -----
    A frame's pixel larger than a native one stands for the sum of the native ones in it: pedestal,
    overload and the variance of the read-out noise grow with its area. Light spreads after counting, so
    the expected image must not contain that spread.
    """

    name: str
    shape: tuple[int, int]
    pixel_mm: float
    corner_px: tuple[float, float]
    sensor: Sensor
    adu_per_photon: float = 1.0
    pedestal: float = 0.0
    read_noise: float = 0.0
    light_sigma_mm: float = 0.0
    gaps: bool = True
    marked: bool = True
    faults: Faults = field(default_factory=Faults)

    @property
    def layout(self) -> Layout:
        """What the maker publishes of it."""
        return layout(self.name)

    @property
    def placing(self) -> Placing:
        """How its native pixels map to the frame's."""
        return Placing(self.shape, self.layout.pixel_mm / self.pixel_mm, self.corner_px)

    @property
    def native_per_pixel(self) -> float:
        """Area of a frame's pixel in native pixels."""
        return float((self.pixel_mm / self.layout.pixel_mm) ** 2)

    @property
    def overload(self) -> float:
        """Reading at which a pixel of the frame is saturated."""
        return self.layout.response.overload * max(self.native_per_pixel, 1.0)

    def sensitive(self) -> BoolImage:
        """True where photons are detected at all; shape as the frame's."""
        return sensitive(self.layout, self.placing, self.gaps)

    def known(self) -> BoolImage:
        """True where a file would call pixels good, faults and saturation aside."""
        return self._known(self.sensitive())

    def record(self, expected: FloatImage, rng: np.random.Generator) -> Record:
        """Count an expected image.

        Parameters
        ----------
        expected : ndarray of float32, shape (slow, fast)
            Expected photons per pixel of the frame, as if all of it were sensitive; not changed.
        rng : numpy.random.Generator
            Source of the noise.

        Returns
        -------
        Record

        Raises
        ------
        ValueError
            If the image has another shape than the frame.
        """
        if expected.shape != self.shape:
            raise ValueError(f"the expected image has shape {expected.shape}, the frame {self.shape}")
        seen = self.sensitive()
        flaws = fault_map(self.faults, self.layout, self.placing)
        if self.layout.response.counting:
            counts = sample_poisson(_weakened(expected, seen, flaws.gain), rng)
        else:
            counts = self._integrate(_weakened(expected, seen, None), flaws.gain, rng)
            counts *= seen
        np.add.at(counts, (flaws.hot[:, 0], flaws.hot[:, 1]), flaws.hot_counts)
        known = self._known(seen)
        blind(known, counts, flaws, self.marked)
        saturated = self._saturate(counts, known)
        counts *= known
        return Record(counts, known, saturated)

    def _known(self, seen: BoolImage) -> BoolImage:
        if self.marked:
            return seen
        known = np.zeros(self.shape, dtype=bool)
        known[self.placing.window((0, 0, *self.layout.size))] = True
        return known

    def _integrate(
        self, expected: FloatImage, gain: FloatImage | None, rng: np.random.Generator
    ) -> NDArray[np.int32]:
        """Photons counted, their light spread and amplified, and read out."""
        light = spread(sample_poisson(expected, rng), self.light_sigma_mm / self.pixel_mm)
        light *= np.float32(self.adu_per_photon)
        if gain is not None:
            light *= gain
        native = self.native_per_pixel
        noise = self.read_noise * native**0.5
        excess = self.adu_per_photon * _LIGHT_VARIANCE
        return add_read_out(light, self.pedestal * native, noise, excess, rng)

    def _saturate(self, counts: NDArray[np.int32], known: BoolImage) -> BoolImage | None:
        """Cut readings at the overload; in place."""
        if counts.max(initial=0) < self.overload:
            return None
        saturated = (counts >= self.overload) & known
        np.minimum(counts, int(self.overload), out=counts)
        known &= ~saturated
        return saturated


def _weakened(expected: FloatImage, seen: BoolImage, gain: FloatImage | None) -> FloatImage:
    """Expected photons where they are seen, times the gain."""
    weakened = np.multiply(expected, seen, dtype=np.float32)
    if gain is not None:
        weakened *= gain
    return weakened

"""Which rings are drawn, and where: resolution, ice, calibrants. Knows no widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from xgeom_core.calibrants import CALIBRANTS, spacings_A
from xgeom_core.geometry import Geometry

RingKind = Literal["resolution", "ice", "calibrant", "own"]

NICE_A = (
    *(50.0, 30.0, 20.0, 15.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.5, 3.0, 2.5, 2.2, 2.0, 1.8, 1.6, 1.4, 1.3, 1.2),
    *(1.1, 1.0, 0.9, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3),
)
"""Resolutions that are worth a ring, in Å."""

_SPACING, _POINTS, _MOST_CALIBRANT = 0.13, 1440, 25
_STEEP = np.radians(80.0)
# Rings of a detector, kept while its center is dragged.
_REMEMBERED = 128


@dataclass(frozen=True, eq=False)
class Ring:
    """One ring: where a cone of scattered rays meets the detector.

    Parameters
    ----------
    kind : str
    d_A : float
        Spacing in Å.
    x, y : ndarray of float64, shape (n,)
        Native pixels along the ring; NaN where the rays never reach the detector.
    """

    kind: RingKind
    d_A: float
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @property
    def label(self) -> str:
        """The spacing in Å, in as many digits as tell neighbors apart."""
        digits = 1 if self.kind == "resolution" and round(self.d_A, 1) == round(self.d_A, 2) else 2
        return f"{self.d_A:.{digits}f} Å"


class Rings(QObject):
    """What the user wants to see.

    Signals
    -------
    changed
        Other rings are wanted.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._resolution, self._ice, self._calibrant = False, False, ""
        self._own: tuple[float, ...] = ()

    @property
    def resolution(self) -> bool:
        """Whether rings of round resolutions are wanted."""
        return self._resolution

    @property
    def ice(self) -> bool:
        """Whether the rings of hexagonal ice are wanted."""
        return self._ice

    @property
    def calibrant(self) -> str:
        """One of `xgeom_core.calibrants.CALIBRANTS`, or "" for none."""
        return self._calibrant

    @property
    def own(self) -> tuple[float, ...]:
        """The user's own spacings, in Å."""
        return self._own

    @property
    def any(self) -> bool:
        """Whether any ring is wanted."""
        return self._resolution or self._ice or bool(self._calibrant) or bool(self._own)

    def choose(
        self,
        *,
        resolution: bool | None = None,
        ice: bool | None = None,
        calibrant: str | None = None,
        own: Sequence[float] | None = None,
    ) -> None:
        """Want other rings; what is not given stays."""
        before = self.state()
        if resolution is not None:
            self._resolution = resolution
        if ice is not None:
            self._ice = ice
        if calibrant is not None:
            self._calibrant = calibrant if calibrant in CALIBRANTS else ""
        if own is not None:
            self._own = tuple(d for d in own if np.isfinite(d) and d > 0)
        if self.state() != before:
            self.changed.emit()

    def state(self) -> dict[str, Any]:
        """Everything chosen, as plain values."""
        return {
            "resolution": self._resolution,
            "ice": self._ice,
            "calibrant": self._calibrant,
            "own": list(self._own),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        own = state.get("own")
        self.choose(
            resolution=bool(state.get("resolution")),
            ice=bool(state.get("ice")),
            calibrant=str(state.get("calibrant") or ""),
            own=[float(d) for d in own if isinstance(d, (int, float))] if isinstance(own, list) else (),
        )

    def on(self, geometry: Geometry, shape: tuple[int, int]) -> tuple[Ring, ...]:
        """The rings wanted, on a detector of ``(slow, fast)`` pixels; none without a wavelength."""
        if geometry.wavelength_A is None or not self.any:
            return ()
        finest = finest_resolution_A(geometry, shape)
        wanted: list[tuple[RingKind, float]] = []
        if self._resolution:
            wanted += [("resolution", d) for d in round_resolutions(geometry, shape)]
        if self._ice:
            wanted += [("ice", d) for d in spacings_A("ice", 1.2)]
        if self._calibrant:
            lines = [d for d in spacings_A(self._calibrant, max(0.35, finest)) if d >= finest]
            wanted += [("calibrant", d) for d in lines[:_MOST_CALIBRANT]]
        wanted += [("own", d) for d in self._own]
        return tuple(
            Ring(kind, d, *ring_points(geometry, d))
            for kind, d in wanted
            if finest <= d and _exists(geometry, d)
        )


def finest_resolution_A(geometry: Geometry, shape: tuple[int, int]) -> float:
    """The smallest spacing that reaches the detector, in Å: at one of its corners."""
    height, width = shape
    corners = np.array([0.0, width, 0.0, width]), np.array([0.0, 0.0, height, height])
    return float(geometry.resolution_A(*corners).min())


def round_resolutions(geometry: Geometry, shape: tuple[int, int]) -> list[float]:
    """Round resolutions whose rings stand well apart on this detector, in Å.

    Notes
    -----
    Which of them are chosen depends on distance, wavelength and the detector's size alone: rings keep
    their values while the center moves or the tilt becomes known; only how many arrive may change.
    """
    assert geometry.wavelength_A is not None
    finest = finest_resolution_A(geometry, shape)
    half = (shape[1] * geometry.pixel_mm[0] / 2.0, shape[0] * geometry.pixel_mm[1] / 2.0)
    apart = _SPACING * np.hypot(*half) / geometry.distance_mm
    two_theta = 2.0 * np.arcsin(np.clip(geometry.wavelength_A / (2.0 * np.array(NICE_A)), 0.0, 1.0))
    # Beyond 80 degrees the tangent runs away: rings are then spaced by angle.
    radii = np.tan(np.minimum(two_theta, _STEEP)) + np.maximum(two_theta - _STEEP, 0.0)
    chosen: list[float] = []
    last = 0.0
    for d, radius in zip(NICE_A, radii, strict=True):
        if d >= finest and radius - last >= apart:
            chosen.append(d)
            last = float(radius)
    return chosen


def ring_points(geometry: Geometry, d_A: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Native pixels along the ring of a spacing: the conic in which its cone meets the detector.

    Notes
    -----
    Rays ``(sin 2θ cos φ, sin 2θ sin φ, cos 2θ)`` in the lab frame, four for each degree of φ: the
    polygon then deviates from the curve by less than 1e-5 of its radius.
    """
    x, y = _about_center(replace(geometry, center_px=(0.0, 0.0)), d_A)
    return x + geometry.center_px[0], y + geometry.center_px[1]


@lru_cache(maxsize=_REMEMBERED)
def _about_center(geometry: Geometry, d_A: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A ring about a center at the origin: it stays as it is while the center is dragged."""
    assert geometry.wavelength_A is not None
    two_theta = 2.0 * np.arcsin(geometry.wavelength_A / (2.0 * d_A))
    phi = np.linspace(0.0, 2.0 * np.pi, _POINTS + 1)
    sine, cosine = np.sin(two_theta), np.cos(two_theta)
    rays = np.stack([sine * np.cos(phi), sine * np.sin(phi), np.full(phi.shape, cosine)], axis=-1)
    return geometry.from_lab(rays)


def _exists(geometry: Geometry, d_A: float) -> bool:
    return geometry.wavelength_A is not None and geometry.wavelength_A <= 2.0 * d_A

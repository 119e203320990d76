"""Candidate: a place where the beam may be, and what speaks for it. Light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """A place where the beam may be.

    Parameters
    ----------
    center_px, center_sigma_px : tuple of float
        Native ``(x, y)`` and its standard deviation.
    tilt_deg, tilt_sigma_deg : tuple of float or None
        ``(pitch, yaw)``; None where it is not told.
    weight : float
        Its probability.
    sources : tuple of str
        What speaks for it: ``"lattice"``, ``"background"``, ``"header"``, ``"network"``, ...
    label : str
        What it is, in words, where there is a name for it.
    """

    center_px: tuple[float, float]
    center_sigma_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None
    tilt_sigma_deg: tuple[float, float] | None
    weight: float
    sources: tuple[str, ...] = ()
    label: str = ""

    def record(self) -> dict[str, Any]:
        """One JSON object; px and degrees."""
        return {
            "center_px": _rounded(self.center_px, 3),
            "center_sigma_px": _rounded(self.center_sigma_px, 3),
            "tilt_deg": _rounded(self.tilt_deg, 4),
            "tilt_sigma_deg": _rounded(self.tilt_sigma_deg, 4),
            "weight": round(self.weight, 4),
            "sources": list(self.sources),
            "label": self.label or None,
        }


def _rounded(pair: tuple[float, float] | None, digits: int) -> list[float] | None:
    return None if pair is None else [round(float(value), digits) for value in pair]

"""Prediction: everything that was said about one frame's center and tilt. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xgeom_core.estimate import Estimate, Status


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one frame, and who said what.

    Parameters
    ----------
    frame_path, dataset, index
        Which frame.
    status : {"ok", "uncertain", "failed"}
        Whether the answer can be used.
    reason : str
        Why not "ok", in words; "" if ok.
    best : Estimate or None
        The answer; None if failed.
    network, fit, header : Estimate or None
        The opinions behind it. A fit that was refused is not kept.
    warnings : tuple of str
        What the user should know besides.
    elapsed_s : float
        Seconds from frame to answer.
    """

    frame_path: str
    dataset: str
    index: int
    status: Status
    reason: str
    best: Estimate | None
    network: Estimate | None
    fit: Estimate | None
    header: Estimate | None
    warnings: tuple[str, ...]
    elapsed_s: float

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Header, network and fit: those that exist."""
        return tuple(item for item in (self.header, self.network, self.fit) if item is not None)

    def record(self) -> dict[str, Any]:
        """One JSON object: centers in native px (corner origin), tilts ``[pitch, yaw]`` in degrees."""
        best = self.best
        return {
            "file": self.frame_path,
            "dataset": self.dataset or None,
            "frame": self.index,
            "status": self.status,
            "reason": self.reason or None,
            "center_px": _rounded(best.center_px if best else None, 3),
            "center_sigma_px": _rounded(best.center_sigma_px if best else None, 3),
            "tilt_deg": _rounded(best.tilt_deg if best else None, 4),
            "tilt_sigma_deg": _rounded(best.tilt_sigma_deg if best else None, 4),
            "source": best.source if best else None,
            "network": _opinion(self.network),
            "header": None if self.header is None else {"center_px": _rounded(self.header.center_px, 3)},
            "warnings": list(self.warnings),
            "elapsed_s": round(self.elapsed_s, 3),
        }


def _opinion(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "center_px": _rounded(estimate.center_px, 3),
        "center_sigma_px": _rounded(estimate.center_sigma_px, 3),
        "tilt_deg": _rounded(estimate.tilt_deg, 4),
        "tilt_sigma_deg": _rounded(estimate.tilt_sigma_deg, 4),
    }


def _rounded(pair: tuple[float, float] | None, digits: int) -> list[float] | None:
    return None if pair is None else [round(float(value), digits) for value in pair]

"""Estimate: who says where the beam center is, and how sure they are.

A header, a network, a fit and another program all speak in Estimates; nothing downstream asks
where one came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["ok", "stated", "uncertain", "failed"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A beam center and, where known, a detector tilt.

    Parameters
    ----------
    source : str
        Who says so: ``"header"``, ``"network"``, ``"fit"``, or the name of a program.
    center_px : tuple of float
        Beam center ``(x, y)`` in native pixels, corner origin.
    tilt_deg : tuple of float or None
        ``(pitch, yaw)`` in degrees; None where the source does not know it.
    covariance : ndarray or None
        Shape (4, 4) over ``(x, y, pitch, yaw)`` in px and degrees, or (2, 2) over ``(x, y)``;
        None where the source states no uncertainty.
    status : {"ok", "stated", "uncertain", "failed"}
        Whether the source believes itself; "stated": a header's words, which the frame neither confirms nor
        contradicts.
    reason : str
        Why the status is not "ok", in a sentence.
    warnings : tuple of str
        Things to know that do not change the status.
    convention : str
        The source's own convention, where it differs or is ambiguous; "" otherwise.
    """

    source: str
    center_px: tuple[float, float]
    tilt_deg: tuple[float, float] | None = None
    covariance: NDArray[np.float64] | None = None
    status: Status = "ok"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    convention: str = ""

    def __post_init__(self) -> None:
        if self.covariance is not None:
            size = 4 if self.tilt_deg is not None else 2
            if self.covariance.shape not in {(2, 2), (size, size)}:
                raise ValueError(f"covariance of shape {self.covariance.shape} does not fit the estimate")
        if self.status != "ok" and not self.reason:
            raise ValueError("an estimate that is not ok must say why")

    @property
    def center_sigma_px(self) -> tuple[float, float] | None:
        """Standard deviation of the center along x and y in native px, if known."""
        if self.covariance is None:
            return None
        return float(np.sqrt(self.covariance[0, 0])), float(np.sqrt(self.covariance[1, 1]))

    @property
    def tilt_sigma_deg(self) -> tuple[float, float] | None:
        """Standard deviation of pitch and yaw in degrees, if known."""
        if self.covariance is None or self.covariance.shape != (4, 4) or self.tilt_deg is None:
            return None
        return float(np.sqrt(self.covariance[2, 2])), float(np.sqrt(self.covariance[3, 3]))

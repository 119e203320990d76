"""Finding: what one source says of a frame, as places where the beam may be and numbers about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Finding:
    """What one source says: the beam is at one of these places, unless the source is wrong.

    Parameters
    ----------
    source : str
        ``"network"``, ``"header"``, ``"start"``, ``"background"``, ``"lattice"``, ``"direct beam"``, ...
    mean : ndarray, shape (n, 4) or (n, 2)
        Places: ``x, y`` in native px and, where the source speaks of it, pitch and yaw in degrees.
    covariance : ndarray, shape (n, 4, 4) or (n, 2, 2)
        Of each place, as the source states it.
    log_weight : ndarray, shape (n,)
        Logarithms of the places' odds against each other, any prior left out.
    features : mapping
        Numbers that tell a right finding from a wrong one; see `xgeom_core.predict.posterior.reliability`.
    labels : tuple of str
        What each place is, such as ``"the mirrored tilt"``; empty where there is nothing to say.
    begun : ndarray, shape (4,), or None
        Where the search for the likeliest place began, for a source that may stay near its start if it is
        wrong: x, y in px, pitch, yaw in degrees.
    moved : ndarray, shape (n, 2), or None
        By how much a swing of the detector that is stated moved each place, px.
    against : float
        By how much what the frame shows makes all places less likely (logarithm).
    """

    source: str
    mean: FloatArray
    covariance: FloatArray
    log_weight: FloatArray
    features: Mapping[str, float] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    begun: FloatArray | None = None
    moved: FloatArray | None = None
    against: float = 0.0

    def __post_init__(self) -> None:
        count, size = self.mean.shape
        if size not in (2, 4) or self.covariance.shape != (count, size, size) or not count:
            raise ValueError(f"places of shape {self.mean.shape} with covariances {self.covariance.shape}")

    @property
    def knows_tilt(self) -> bool:
        """Whether it speaks of the tilt."""
        return self.mean.shape[1] == 4

    @property
    def best(self) -> int:
        """Number of the likeliest place."""
        return int(np.argmax(self.log_weight))

    @classmethod
    def of(
        cls,
        source: str,
        center_px: Point,
        tilt_deg: Point | None,
        covariance: FloatArray,
        features: Mapping[str, float] | None = None,
    ) -> Finding | None:
        """A finding of one place; None where its numbers are no numbers."""
        return cls.of_places(source, [(center_px, tilt_deg, covariance, 0.0, "")], features)

    @classmethod
    def of_places(
        cls,
        source: str,
        places: Sequence[tuple[Point, Point | None, FloatArray, float, str]],
        features: Mapping[str, float] | None = None,
        begun: FloatArray | None = None,
    ) -> Finding | None:
        """A finding of several places: center, tilt, covariance, log weight and label of each.

        Places without finite numbers or with a covariance that is none are left out; None if none is left.
        The tilt counts if all places know it.
        """
        size = 4 if all(tilt is not None and len(cov) == 4 for _, tilt, cov, _, _ in places) else 2
        kept = []
        for center, tilt, covariance, weight, label in places:
            mean = np.array([*center, *(tilt or (0.0, 0.0))][:size])
            part = np.asarray(covariance, dtype=np.float64)[:size, :size]
            if np.isfinite(mean).all() and np.isfinite(part).all() and np.linalg.eigvalsh(part).min() > 0:
                kept.append((mean, part, weight, label))
        if not kept:
            return None
        return cls(
            source,
            np.array([mean for mean, _, _, _ in kept]),
            np.array([part for _, part, _, _ in kept]),
            np.array([weight for _, _, weight, _ in kept]),
            dict(features or {}),
            tuple(label for _, _, _, label in kept),
            begun,
        )

    def record(self) -> dict[str, Any]:
        """As plain values for JSON; `from_record` reads it back."""
        return {
            "source": self.source,
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "log_weight": self.log_weight.tolist(),
            "features": dict(self.features),
            "labels": list(self.labels),
            "begun": None if self.begun is None else self.begun.tolist(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Finding:
        """Read back what `record` made."""
        mean, covariance, weight = (
            np.array(record[name], dtype=np.float64) for name in ("mean", "covariance", "log_weight")
        )
        begun = None if record["begun"] is None else np.array(record["begun"], dtype=np.float64)
        labels = tuple(record["labels"])
        return cls(record["source"], mean, covariance, weight, record["features"], labels, begun)

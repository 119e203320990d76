"""What a network sees of a frame: its input image, and where in it the network puts the beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.geometry import Pooling
from xgeom_core.predict.noise_scale import in_counts

if TYPE_CHECKING:
    from xgeom_core.models.store import Model


@dataclass(frozen=True, eq=False)
class NetworkSight:
    """The input of a network.

    Parameters
    ----------
    image : ndarray of float32, shape (slow, fast)
        Standardized logarithms of counts, as they enter the network.
    known : ndarray of bool, shape (slow, fast)
        False where the network is told nothing: gaps, masked pixels, padding.
    pooling : Pooling
        From the image's pixels to native ones.
    network : Estimate
        What the network says; its center in native px.
    """

    image: NDArray[np.float32]
    known: NDArray[np.bool_]
    pooling: Pooling
    network: Estimate

    @property
    def center(self) -> tuple[float, float]:
        """The predicted center ``(x, y)`` in pixels of the image."""
        return self.pooling.to_pooled(self.network.center_px)


def network_sight(model: Model, frame: Frame) -> NetworkSight:
    """What a model's network sees of a frame, and what it says."""
    # A window that shows what another process saw needs no networks.
    from xgeom_core.predict.network import canvas_input, network_estimate, on_canvas  # noqa: PLC0415

    settings, frame = model.card.network, in_counts(frame)
    pooled = on_canvas(frame, settings)
    seen = canvas_input(pooled, settings)
    pooling = pooled.pooling
    if seen.ndim == 3:
        image, known = seen[0], seen[1] > 0
    else:
        # The input keeps the largest value of several canvas pixels; unknown ones are exactly 0.
        image, known = seen, seen != 0
        step = pooled.counts.shape[0] // seen.shape[0]
        pooling = Pooling(pooling.factor * step, pooling.offset)
    return NetworkSight(image, known, pooling, network_estimate(model, frame))

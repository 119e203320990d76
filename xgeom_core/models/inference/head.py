"""The last layers: from features to the eight outputs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from xgeom_core.models.design import ANSWERED, LOG_SCALE_RANGE, OUTPUTS, USUAL_LOG_SCALE
from xgeom_core.models.inference.layers import FloatArray32, rectified
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import NetworkSettings


class HeadInference:
    """Fully connected layers from features to outputs; see `xgeom_core.models.layers.Head`.

    Parameters
    ----------
    features : int
        Number of features, flattened.
    settings : NetworkSettings
    weights : Weights
    name : str
        Of the layers, with a dot at its end.
    """

    def __init__(self, features: int, settings: NetworkSettings, weights: Weights, name: str) -> None:
        self._wanted = ANSWERED[settings.predicts]
        self._uncertain = settings.uncertainty == "predicted"
        self._distance = settings.distance_input == "yes"
        count = len(self._wanted) * (2 if self._uncertain else 1)
        widths = [features + 2 * self._distance, settings.first_activations, settings.activations, count]
        widths = [width for width in widths if width]
        # Every other layer is a rectifier.
        self._layers = [
            weights.linear(f"{name}{2 * number}", before, after)
            for number, (before, after) in enumerate(pairwise(widths))
        ]

    def __call__(self, features_BF: FloatArray32, distance_B2: FloatArray32 | None) -> FloatArray32:
        """Map (B, F) to (B, 8)."""
        if self._distance:
            known = np.zeros((len(features_BF), 2), np.float32) if distance_B2 is None else distance_B2
            features_BF = np.concatenate([features_BF, known], axis=1)
        for layer in self._layers[:-1]:
            features_BF = rectified(layer(features_BF))
        said = self._layers[-1](features_BF)
        wanted = list(self._wanted)
        full = np.zeros((len(said), OUTPUTS), np.float32)
        full[:, 4:] = USUAL_LOG_SCALE
        full[:, wanted] = said[:, : len(wanted)]
        if self._uncertain:
            full[:, [4 + i for i in wanted]] = said[:, len(wanted) :].clip(*LOG_SCALE_RANGE)
        return full

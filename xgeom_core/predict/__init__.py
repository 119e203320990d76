"""Prediction of center and tilt: network, radial fit, and the Predictor that weighs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xgeom_core.predict.prediction import Prediction

if TYPE_CHECKING:
    from xgeom_core.predict.predictor import Predictor

__all__ = ["Prediction", "Predictor"]


def __getattr__(name: str) -> Any:
    # The Predictor needs torch, which takes seconds to import; a Prediction does not.
    if name == "Predictor":
        from xgeom_core.predict.predictor import Predictor  # noqa: PLC0415

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

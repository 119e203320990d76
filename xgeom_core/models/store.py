"""Model files: safetensors weights with the card inside. Opening one runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from xgeom_core.errors import ModelError, XgeomError
from xgeom_core.models.inference import Network, network_of
from xgeom_core.models.settings import CARD_VERSION, ModelCard
from xgeom_core.resources import resource
from xgeom_core.system.safe_files import require_regular, write_bytes

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready for use and its card."""

    network: Network
    card: ModelCard


def save_model(path: Path, weights: Mapping[str, Tensor], card: ModelCard) -> None:
    """Write a model file atomically: the old file stays whole until the new one is."""
    tensors = {name: np.ascontiguousarray(tensor.detach().cpu().numpy()) for name, tensor in weights.items()}
    # safetensors' own writer hides the reason when a disk is full, and writes for the owner alone.
    write_bytes(path, save(tensors, metadata={"card": card.model_dump_json()}))


def find_model(name: str) -> Path:
    """Path of a model given as a file or as the name of a bundled one.

    Raises
    ------
    ModelError
        If there is neither.
    """
    path = Path(name)
    if path.exists():
        return path
    try:
        return resource(f"models/{name}.safetensors")
    except XgeomError:
        raise ModelError(
            f"There is no model {name!r}: neither a file of that path nor a bundled model of that name."
        ) from None


def read_card(path: Path) -> ModelCard:
    """The card of a model file, without its weights.

    Raises
    ------
    ModelError
        If the file is not a model of a version that this program knows.
    """
    require_regular(path, ModelError, "a .safetensors file written by xgeom")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is not a readable model: expected a .safetensors file written by xgeom ({error})."
        ) from None
    if "card" not in metadata:
        raise ModelError(
            f"{path} is a safetensors file, but not a model of xgeom: it has no card. "
            "Use a file written by 'xgeom train'."
        )
    try:
        card = json.loads(metadata["card"])
        if not isinstance(card, dict) or card.get("card_version") != CARD_VERSION:
            raise ModelError(
                f"{path} has a card of another version than this xgeom reads ({CARD_VERSION}); "
                "use the xgeom that trained it, or train again."
            )
        return ModelCard.model_validate(card)
    except (json.JSONDecodeError, ValidationError):
        raise ModelError(f"{path} has a damaged model card; train or copy the model again.") from None


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The weights of a model file, by their names.

    Raises
    ------
    ModelError
        If they cannot be read.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, TypeError):
        raise unfit(path) from None


def unfit(path: Path) -> ModelError:
    """What is said of weights that are not those that the card tells of."""
    return ModelError(
        f"The weights in {path} do not fit its card; the file is damaged. Copy or train it again."
    )


def load_model(name: str) -> Model:
    """Open a model by file path or bundled name.

    Raises
    ------
    ModelError
        If it cannot be found or read, or its weights do not fit its card.
    """
    path = find_model(name)
    card = read_card(path)
    try:
        return Model(network_of(card.network, read_weights(path)), card)
    except ValueError:
        raise unfit(path) from None

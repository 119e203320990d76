"""Model files: safetensors weights with the card inside. Opening one runs no code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from xgeom_core.errors import ModelError, XgeomError
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import CARD_VERSION, ModelCard
from xgeom_core.resources import resource
from xgeom_core.system.safe_files import require_regular, write_bytes


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready for use (evaluation mode, CPU) and its card."""

    network: nn.Module
    card: ModelCard


def save_model(path: Path, weights: dict[str, Tensor], card: ModelCard) -> None:
    """Write a model file atomically: the old file stays whole until the new one is."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
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


def load_model(name: str) -> Model:
    """Open a model by file path or bundled name.

    Raises
    ------
    ModelError
        If it cannot be found or read, or its weights do not fit its card.
    """
    path = find_model(name)
    card = read_card(path)
    network = build_network(card.network)
    try:
        with safe_open(path, framework="pt") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        network.load_state_dict(weights)
    except (SafetensorError, OSError, RuntimeError):
        raise ModelError(
            f"The weights in {path} do not fit its card; the file is damaged. Copy or train it again."
        ) from None
    return Model(network.eval(), card)


def weights_that_fit(name: str, network: nn.Module) -> int:
    """Begin with the weights of another model, where names and shapes agree.

    A plain network's weights also begin stage 1 of a two-stage network.

    Parameters
    ----------
    name : str
        Model file or bundled model.
    network : nn.Module
        Changed in place.

    Returns
    -------
    int
        Number of tensors taken over.

    Raises
    ------
    ModelError
        If the model cannot be opened or nothing in it fits.
    """
    given = load_model(name).network.state_dict()
    own = network.state_dict()
    taken = 0
    for key, tensor in given.items():
        for place in (key, f"finder.{key}"):
            if place in own and own[place].shape == tensor.shape:
                own[place].copy_(tensor)
                taken += 1
    if not taken:
        raise ModelError(f"No weights of the model {name!r} fit this network; train it from scratch.")
    return taken

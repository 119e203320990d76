"""Model files as networks of torch: to go on training from, and to hold other forms of them to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from xgeom_core.errors import ModelError
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import ModelCard
from xgeom_core.models.store import find_model, read_card, read_weights, unfit


@dataclass(frozen=True, eq=False)
class TorchModel:
    """A network of torch ready for use (evaluation mode, CPU) and its card."""

    network: nn.Module
    card: ModelCard


def load_torch_model(name: str) -> TorchModel:
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
        network.load_state_dict({key: torch.from_numpy(array) for key, array in read_weights(path).items()})
    except (RuntimeError, TypeError):
        raise unfit(path) from None
    return TorchModel(network.eval(), card)


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
    given = load_torch_model(name).network.state_dict()
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

"""A vision transformer (Dosovitskiy et al., arXiv:2010.11929): the poster's future work.

Shapes: B batch, T patches, E embedding, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xgeom_core.models.design import PATCH_NUMBERS
from xgeom_core.models.layers import Coordinates, Head
from xgeom_core.models.settings import NetworkSettings


class VisionTransformer(nn.Module):
    """Patches that attend to each other, then fully connected layers over all of them.

    Parameters
    ----------
    settings : NetworkSettings
        `settings.vit` holds patch size, embedding, depth and attention heads; `width` plays no part.

    Notes
    -----
    No class token: where a patch is carries the answer, so every patch reaches the head.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        vit = settings.vit
        count = (settings.input_px // vit.patch_px) ** 2
        self.coordinates = Coordinates(settings.coordinates == "yes")
        self.patches = nn.Conv2d(self.coordinates.channels, vit.embedding, vit.patch_px, vit.patch_px)
        self.places = nn.Parameter(0.02 * torch.randn(1, count, vit.embedding))
        layer = nn.TransformerEncoderLayer(
            vit.embedding,
            vit.attention_heads,
            4 * vit.embedding,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, vit.depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(vit.embedding)
        self.narrow = nn.Linear(vit.embedding, PATCH_NUMBERS)
        self.head = Head(PATCH_NUMBERS * count, settings)

    def forward(self, x_B1HW: Tensor, distance_B2: Tensor | None = None) -> Tensor:
        """Map standardized frames (B, 1, H, W) to outputs (B, 8)."""
        tokens_BTE = self.patches(self.coordinates(x_B1HW)).flatten(2).transpose(1, 2)
        tokens_BTE = self.norm(self.layers(tokens_BTE + self.places))
        out: Tensor = self.head(torch.relu(self.narrow(tokens_BTE)).flatten(1), distance_B2)
        return out

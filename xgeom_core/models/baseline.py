"""The poster's baseline: four convolutions, two poolings after the first two, fully connected layers.

Shapes: B batch, C channels, H x W pixels.
"""

from __future__ import annotations

from torch import Tensor, nn

from xgeom_core.models.design import BASELINE_MAP
from xgeom_core.models.layers import Coordinates, Head
from xgeom_core.models.settings import NetworkSettings


class Baseline(nn.Module):
    """Simple convolutional network without normalization or residuals.

    Parameters
    ----------
    settings : NetworkSettings
        `width` channels in the first two convolutions, twice as many in the last two.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.coordinates = Coordinates(settings.coordinates == "yes")
        self.convolutions = nn.Sequential(
            nn.Conv2d(self.coordinates.channels, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.ReLU(),
        )
        # Strides of whole pixels: adaptive pooling has no kernel on every device.
        side = settings.input_px // 4
        self.cut = nn.AvgPool2d(-(-side // BASELINE_MAP), ceil_mode=True)
        step = -(-side // BASELINE_MAP)
        self.head = Head(2 * width * (-(-side // step)) ** 2, settings)

    def forward(self, x_B1HW: Tensor, distance_B2: Tensor | None = None) -> Tensor:
        """Map standardized frames (B, 1, H, W) to outputs (B, 8)."""
        features = self.cut(self.convolutions(self.coordinates(x_B1HW)))
        out: Tensor = self.head(features.flatten(1), distance_B2)
        return out

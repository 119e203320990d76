"""ResNet-18 for diffraction frames: one input channel, position kept up to the head.

Shapes: B batch, C channels, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xgeom_core.models.settings import NetworkSettings

# center x, center y, pitch, yaw and the logarithm of the scale of each one's error.
OUTPUTS = 8
_HEAD_CHANNELS = 64
_LOG_SCALE_RANGE = (-7.0, 2.0)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to their input (He et al., arXiv:1512.03385).

    Parameters
    ----------
    channels_in, channels_out : int
        Channels before and after.
    stride : int
        Stride of the first convolution; where the shape changes, a 1x1 convolution carries the
        input across.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, 1, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels_out)
        self.carry: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.carry = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H / stride, W / stride)."""
        y_BCHW = torch.relu(self.first_norm(self.first(x_BCHW)))
        y_BCHW = self.second_norm(self.second(y_BCHW))
        return torch.relu(y_BCHW + self.carry(x_BCHW))


class ResNet18(nn.Module):
    """Eight residual blocks and a head that still knows where things are.

    Parameters
    ----------
    settings : NetworkSettings
        Width, input size, activations.

    Notes
    -----
    The usual global average pooling throws position away, which is the very thing asked for; here
    a 1x1 convolution narrows the last feature map and a fully connected layer sees all of it.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
        )
        blocks: list[nn.Module] = []
        channels = width
        for stage in range(4):
            for number in range(2):
                stride = 2 if stage > 0 and number == 0 else 1
                blocks.append(ResidualBlock(channels, width * 2**stage, stride))
                channels = width * 2**stage
        self.blocks = nn.Sequential(*blocks)
        side = -(-settings.input_px // 32)
        self.narrow = nn.Conv2d(channels, _HEAD_CHANNELS, 1)
        self.head = nn.Sequential(
            nn.Linear(_HEAD_CHANNELS * side * side, settings.activations),
            nn.ReLU(),
            nn.Linear(settings.activations, OUTPUTS),
        )

    def forward(self, x_B1HW: Tensor) -> Tensor:
        """Map standardized frames (B, 1, H, W) to outputs (B, 8).

        The outputs are center x and y and pitch and yaw in the units of the model card, then the
        logarithm of the Laplace scale of each.
        """
        features = torch.relu(self.narrow(self.blocks(self.stem(x_B1HW))))
        out = self.head(features.flatten(1))
        return torch.cat([out[:, :4], out[:, 4:].clamp(*_LOG_SCALE_RANGE)], dim=1)


def build_network(settings: NetworkSettings) -> nn.Module:
    """A network with fresh weights, drawn from torch's global generator."""
    network = ResNet18(settings)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

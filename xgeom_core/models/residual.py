"""Residual networks for diffraction frames: one input channel, position kept up to the head.

Shapes: B batch, C channels, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xgeom_core.models.design import BOTTLENECK_EXPANSION, HEAD_CHANNELS, STAGES
from xgeom_core.models.layers import BatchNorm, Coordinates, Head, narrowed
from xgeom_core.models.settings import NetworkSettings


class Sparse1x1(nn.Conv2d):
    """A 1x1 convolution of every stride-th pixel.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels before and after.
    stride : int
        Of the pixels that are kept.

    Notes
    -----
    The same as a convolution with a stride, with the same weights. But oneDNN (3.12, on processors with AVX2
    and no AVX-512) writes beyond its memory when it learns one that has few input channels, and the process
    dies; it never sees a stride here.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, 1, bias=False)
        self._every = stride

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H / stride, W / stride)."""
        return super().forward(x_BCHW[:, :, :: self._every, :: self._every])


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
        self.first_norm = BatchNorm(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, 1, padding=1, bias=False)
        self.second_norm = BatchNorm(channels_out)
        self.carry = _carry(channels_in, channels_out, stride)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H / stride, W / stride)."""
        y_BCHW = torch.relu(self.first_norm(self.first(x_BCHW)))
        y_BCHW = self.second_norm(self.second(y_BCHW))
        return torch.relu(y_BCHW + self.carry(x_BCHW))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 ones, a quarter as wide, added to the input.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels before and after.
    stride : int
        Stride of the 3x3 convolution.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        inner = channels_out // BOTTLENECK_EXPANSION
        self.first = nn.Conv2d(channels_in, inner, 1, bias=False)
        self.first_norm = BatchNorm(inner)
        self.second = nn.Conv2d(inner, inner, 3, stride, padding=1, bias=False)
        self.second_norm = BatchNorm(inner)
        self.third = nn.Conv2d(inner, channels_out, 1, bias=False)
        self.third_norm = BatchNorm(channels_out)
        self.carry = _carry(channels_in, channels_out, stride)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H / stride, W / stride)."""
        y_BCHW = torch.relu(self.first_norm(self.first(x_BCHW)))
        y_BCHW = torch.relu(self.second_norm(self.second(y_BCHW)))
        y_BCHW = self.third_norm(self.third(y_BCHW))
        return torch.relu(y_BCHW + self.carry(x_BCHW))


class ResNet(nn.Module):
    """Four stages of residual blocks and a head that still knows where things are.

    Parameters
    ----------
    settings : NetworkSettings
        Architecture (depth), width, input size, activations.
    detail_channels : int
        Channels of a second input that is added after the first convolution; 0 for none. It begins at
        zero, so that weights learned without it go on where they were.

    Notes
    -----
    The usual global average pooling throws position away, which is the very thing asked for; here
    a 1x1 convolution narrows the last feature map and a fully connected layer sees all of it.
    """

    def __init__(self, settings: NetworkSettings, detail_channels: int = 0) -> None:
        super().__init__()
        width = settings.width
        counts, bottleneck = STAGES[settings.architecture]
        self.coordinates = Coordinates(settings.coordinates == "yes")
        self.stem = nn.Sequential(
            nn.Conv2d(self.coordinates.channels, width, 7, 2, padding=3, bias=False),
            BatchNorm(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
        )
        self.detail: nn.Conv2d | None = None
        if detail_channels:
            self.detail = nn.Conv2d(detail_channels, width, 7, 2, padding=3, bias=False)
            nn.init.zeros_(self.detail.weight)
        blocks: list[nn.Module] = []
        channels = width
        for stage, count in enumerate(counts):
            wide = width * 2**stage * (BOTTLENECK_EXPANSION if bottleneck else 1)
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                make = Bottleneck if bottleneck else ResidualBlock
                blocks.append(make(channels, wide, stride))
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        side = -(-settings.input_px // 32)
        self.narrow = nn.Conv2d(channels, HEAD_CHANNELS, 1)
        self.head = Head(HEAD_CHANNELS * side * side, settings)

    def forward(
        self, x_B1HW: Tensor, distance_B2: Tensor | None = None, detail_BDHW: Tensor | None = None
    ) -> Tensor:
        """Map standardized frames (B, 1, H, W), and what their pixels were made of, to outputs (B, 8).

        The outputs are center x and y and pitch and yaw in the units of the model card, then the
        logarithm of the Laplace scale of each.
        """
        first: Tensor = self.stem[0](self.coordinates(x_B1HW))
        if self.detail is not None and detail_BDHW is not None:
            first = first + self.detail(detail_BDHW)
        features = self.blocks(self.stem[1:](first))
        return self.head(narrowed(features, self.narrow), distance_B2)


def _carry(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(Sparse1x1(channels_in, channels_out, stride), BatchNorm(channels_out))

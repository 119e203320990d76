"""Numbers of the architectures that torch and the inference without it share."""

from __future__ import annotations

# center x, center y, pitch, yaw and the logarithm of the scale of each one's error.
OUTPUTS = 8
# Which of the first four a network answers, by what it predicts.
ANSWERED = {"both": (0, 1, 2, 3), "center": (0, 1), "tilt": (2, 3)}
LOG_SCALE_RANGE = (-7.0, 2.0)
# The scale that a network which predicts none of its own is taken to have: 5% of the side, 1.5 deg.
USUAL_LOG_SCALE = (-3.0, -3.0, -0.7, -0.7)

# Blocks per stage of residual networks, and whether they are bottlenecks. The poster does not say how its
# 64-layer network was laid out: here 31 blocks of two convolutions, a stem and the outputs, deepest at the
# third stage as in the 34-layer network.
STAGES: dict[str, tuple[tuple[int, int, int, int], bool]] = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet64": ((5, 8, 13, 5), False),
}
BOTTLENECK_EXPANSION = 4
HEAD_CHANNELS = 64

# Side of the feature map that the baseline's fully connected layer sees. The poster leaves open how its
# full-size maps were cut down; without any cut that layer would hold a billion weights.
BASELINE_MAP = 8
# Numbers that the transformer keeps of each patch.
PATCH_NUMBERS = 16

# Of the architecture "polar".
MAPS = 5
# Sampled points per bin of radius and of azimuth, so that hardly a pixel is passed over.
FINE_RADII, FINE_AZIMUTHS = 2, 4
# A wave of 1% of a frame's contrast must be visible, a spot must not blind.
GAIN = 10.0
# Units of the refinement's outputs: shift in sides, curvature (sine of the tilt over the distance
# in sides) in 1/side; chosen so that usual values are about 1.
SHIFT_UNIT = 0.02
CURVATURE_UNIT = 0.05
# A typical logarithm of distance over side, where the distance is not known.
USUAL_LOG_DISTANCE = -0.4
LOG_DISTANCE_RANGE = (-2.5, 2.0)
FAR_BELOW = 100.0
# Standardized values beyond are cut off.
RANGE = (-8.0, 8.0)

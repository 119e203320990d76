"""The two-stage design: what its geometry says is what `Geometry` says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.geometry import Geometry, detector_axes
from xgeom_core.models.inputs import canvas_image, network_input
from xgeom_core.models.layers import OUTPUTS
from xgeom_core.models.polar import beam_of_tilt, pooled, tilt_of_beam
from xgeom_core.models.polar_layers import PolarMap, Start, VectorHead
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import TILT_UNIT_DEG, NetworkSettings

SIDE = 128
SMALL = NetworkSettings(
    architecture="polar",
    width=4,
    input_px=64,
    supersampling=2,
    activations=8,
    polar={"radii": 16, "azimuths": 16, "width": 4, "blocks": 1, "hidden": 8},
)


def rings(geometry: Geometry) -> torch.Tensor:
    """A smooth function of two-theta, as a batch of one."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    values = np.sin(20.0 * np.tan(geometry.two_theta(x, y)))
    return torch.from_numpy(np.stack([values, np.ones_like(values)]))[None].float()


def start(geometry: Geometry, tilted: bool) -> Start:
    center = torch.tensor([geometry.center_px]) / SIDE - 0.5
    tilt = torch.tensor([[geometry.pitch_deg, geometry.yaw_deg]]) / TILT_UNIT_DEG
    curvature = beam_of_tilt(tilt) * SIDE * geometry.pixel_mm[0] / geometry.distance_mm
    return Start(center.float(), (curvature * tilted).float(), torch.zeros(1, 2))


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_rings_of_a_tilted_detector_are_straight_on_the_right_map(pitch: float, yaw: float) -> None:
    geometry = Geometry((70.0, 60.0), 150.0, (1.0, 1.0), None, pitch, yaw)
    lay = PolarMap(32, 32, 0.05, 0.4)
    right = lay(rings(geometry), start(geometry, True))[0, 0]
    assert right.abs().max() < 0.25
    if max(abs(pitch), abs(yaw)) > 0.5:
        wrong = lay(rings(geometry), start(geometry, False))[0, 0]
        assert wrong.abs().mean() > 3 * right.abs().mean()


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_tilts_and_beams_are_those_of_the_geometry(pitch: float, yaw: float) -> None:
    tilt = torch.tensor([[pitch, yaw]], dtype=torch.float64) / TILT_UNIT_DEG
    fast, slow, _ = detector_axes(pitch, yaw)
    assert beam_of_tilt(tilt)[0].tolist() == pytest.approx([fast[2], slow[2]], abs=1e-9)
    assert tilt_of_beam(beam_of_tilt(tilt))[0].tolist() == pytest.approx(tilt[0].tolist(), abs=1e-9)


def test_single_pixels_are_seen_once_they_are_learned_and_change_nothing_before() -> None:
    fine = SMALL.model_copy(update={"polar": SMALL.polar.model_copy(update={"fine": "yes"})})
    torch.manual_seed(0)
    plain, finer = build_network(SMALL).eval(), build_network(fine).eval()
    finer.load_state_dict(plain.state_dict(), strict=False)
    frame = torch.zeros(1, 2, SIDE, SIDE)
    frame[:, 1] = 1.0
    frame[0, 0, 40, 60] = 5.0
    # The neighbor belongs to the same pooled pixel, whose maximum does not know which one it was.
    moved = frame.clone()
    moved[0, 0, 40, 60], moved[0, 0, 41, 61] = 0.0, 5.0
    assert torch.equal(plain.find(frame), finer.find(frame))
    assert torch.equal(finer.find(frame), finer.find(moved))
    torch.nn.init.normal_(finer.finder.detail.weight, std=0.1)
    assert not torch.allclose(finer.find(frame), finer.find(moved))


def test_the_answer_turns_with_the_map() -> None:
    torch.manual_seed(0)
    head = VectorHead(6, 4, 8, 4, 8, side_inputs=2)
    features, side = torch.randn(3, 6, 4, 8), torch.zeros(3, 2)
    vectors, scalars = head(features, side)
    turned, same = head(features.roll(2, dims=-1), side)
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert torch.allclose(turned, vectors @ quarter.T, atol=1e-5)
    assert torch.allclose(same, scalars, atol=1e-5)


def test_stage_one_sees_what_plain_networks_see() -> None:
    rng = np.random.default_rng(3)
    counts = rng.gamma(2.0, 5.0, (SIDE, SIDE)).astype(np.float32)
    known = np.ones((SIDE, SIDE), bool)
    known[:, 40:44] = known[80] = False
    whole = torch.from_numpy(canvas_image(counts, known))[None]
    plain = network_input(counts, known, 2)
    mine = pooled(whole, 2)[0, 0].numpy()
    assert np.array_equal(mine == 0, plain == 0)
    assert np.corrcoef(mine.ravel(), plain.ravel())[0, 1] > 0.999


def test_outputs_have_their_shape_with_and_without_the_distance() -> None:
    network = build_network(SMALL).eval()
    images = torch.rand(2, 2, SIDE, SIDE)
    told = torch.tensor([[0.5, 1.0], [0.0, 0.0]])
    with torch.inference_mode():
        assert network(images, told).shape == network(images).shape == (2, OUTPUTS)


def test_nothing_known_is_no_trouble() -> None:
    network = build_network(SMALL).eval()
    with torch.inference_mode():
        assert torch.isfinite(network(torch.zeros(1, 2, SIDE, SIDE))).all()


def test_a_tilt_in_degrees_follows_the_distance() -> None:
    """The same picture from twice as far means twice the tilt, as long as it is small."""
    torch.manual_seed(2)
    network = build_network(SMALL).eval()
    curvature = torch.tensor([[0.01, -0.02]])
    near, far = (tilt_of_beam(curvature * math.exp(log_distance)) for log_distance in (0.0, math.log(2.0)))
    assert (far / near)[0].tolist() == pytest.approx([2.0, 2.0], rel=1e-2)
    assert network.find(torch.rand(1, 2, SIDE, SIDE)).shape == (1, OUTPUTS)


@pytest.mark.parametrize("step", [0, 1])
def test_both_stages_learn(step: int) -> None:
    torch.manual_seed(1)
    network = build_network(SMALL).train()
    truths = torch.tensor([[0.01, -0.02, 0.3, -0.1], [0.0, 0.03, -0.5, 0.2]])
    found, outputs, seen = network.learn(
        torch.rand(2, 2, SIDE, SIDE), torch.zeros(2, 2), truths, torch.rand(2, 3), step
    )
    (found.sum() + outputs.sum() + seen.sum()).backward()
    dead = [
        name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()
    ]
    assert not dead


def test_refinement_forgives_a_stage_one_that_is_lost() -> None:
    """While stage 1 knows nothing, stage 2 learns from starts near the truth."""
    torch.manual_seed(1)
    network = build_network(SMALL).train()
    truths = torch.tensor([[0.4, -0.4, 0.0, 0.0]]).repeat(4, 1)
    outputs = network.learn(torch.rand(4, 2, SIDE, SIDE), torch.zeros(4, 2), truths, torch.rand(4, 3), 0)[1]
    assert (outputs[:, :2] - truths[:, :2]).norm(dim=1).max() < 0.15

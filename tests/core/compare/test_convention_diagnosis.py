"""The convention detective: planted confusions found, honest differences left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgeom_core.compare.convention_diagnosis import Claim, explain, explain_frames
from xgeom_core.geometry import SYMMETRIES, Geometry

SIZES = ((2463, 2527), (1475, 1679), (981, 1043), (4148, 4362), (487, 619))
PIXELS = (0.172, 0.075, 0.1353)
PLANTED = HONEST = 200


def random_truth(rng: np.random.Generator, tilt_deg: float = 3.0) -> tuple[Claim, tuple[int, int]]:
    """A source that is right, and the size of its image."""
    size = SIZES[rng.integers(len(SIZES))]
    pixel = PIXELS[rng.integers(len(PIXELS))]
    center = np.round(np.array(size) * rng.uniform(0.35, 0.65, 2), 2)
    tilt = rng.uniform(-tilt_deg, tilt_deg, 2)
    claim = Claim(
        "DIALS",
        (float(center[0]), float(center[1])),
        tilt_deg=(float(tilt[0]), float(tilt[1])),
        distance_mm=float(rng.uniform(80, 500)),
        pixel_mm=(pixel, pixel),
    )
    return claim, size


def plant(
    kind: str, right: Claim, size: tuple[int, int], rng: np.random.Generator
) -> tuple[Claim, Claim, float]:
    """The wrong claim, the right one (perhaps swung), and how much honest noise the cause bears."""
    x, y = right.center_px
    assert right.pixel_mm is not None
    px = right.pixel_mm[0]
    wrong = replace(right, source="header", tilt_deg=None, distance_mm=None, pixel_mm=None)
    sign = rng.choice([-1, 1], 2)
    if kind in {"half pixel", "one pixel"}:
        step = 0.5 if kind == "half pixel" else 1.0
        axes = [(1, 1), (1, 0), (0, 1)][rng.integers(3)]
        return (
            replace(wrong, center_px=(x + step * sign[0] * axes[0], y + step * sign[1] * axes[1])),
            right,
            0,
        )
    if kind in {"foot of the normal", "swung detector ignored"}:
        if kind.startswith("swung"):
            right = replace(right, tilt_deg=(right.tilt_deg[0] / 10, float(rng.uniform(8, 40) * sign[0])))
        else:
            right = replace(right, tilt_deg=(float(rng.uniform(0.5, 4) * sign[0]), right.tilt_deg[1]))
        return replace(wrong, center_px=right.foot_px()), right, 0
    symmetries = dict(
        zip(
            ("swapped axes", "flip x", "flip y", "flip x and y"),
            (SYMMETRIES[4], SYMMETRIES[2], SYMMETRIES[1], SYMMETRIES[3]),
            strict=True,
        )
    )
    if kind in symmetries:
        return replace(wrong, center_px=symmetries[kind].center((x, y), (size[1], size[0]))), right, 0.7
    center = {
        "mm taken for px": (x * px, y * px),
        "mm taken for px, swapped axes": (y * px, x * px),
        "px taken for mm": (x / px, y / px),
    }[kind]
    return replace(wrong, center_px=center), right, 0


KINDS = (
    *("half pixel", "one pixel", "swapped axes", "flip x", "flip y", "flip x and y"),
    *("mm taken for px", "mm taken for px, swapped axes", "px taken for mm"),
    *("foot of the normal", "swung detector ignored"),
)


def test_every_planted_confusion_is_found() -> None:
    rng = np.random.default_rng(20)
    missed, crowded = [], 0
    for number in range(PLANTED):
        kind = KINDS[number % len(KINDS)]
        right, size = random_truth(rng)
        if kind.startswith(("flip", "swapped")):
            # Near the middle of a square image nothing changes when it is flipped.
            right = replace(right, center_px=(round(size[0] * 0.42, 2), round(size[1] * 0.545, 2)))
        wrong, right, noise = plant(kind, right, size, rng)
        shift = rng.normal(0, noise, 2)
        wrong = replace(wrong, center_px=(wrong.center_px[0] + shift[0], wrong.center_px[1] + shift[1]))
        found = [finding.cause for finding in explain(wrong, right, size)]
        crowded += len(found) > 2
        if kind not in found:
            missed.append((number, kind, found, wrong, right, size))
    assert not missed
    assert crowded <= PLANTED // 50, "a detective who accuses everybody is of no use"


def test_honest_differences_are_left_alone() -> None:
    rng = np.random.default_rng(21)
    for number in range(HONEST):
        right, size = random_truth(rng)
        if number % 4 == 0:
            # Two measurements that state what they know.
            sigma = float(rng.uniform(0.05, 2))
            left = replace(right, source="fit", sigma_px=(sigma, sigma))
            noise = rng.normal(0, sigma, 2)
        elif number % 4 == 1:
            # A header from before the beam line was last touched.
            left = replace(right, source="header", tilt_deg=None)
            noise = rng.normal(0, rng.uniform(1, 15), 2)
        elif number % 4 == 2:
            # Two programs after refinement; neither says how sure it is.
            left = replace(right, source="XDS")
            noise = rng.normal(0, rng.uniform(0.05, 1.0), 2)
        else:
            # A rounded header.
            left = replace(right, source="header", center_px=tuple(np.round(right.center_px)), tilt_deg=None)
            noise = np.round(rng.normal(0, 1, 2))
        left = replace(left, center_px=(left.center_px[0] + noise[0], left.center_px[1] + noise[1]))
        found = explain(left, right, size)
        assert not found, (number, left, right, size, [finding.sentence for finding in found])


def test_the_same_question_gets_the_same_answer() -> None:
    rng = np.random.default_rng(22)
    right, size = random_truth(rng)
    wrong = replace(right, source="header", center_px=(right.center_px[1], right.center_px[0]))
    answers = {explain(wrong, right, size) for _ in range(5)}
    assert len(answers) == 1
    assert answers.pop()[0].cause == "swapped axes"


def test_two_causes_that_explain_equally_well_are_both_named() -> None:
    # Half a pixel from the middle of the image: flipped or one pixel off, who can tell?
    right = Claim("DIALS", (1000.52, 999.502), pixel_mm=(0.1, 0.1))
    wrong = Claim("header", (1000.52, 1000.498))
    causes = {finding.cause for finding in explain(wrong, right, (2001, 2000))}
    assert {"one pixel", "flip y"} <= causes
    swap = Claim("XDS", (1000.0, 1000.5))
    causes = {finding.cause for finding in explain(swap, Claim("DIALS", (1000.5, 1000.0)))}
    assert causes == {"half pixel", "swapped axes"}


def test_a_flip_counted_in_pixel_numbers_is_one_pixel_further() -> None:
    right = Claim("DIALS", (700.25, 866.0))
    (finding,) = explain(Claim("header", (1475 - 1 - 700.25, 866.0)), right, (1475, 1679))
    assert finding.cause == "flip x"
    assert "1 px off besides" in finding.sentence


def test_half_a_pixel_needs_a_source_that_knows_it_that_well() -> None:
    right = Claim("DIALS", (1261.56, 1307.32))
    vague = Claim("network", (1262.06, 1307.82), sigma_px=(0.3, 0.3))
    sure = replace(vague, sigma_px=(0.05, 0.05))
    assert explain(vague, right) == ()
    assert [finding.cause for finding in explain(sure, right)] == ["half pixel"]


def test_many_noisy_frames_show_what_one_cannot() -> None:
    rng = np.random.default_rng(23)
    centers = rng.uniform(990, 1010, (400, 2))
    pairs = [
        (
            Claim("fit", tuple(c + 0.5 + rng.normal(0, 0.3, 2)), sigma_px=(0.3, 0.3)),
            Claim("CrystFEL", tuple(c), pixel_mm=(0.1, 0.1)),
        )
        for c in centers
    ]
    assert all(explain(a, b) == () for a, b in pairs)
    assert [finding.cause for finding in explain_frames(pairs)] == ["half pixel"]
    honest = [(replace(a, center_px=(a.center_px[0] - 0.25, a.center_px[1])), b) for a, b in pairs]
    assert explain_frames(honest) == ()


@given(
    st.floats(300, 1700),
    st.floats(300, 1700),
    st.floats(-30, 30),
    st.floats(-30, 30),
    st.floats(0, 3),
)
def test_equal_claims_never_raise_a_finding(x: float, y: float, pitch: float, yaw: float, s: float) -> None:
    claim = Claim("a", (x, y), (s, s), (pitch, yaw), None, 200.0, (0.1, 0.1))
    assert explain(claim, replace(claim, source="b"), (2000, 2000)) == ()


def test_the_swung_detector_of_the_reference_frames(frames_dir) -> None:
    """Sweeps 1-3 are swung by 29.61 degrees; the header of the unswung sweep speaks for the others too."""
    geometry = Geometry((191.768, 866.096), 185.798, (0.172, 0.172), 0.6889, 0.0555, 29.609)
    refined = Claim("DIALS", geometry.center_px, None, (0.0555, 29.609), None, 185.798, (0.172, 0.172))
    header = Claim("header", (730.0, 865.0), pixel_mm=(0.172, 0.172))
    found = explain(header, refined, (1475, 1679))
    assert found[0].cause == "swung detector ignored"
    assert "swung" in found[0].sentence
    assert not found[0].exact
    straight = Claim("DIALS", (729.006, 866.070), None, (0.001, 0.222), None, 160.493, (0.172, 0.172))
    assert explain(header, straight, (1475, 1679)) == ()


@pytest.mark.parametrize("center", [(float("nan"), 1.0), (float("inf"), 2.0)])
def test_a_center_that_is_no_number_explains_nothing(center: tuple[float, float]) -> None:
    assert explain(Claim("a", center), Claim("b", (1.0, 2.0))) == ()
    assert explain_frames([]) == ()

"""Spots in the image, against sub-pixel integration of the Gaussian itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from xgeom_core.simulate.spot_image import add_spots

_SIZE = 61


def _covariance(major: float, minor: float, angle_deg: float) -> np.ndarray:
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = np.array([[c, -s], [s, c]])
    m = turn @ np.diag([major**2, minor**2]) @ turn.T
    return np.array([[m[0, 0], m[0, 1], m[1, 1]]])


def _drawn(x: float, y: float, covariance: np.ndarray, counts: float = 1000.0) -> np.ndarray:
    image = np.zeros((_SIZE, _SIZE), dtype=np.float32)
    add_spots(image, np.array([x]), np.array([y]), np.array([counts]), covariance)
    return image


def _exact(x: float, y: float, covariance: np.ndarray, counts: float = 1000.0) -> np.ndarray:
    """Columns cut into 400 slices; rows integrated exactly within each."""
    xx, xy, yy = covariance[0]
    fine = np.linspace(0, _SIZE, _SIZE * 400 + 1)
    share = np.diff(ndtr((fine - x) / np.sqrt(xx)))
    middle = 0.5 * (fine[1:] + fine[:-1])
    center, sigma = y + xy / xx * (middle - x), np.sqrt(yy - xy * xy / xx)
    rows = np.diff(ndtr((np.arange(_SIZE + 1)[:, None] - center) / sigma), axis=0)
    return counts * (rows * share).reshape(_SIZE, _SIZE, 400).sum(axis=2)


def _centroid(image: np.ndarray) -> np.ndarray:
    y, x = np.indices(image.shape) + 0.5
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


@pytest.mark.parametrize("angle", [0, 20, 45, 90, 118, 135])
@pytest.mark.parametrize("sigmas", [(0.7, 0.7), (0.3, 0.2), (0.05, 0.03), (2.0, 0.5), (5.0, 0.3), (3.0, 0.1)])
def test_spots_keep_counts_centroid_and_shape(sigmas: tuple[float, float], angle: float) -> None:
    covariance = _covariance(*sigmas, angle)
    rng = np.random.default_rng(int(angle) + int(100 * sigmas[0]))
    for x, y in rng.uniform(29, 32, size=(4, 2)):
        image, exact = _drawn(x, y, covariance), _exact(x, y, covariance)
        assert image.sum() == pytest.approx(1000.0, rel=1e-5)
        assert _centroid(image) == pytest.approx(_centroid(exact), abs=0.005)
        if min(sigmas) >= 0.5:
            # Of such a spot the pixels' centroid is the spot's own.
            assert _centroid(image) == pytest.approx([x, y], abs=0.01)
        # No pixel is off by more than 1 % of the brightest; thin slanted ones by more.
        allowed = 0.01 if min(sigmas) >= 0.2 else 0.05
        assert np.abs(image - exact).max() < allowed * exact.max()


def test_spots_across_the_border_lose_only_what_lies_outside() -> None:
    covariance = _covariance(2.0, 0.8, 30)
    for x, y in ((0.2, 30.3), (30.0, -0.4), (_SIZE + 1.0, 20.5), (30.2, _SIZE - 0.1), (-0.5, -0.5)):
        image, exact = _drawn(x, y, covariance), _exact(x, y, covariance)
        assert image.sum() == pytest.approx(exact.sum(), rel=0.005)
        assert np.abs(image - exact).max() < 0.01 * exact.max()


def test_spots_far_off_and_without_counts_change_nothing() -> None:
    covariance = _covariance(0.7, 0.7, 0)
    for x, y, counts in ((-50.0, 30.0, 1.0), (30.0, 500.0, 1.0), (30.0, 30.0, 0.0), (1e9, 1e9, 5.0)):
        assert not _drawn(x, y, covariance, counts).any()


def test_spots_add_up() -> None:
    both = np.zeros((_SIZE, _SIZE), dtype=np.float32)
    covariance = np.repeat(_covariance(1.0, 0.5, 30), 2, axis=0)
    add_spots(both, np.array([20.2, 21.0]), np.array([20.0, 22.0]), np.array([5.0, 50.0]), covariance)
    single = _drawn(20.2, 20.0, covariance[:1], 5.0) + _drawn(21.0, 22.0, covariance[:1], 50.0)
    assert both == pytest.approx(single, abs=1e-4)


def test_an_image_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        add_spots(np.zeros((5, 5)), np.zeros(1), np.zeros(1), np.ones(1), np.ones((1, 3)))

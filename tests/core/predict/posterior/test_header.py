"""Headers of swung detectors: center and tilt err together, and are tried as a start."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.formats.swing import swung
from xgeom_core.metadata import Metadata
from xgeom_core.predict.attempt import Start
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.header import header_finding
from xgeom_core.predict.posterior.weigh import weigh
from xgeom_core.predict.starts import next_start

SHAPE = (800, 800)
UNSWUNG = Metadata(300.0, 1.0, (0.5, 0.5), (410.0, 395.0))


def stated(two_theta: float) -> Finding:
    found = header_finding(swung(UNSWUNG, two_theta, 1)[0], max(SHAPE))
    assert found is not None
    return found


def test_a_swing_that_is_off_moves_center_and_tilt_together() -> None:
    found = stated(40.0)
    wide = found.covariance[2]
    # Half a degree more: where the beam meets the detector then is as likely as what is stated.
    truth = header_finding(swung(UNSWUNG, 40.5, 1)[0], max(SHAPE))
    assert truth is not None
    off = truth.mean[truth.best] - found.mean[2]
    assert np.hypot(*off[:2]) > 8.0
    assert off @ np.linalg.inv(wide) @ off < 1.0
    # The same move without the turn is not.
    plain = off * [1.0, 1.0, -1.0, -1.0]
    assert plain @ np.linalg.inv(wide) @ plain > off @ np.linalg.inv(wide) @ off + 0.3


@pytest.mark.parametrize("two_theta", [-40.0, 25.0, 40.0])
def test_a_stated_swing_is_soon_tried(two_theta: float) -> None:
    header = stated(two_theta)
    center = header.mean[header.best, :2]
    # A straight detector's prior would have the beam on the panel, the network has it halfway there.
    network = Finding.of("network", (0.5 * (center[0] + 410.0), 400.0), None, np.eye(2) * 60.0**2)
    assert network is not None
    found = weigh([network, header], SHAPE)
    tried: list[Start] = []
    while len(tried) < 2 and (start := next_start(found, tried)):
        tried.append(start)
    near = [one for one in tried if np.hypot(*np.subtract(one.center_px, center)) < 20.0]
    assert len(near) == 1
    assert near[0].tilt_deg[1] == pytest.approx(two_theta, abs=2.5)


def test_a_vague_witness_is_no_start() -> None:
    vague = Finding.of("resolution limit", (100.0, 700.0), None, np.eye(2) * 300.0**2)
    sharp = Finding.of("network", (400.0, 400.0), None, np.eye(2) * 3.0**2)
    assert vague is not None
    assert sharp is not None
    found = weigh([vague, sharp], SHAPE)
    tried: list[Start] = []
    while start := next_start(found, tried):
        tried.append(start)
    assert len(tried) >= 1
    assert all(np.hypot(*np.subtract(one.center_px, (400.0, 400.0))) < 20.0 for one in tried)

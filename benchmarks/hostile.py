"""Frames that nothing good can be said of: an answer with a reason, within seconds, never a crash.

    python benchmarks/hostile.py

Prints status, seconds of work (of all threads, so that a busy machine does not count) and the reason,
for frames of 16 million pixels and for small odd ones. The limit is 10 s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor

BIG = (4096, 4096)
LIMIT_S = 10.0
LENGTHS = Metadata(distance_mm=200.0, wavelength_A=1.0, pixel_mm=(0.1, 0.1))


def frames() -> Iterator[tuple[str, np.ndarray, Metadata]]:
    """Names, pixel values (NaN where unknown) and what the file says."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: BIG[0], : BIG[1]]
    water = rng.poisson(100 * np.exp(-(((np.hypot(x - 2000, y - 2100) - 1200) / 400) ** 2)) + 1).astype(
        np.float32
    )
    spotted, ones = water.copy(), np.zeros(BIG, dtype=np.float32)
    spotted[tuple(rng.integers(0, 4096, (2, 20_000)))] = 5000
    ones[tuple(rng.integers(0, 4096, (2, 200_000)))] = 1
    yield "16 Mpx, noise", rng.poisson(20, BIG), LENGTHS
    yield "16 Mpx, 20,000 random spots", spotted, LENGTHS
    yield "16 Mpx, 200,000 random ones", ones, LENGTHS
    yield "16 Mpx, checkerboard", (x + y) % 2 * 100, LENGTHS
    yield "16 Mpx, stripes", x % 2 * 100, LENGTHS
    yield "16 Mpx, uniform to 2^31", rng.integers(0, 2**31, BIG), LENGTHS
    yield "16 Mpx, sentinels of uint32", np.where(rng.random(BIG) < 0.1, 2.0**32 - 1, water), LENGTHS
    yield "center off the panel", water[:1500, :1500], LENGTHS
    yield "all zero", np.zeros((820, 820)), LENGTHS
    yield "all masked", np.full((820, 820), np.nan), LENGTHS
    yield "constant", np.full((820, 820), 7), LENGTHS
    yield "one pixel", np.ones((1, 1)), LENGTHS
    yield "one row", np.arange(4000.0)[None], LENGTHS
    yield "negative counts", rng.normal(-50, 10, (820, 820)), LENGTHS
    yield "nothing known of lengths", water[::2, ::2], Metadata()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.parse_args()
    predictor, slow = Predictor.load(), 0
    for name, values, lengths in frames():
        valid = np.isfinite(values)
        data = np.where(valid, values, 0).astype(np.float32)
        frame = Frame(data, valid, np.zeros(data.shape, dtype=bool), lengths)
        start = time.process_time()
        answer = predictor.predict(frame)
        spent = time.process_time() - start
        slow += spent > LIMIT_S
        print(f"{name:30s} {answer.status:9s} {spent:5.1f} s  {answer.reason[:100]}", flush=True)
    print(f"{slow} frames took longer than {LIMIT_S:.0f} s")


if __name__ == "__main__":
    main()

"""How long does a network take for a frame, one at a time and in batches?

    python benchmarks/inference.py [--model default] [--batch 16] [--frames 32] [--threads 1]

Prints milliseconds of processor and wall time a frame. "whole" is all that `network_estimate` does: the
frame is summed onto the network's canvas, standardized and shown to the network; "network" is the network
alone, on inputs that are ready. Processor time over several threads sums them up: on a machine of its own
the wall time with two threads lies between half of it and all of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.models.store import load_model
from xgeom_core.predict.network import canvas_input, network_estimate, on_canvas
from xgeom_core.simulate import load_recipe, render

SIDE = 820
SEED = 31337


def timed(work: Callable[[], object], frames: int) -> str:
    """Milliseconds a frame of something that was done once before."""
    work()
    wall, own = time.perf_counter(), time.process_time()
    work()
    own_ms = 1000 * (time.process_time() - own) / frames
    wall_ms = 1000 * (time.perf_counter() - wall) / frames
    return f"{own_ms:7.1f} ms of processor a frame   {wall_ms:7.1f} ms wall   {1000 / own_ms:6.1f} frames/s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = load_model(options.model)
    settings = model.card.network
    recipe = load_recipe("standard")
    frames = []
    for number in range(options.batch):
        made = render(recipe, (SIDE, SIDE), np.random.default_rng([SEED, number]))
        geometry = made.geometry
        meta = Metadata(distance_mm=geometry.distance_mm, pixel_mm=geometry.pixel_mm)
        counts = np.where(made.known, made.counts, 0).astype(np.float32)
        frames.append(Frame(counts, made.known, np.zeros_like(made.known), meta))
    images = [canvas_input(on_canvas(frame, settings), settings) for frame in frames]
    stacked = torch.from_numpy(np.stack([i if i.ndim == 3 else i[None] for i in images]))
    stacked = stacked.to(memory_format=torch.channels_last)
    distance = torch.zeros(options.batch, 2)
    rounds = max(1, options.frames // options.batch)

    def whole() -> None:
        for _ in range(rounds):
            for frame in frames:
                network_estimate(model, frame)

    def network(size: int) -> None:
        with torch.inference_mode():
            for _ in range(rounds):
                for start in range(0, options.batch, size):
                    model.network(stacked[start : start + size], distance[start : start + size])

    shown = rounds * options.batch
    print(f"{options.model}, {SIDE} x {SIDE} px, {options.threads} threads, torch {torch.__version__}")
    print(f"whole, one at a time     {timed(whole, shown)}")
    print(f"network, one at a time   {timed(lambda: network(1), shown)}")
    print(f"network, {options.batch:3} at a time   {timed(lambda: network(options.batch), shown)}")


if __name__ == "__main__":
    main()

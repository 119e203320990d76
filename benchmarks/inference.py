"""How long does a network take for a frame, one at a time and in batches, and beside torch?

    python benchmarks/inference.py [--model default] [--batch 16] [--frames 32] [--threads 1] [--onnx FILE]

Prints milliseconds of processor and wall time a frame. "whole" is all that `network_estimate` does: the
frame is summed onto the network's canvas, standardized and shown to the network; "network" is the network
alone, on inputs that are ready. Where torch is installed it answers the same in turn (or onnxruntime, with a
file of `xgeom export default --out FILE.onnx`): the ratio of the two
says more than either on a busy machine, and the largest difference of any output that both are the same.
Processor time over several threads sums them up: on a machine of its own the wall time with two threads lies
between half of it and all of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.models.inference import Network
from xgeom_core.models.inference.layers import FloatArray32
from xgeom_core.models.store import load_model
from xgeom_core.predict.network import canvas_input, network_estimate, on_canvas
from xgeom_core.simulate import load_recipe, render

SIDE = 820
SEED = 31337


def spent(work: Callable[[], object], frames: int) -> tuple[float, float]:
    """Milliseconds of processor and wall time a frame, of the best of three."""
    work()
    found = []
    for _ in range(3):
        wall, own = time.perf_counter(), time.process_time()
        work()
        found.append((time.process_time() - own, time.perf_counter() - wall))
    own, wall = map(min, zip(*found, strict=True))
    return 1000 * own / frames, 1000 * wall / frames


def shown(name: str, ours: tuple[float, float], beside: str, theirs: tuple[float, float] | None) -> str:
    """One line of the table."""
    line = f"{name:24s} {ours[0]:7.1f} ms of processor a frame   {ours[1]:7.1f} ms wall"
    if theirs is None:
        return line
    ratios = ", ".join(f"{mine / other:.2f}" for mine, other in zip(ours, theirs, strict=True))
    return f"{line}   {beside} {theirs[0]:7.1f} ms {theirs[1]:7.1f} ms   ratios {ratios}"


def torch_network(name: str, threads: int) -> Network | None:
    """The same network in torch, if that is installed."""
    try:
        import torch  # noqa: PLC0415 - an optional package

        from xgeom_core.models.torch_model import load_torch_model  # noqa: PLC0415 - needs torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    network = load_torch_model(name).network

    def answer(frames: FloatArray32, distance: FloatArray32 | None) -> FloatArray32:
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(frames)).to(memory_format=torch.channels_last)
            told = None if distance is None else torch.from_numpy(distance)
            return np.asarray(network(tensor, told).numpy())

    return answer


def onnx_network(path: Path, threads: int) -> Network:
    """An exported network, run by onnxruntime."""
    import onnxruntime  # noqa: PLC0415 - an optional package

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    told = {entry.name for entry in session.get_inputs()}

    def answer(frames: FloatArray32, distance: FloatArray32 | None) -> FloatArray32:
        feed = {"frames": np.ascontiguousarray(frames), "distance": distance}
        return np.asarray(session.run(["outputs"], {name: feed[name] for name in told})[0])

    return answer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--onnx", type=Path)
    options = parser.parse_args()
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
    stacked = np.stack([image if image.ndim == 3 else image[None] for image in images])
    distance = np.zeros((options.batch, 2), np.float32)
    rounds = max(1, options.frames // options.batch)
    count = rounds * options.batch
    if options.onnx is None:
        other = torch_network(options.model, options.threads)
    else:
        other = onnx_network(options.onnx, options.threads)
    beside = "torch" if options.onnx is None else "onnxruntime"

    def whole(asked: Network) -> None:
        for _ in range(rounds):
            for frame in frames:
                network_estimate(replace(model, network=asked), frame)

    def network(asked: Network, size: int) -> None:
        for _ in range(rounds):
            for start in range(0, options.batch, size):
                asked(stacked[start : start + size], distance[start : start + size])

    print(f"{options.model}, {SIDE} x {SIDE} px, {options.threads} threads")
    with threadpool_limits(options.threads):
        for name, work in (
            ("whole, one at a time", whole),
            ("network, one at a time", lambda asked: network(asked, 1)),
            (f"network, {options.batch} at a time", lambda asked: network(asked, options.batch)),
        ):
            ours, theirs = (
                None if asked is None else spent(partial(work, asked), count)
                for asked in (model.network, other)
            )
            assert ours is not None
            print(shown(name, ours, beside, theirs))
    if other is not None:
        off = np.abs(model.network(stacked, distance) - other(stacked, distance)).max()
        print(f"largest difference of any output on {options.batch} frames: {off:.1g}")


if __name__ == "__main__":
    main()

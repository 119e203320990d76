"""How fast is the training loop beside bare forward and backward of the same network?

    python benchmarks/training.py [--config RECIPE] [--steps N] [--device cpu]

Three numbers, in shown frames per second: bare steps (forward, loss, backward, optimizer) on one batch in
memory; the whole loop on batches in memory (with averaging, clipping, events and table); the loop fed by
streaming simulation with the workers of the recipe. The last also names the limit: the network, or the
processes that prepare frames. On the CPU processor time is printed too, since wall time depends on who
else is there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from xgeom_core.models.registry import build_network
from xgeom_core.resources import resource
from xgeom_core.training import loop
from xgeom_core.training.config import Config, load_config
from xgeom_core.training.data import Batch, Batches
from xgeom_core.training.events import EventLog
from xgeom_core.training.losses import Learner
from xgeom_core.training.processes import find_device
from xgeom_core.training.schedule import make_optimizer, set_rate


def bare(config: Config, batch: Batch, steps: int) -> tuple[float, float]:
    """Seconds and processor seconds of steps without a loop around them."""
    plan, device = config.training, find_device(config.training)
    torch.manual_seed(plan.seed)
    network = build_network(config.model).to(device).train()
    learner = Learner(network, plan)
    optimizer = make_optimizer(network, plan)
    set_rate(optimizer, 1e-4)
    moved = Batch(*(tensor.to(device) for tensor in batch))
    moved = moved._replace(images=moved.images.to(memory_format=torch.channels_last))

    def step(number: int) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"):
            loss, _ = learner(moved, number)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), plan.clip_norm)
        optimizer.step()

    for number in range(2):
        step(number)
    return timed(lambda: [step(number) for number in range(steps)], device)


def in_loop(config: Config, batches: Iterable[Batch] | None, steps: int) -> tuple[float, float]:
    """Seconds and processor seconds of the loop; of its own processes only, not of its workers."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        log = EventLog(run / "events.jsonl")
        marks: list[tuple[float, float]] = []
        learn = loop._Run._learn

        def watched(self: loop._Run, batch: Batch, rate: float) -> tuple[float, float]:
            marks.append((time.perf_counter(), time.process_time()))
            return learn(self, batch, rate)

        patches = [mock.patch.object(loop._Run, "_learn", watched)]
        if batches is not None:
            patches.append(mock.patch.object(loop._Run, "_loader", lambda self: batches))
        for patch in patches:
            patch.start()
        try:
            loop.train(config, run, log, "benchmark")
        finally:
            mock.patch.stopall()
            log.close()
    # The first steps wait for workers and warm caches.
    first, last = marks[-steps - 1], marks[-1]
    return last[0] - first[0], last[1] - first[1]


def timed(work: object, device: torch.device) -> tuple[float, float]:
    """Seconds and processor seconds that something takes."""
    assert callable(work)
    wall, own = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - own


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--config", type=Path, default=resource("recipes/default.toml"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    base = load_config(options.config)
    steps = options.steps
    plan = base.training.model_copy(
        update={"steps": steps + 3, "device": options.device, "checkpoint_minutes": 1e6}
    )
    quiet = base.validation.model_copy(update={"kinds": ["binary"], "frames": 4, "every_steps": 10**9})
    config = base.model_copy(update={"training": plan, "validation": quiet})
    if plan.threads:
        torch.set_num_threads(plan.threads)
    start = time.process_time()
    batch = Batches(config.data, config.model, plan.batch, 1)[0]
    prepared = (time.process_time() - start) / plan.batch
    rows = {
        "bare forward and backward": bare(config, batch, steps),
        "loop, batches in memory": in_loop(config, [batch] * (steps + 3), steps),
        "loop, streaming simulation": in_loop(config, None, steps),
    }
    shown = plan.batch * steps
    reference = rows["bare forward and backward"]
    for name, (wall, own) in rows.items():
        share = f"{reference[0] / wall:6.1%} of bare (wall), {reference[1] / own:6.1%} (processor)"
        print(f"{name:28} {shown / wall:7.1f} frames/s   {shown / own:7.1f} per processor second   {share}")
    limit = (
        "the network" if rows["loop, streaming simulation"][0] < 1.05 * reference[0] else "preparing frames"
    )
    print(f"first batch: {1000 * prepared:.1f} ms of processor a frame to prepare; limit: {limit}")


if __name__ == "__main__":
    main()

"""What every source says of frames with known truths; see reliability.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.attempt import Evidence, PredictOptions, Start, attempt
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.sources import background_finding, lattice_finding, symmetry_findings
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.symmetry import find_witnesses
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.recipe import KINDS
from xgeom_core.simulate.stream import simulate_frame

REPO = Path(__file__).resolve().parent.parent
SIDE = 820
EVERYTHING = ("real", "beam", "nothing", "swung", *KINDS)


def simulated(
    kinds: tuple[str, ...], count: int, seed: int
) -> Iterator[tuple[str, Frame, list[float], Start]]:
    """Frames with truths and the start of a header, right or wrong by turns."""
    for index in range(count):
        for kind in (one for one in KINDS if one in kinds):
            made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
            truth = made.geometry
            meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
            frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
            rng = np.random.default_rng([seed, index, KINDS.index(kind), 2])
            off = rng.normal(0.0, 2.0, 2) if index % 2 else rng.uniform(-80.0, 80.0, 2)
            start = Start((truth.center_px[0] + off[0], truth.center_px[1] + off[1]), (0.0, 0.0), 5.0)
            goal = [*truth.center_px, truth.pitch_deg, truth.yaw_deg]
            yield f"{kind} {seed} {index}", frame, goal, start
        if "swung" in kinds:
            yield from swung_frame(seed, index)


def swung_frame(seed: int, index: int) -> Iterator[tuple[str, Frame, list[float], Start]]:
    """One on a swung detector, its header right or wrong by turns."""
    from swung import made  # noqa: PLC0415 - the benchmark beside this one

    kind = ("standard", "realistic", "powder")[index % 3]
    frame, headers = made(kind, seed, index)
    truth = frame.geometry
    meta = headers["swing stated" if index % 2 else "no header"]
    counts = Frame(frame.counts.astype(np.float32), frame.known, np.zeros_like(frame.known), meta)
    goal = [*truth.center_px, truth.pitch_deg, truth.yaw_deg]
    start = Start(meta.center_px or truth.center_px, meta.tilt_deg or (truth.pitch_deg, truth.yaw_deg), 5.0)
    yield f"swung-{kind} {seed} {index}", counts, goal, start


def real() -> Iterator[tuple[str, Frame, list[float | None], Start, float]]:
    """Development frames with truths, how far those can be trusted, and the header's start."""
    from real_frames import cases, read  # noqa: PLC0415 - the benchmark beside this one

    for folder in (REPO.parent / "shared" / "frames", REPO.parent / "shared" / "frames2"):
        for name, item in cases(folder) if folder.is_dir() else ():
            if item.get("center_px") is None:
                continue
            try:
                frame = read(folder, item)
            except XgeomError as error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            tilt = item.get("tilt_deg") or [None, None]
            meta = frame.metadata
            center = meta.center_px or tuple(item["center_px"])
            start = Start(center, meta.tilt_deg or (0.0, 0.0), 5.0)
            yield f"real {name}", frame, [*item["center_px"], *tilt], start, float(item["trust_px"])


def beams_in_sight(count: int, seed: int) -> Iterator[tuple[str, Frame, list[float]]]:
    """Frames whose direct beam is seen, with a halo; nothing but that is asked of them."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    for index in range(count):
        rng = np.random.default_rng([seed, index, 3])
        made = simulate_frame(load_recipe("background-only"), (SIDE, SIDE), seed, index)
        center = made.geometry.center_px
        away = np.hypot(x - center[0], y - center[1])
        width, peak = rng.uniform(0.7, 5.0), 10.0 ** rng.uniform(2.5, 5.5)
        beam = np.exp(-0.5 * (away / width) ** 2) + rng.uniform(0.0, 0.02) / (
            1.0 + (away / (8.0 * width)) ** 2
        )
        counts = rng.poisson(peak * beam) + made.counts
        full = counts > 65000 if rng.random() < 0.3 else np.zeros_like(made.known)
        meta = Metadata(made.geometry.distance_mm, made.geometry.wavelength_A, made.geometry.pixel_mm)
        frame = Frame(counts.astype(np.float32), made.known & ~full, full, meta)
        yield f"beam {seed} {index}", frame, [*center, made.geometry.pitch_deg, made.geometry.yaw_deg]


def frames_of_nothing(count: int, seed: int) -> Iterator[tuple[str, Frame, list[float]]]:
    """Dark and flat frames: read noise, slopes, glowing corners, columns; the "truth" is anywhere."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE - 0.5
    for index in range(count):
        rng = np.random.default_rng([seed, index, 4])
        level = 10.0 ** rng.uniform(0.5, 3.0)
        shape = 1.0 + rng.uniform(0.0, 0.3) * sum(
            rng.normal() * x**i * y**j * 2.0 ** (i + j) for i in range(4) for j in range(4) if 0 < i + j < 4
        )
        for corner in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)):
            far = np.hypot(x - corner[0], y - corner[1])
            shape = shape + rng.exponential(0.1) * np.exp(-far / rng.uniform(0.05, 0.4))
        counts = rng.poisson(np.maximum(level * shape, 0.05)).astype(float)
        counts += rng.normal(0.0, rng.exponential(2.0), counts.shape) + rng.normal(0.0, 0.3, SIDE)
        counts = counts if rng.random() < 0.5 else np.round(counts)
        valid = np.ones(counts.shape, dtype=bool)
        meta = Metadata(rng.uniform(80.0, 600.0), rng.uniform(0.5, 1.6), (0.2, 0.2))
        frame = Frame(counts.astype(np.float32), valid, ~valid, meta)
        truth = [*rng.uniform(0.0, SIDE, 2), *rng.normal(0.0, 1.5, 2)]
        yield f"nothing {seed} {index}", frame, truth


def look_aside(frame: Frame, *sources: str) -> list[dict[str, Any]]:
    """What symmetry and the background say of a frame from its middle; of some sources only."""
    frame = in_counts(frame)
    found = Evidence(spots=find_spots(frame))
    said = symmetry_findings(find_witnesses(frame, found.spots))
    if "background" in sources:
        middle = (0.5 * frame.shape[1] + 17.0, 0.5 * frame.shape[0] - 11.0)
        attempt(frame, Start(middle, (0.0, 0.0), 20.0), PredictOptions(use=("background",)), found)
        background = background_finding(found.fits, found.fit_starts, max(frame.shape))
        said += [background] if background is not None else []
    return [item.record() for item in said if item.source in sources]


def look(predictor: Predictor, frame: Frame, header: Start) -> list[dict[str, Any]]:
    """What every source says from the network's start and from the header's."""
    frame = in_counts(frame)
    side = max(frame.shape)
    found, options = Evidence(), PredictOptions()
    rough = predictor._rough(frame, options, found).estimate
    found.spots = find_spots(frame)
    said = list(found.witnesses)
    said += [
        finding
        for one in find_witnesses(frame, found.spots)
        if (finding := Finding.of(one.source, one.center_px, None, one.covariance, one.diagnostics))
    ]
    for start in (Start(rough.center_px, (0.0, 0.0), max(rough.center_sigma_px or (5.0,))), header):
        found.fits.clear()
        found.fit_starts.clear()
        found.lattices.clear()
        attempt(frame, start, options, found)
        lattice = found.lattices[0] if found.lattices else None
        measured = background_finding(found.fits, found.fit_starts, side), lattice_finding(lattice)
        said += [item for item in measured if item is not None]
    return [item.record() for item in said]


def collect(count: int, seed: int, kinds: tuple[str, ...], keep: Path) -> None:
    """Add a line a frame of the kinds wanted."""
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"findings-{seed}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = {json.loads(line)["key"] for line in lines}
    predictor = Predictor.load()
    with path.open("a", encoding="utf-8") as stream:
        for key, frame, goal, start, trust in real() if "real" in kinds else ():
            asked = lambda frame=frame, start=start: look(predictor, frame, start)  # noqa: E731
            _write(stream, done, key, frame, goal, asked, trust)
        for key, frame, goal in beams_in_sight(count, seed) if "beam" in kinds else ():
            _write(stream, done, key, frame, goal, lambda frame=frame: look_aside(frame, "direct beam"))
        everything = ("direct beam", "180-degree symmetry", "quadrant symmetry", "background")
        for key, frame, goal in frames_of_nothing(count, seed) if "nothing" in kinds else ():
            _write(stream, done, key, frame, goal, lambda frame=frame: look_aside(frame, *everything))
        for key, frame, goal, start in simulated(kinds, count, seed):
            _write(
                stream, done, key, frame, goal, lambda frame=frame, start=start: look(predictor, frame, start)
            )


def _write(
    stream: Any,
    done: set[str],
    key: str,
    frame: Frame,
    goal: list[Any],
    ask: Callable[[], list[dict[str, Any]]],
    trust: float = 0.0,
) -> None:
    """A line, unless it is there."""
    if key in done:
        return
    row = {"key": key, "side": max(frame.shape), "shape": frame.shape, "truth": goal, "trust": trust}
    stream.write(json.dumps(row | {"findings": ask()}) + "\n")
    stream.flush()

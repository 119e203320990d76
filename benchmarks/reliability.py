"""How often is each source wrong, and by how much more than it says? Writes resources/reliability.toml.

    python benchmarks/reliability.py collect [--count 60] [--seed 1] [--keep DIR]
    python benchmarks/reliability.py fit [--keep DIR] [--write]

`collect` simulates frames of every kind, and some on swung detectors, and looks at each from the network's
start and from that of a header that is right or wrong; it looks at the development frames in
../shared/frames and ../shared/frames2 in the same way. DIR/findings-SEED.jsonl keeps what every source said
beside the truth, a line a frame; a second call goes on where the first ended, and two seeds may be collected
side by side (real frames go with seed 1). `fit` maximizes the likelihood
of what was said, given the truth, over the coefficients of `xgeom_core.predict.posterior.reliability`,
and prints for each source how often it is wrong, the Brier score of the probabilities beside that of the
constant probability (cross-validated, five parts), and a reliability table; --write replaces the bundled
file. No network was trained on any of these frames.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.predict.attempt import Evidence, PredictOptions, Start, attempt
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.reliability import Reliability
from xgeom_core.predict.posterior.sources import background_finding, lattice_finding, symmetry_findings
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.symmetry import find_witnesses
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.recipe import KINDS
from xgeom_core.simulate.stream import simulate_frame

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "benchmarks"))
SIDE = 820
SOURCES = (
    "network",
    "header",
    "background",
    "lattice",
    "direct beam",
    "180-degree symmetry",
    "quadrant symmetry",
    "resolution limit",
    "Friedel pairs",
)
# A real frame counts as so many simulated ones.
REAL_WEIGHT = 4.0
# Findings less likely wrong than this are believed.
BELIEVED = 0.2
# A background answers mostly where there is no lattice; such frames are harder than those of all findings, of
# which so many are to lie within an error bar that 68% of the answers do.
WITHIN = {"background": 0.71}
# Coefficients are held to zero as if so many frames had said so.
RIDGE = 2.0
# A header off by more than this share of the side is wrong.
HEADER_WRONG = 0.03


def simulated(
    kinds: tuple[str, ...], count: int, seed: int
) -> Iterator[tuple[str, Frame, list[float], Start]]:
    """Frames with truths and the start of a header, right or wrong by turns."""
    for index in range(count):
        for kind in kinds:
            made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
            truth = made.geometry
            meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
            frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
            rng = np.random.default_rng([seed, index, KINDS.index(kind), 2])
            off = rng.normal(0.0, 2.0, 2) if index % 2 else rng.uniform(-80.0, 80.0, 2)
            start = Start((truth.center_px[0] + off[0], truth.center_px[1] + off[1]), (0.0, 0.0), 5.0)
            goal = [*truth.center_px, truth.pitch_deg, truth.yaw_deg]
            yield f"{kind} {seed} {index}", frame, goal, start
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
    """Add a line a frame; real ones with the first seed only."""
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"findings-{seed}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = {json.loads(line)["key"] for line in lines}
    predictor = Predictor.load()
    with path.open("a", encoding="utf-8") as stream:
        for key, frame, goal, start, trust in real() if seed == 1 else ():
            asked = lambda frame=frame, start=start: look(predictor, frame, start)  # noqa: E731
            _write(stream, done, key, frame, goal, asked, trust)
        for key, frame, goal in beams_in_sight(count, seed):
            _write(stream, done, key, frame, goal, lambda frame=frame: look_aside(frame, "direct beam"))
        everything = ("direct beam", "180-degree symmetry", "quadrant symmetry", "background")
        for key, frame, goal in frames_of_nothing(count, seed):
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


class Sample:
    """All findings of one source as padded arrays: only places near the truth can matter."""

    NEAREST = 4

    def __init__(self, rows: list[dict[str, Any]], source: str) -> None:
        self.source = source
        told = [(row, Finding.from_record(item)) for row in rows for item in row["findings"]]
        told = [(row, item) for row, item in told if item.source == source]
        self.names = tuple(sorted({name for _, item in told for name in item.features}))
        table = np.array([[item.features.get(name, np.nan) for name in self.names] for _, item in told])
        table = table.reshape(len(told), len(self.names))
        varied = np.nanstd(table, axis=0) > 1e-9
        self.names = tuple(np.array(self.names)[varied].tolist())
        table = table[:, varied]
        self.middle, self.spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
        scaled = np.clip(np.nan_to_num((table - self.middle) / self.spread), -4.0, 4.0)
        self.features = np.column_stack([np.ones(len(told)), scaled])
        self.keys = [row["key"] for row, _ in told]
        self.side = np.array([float(row["side"]) for row, _ in told])
        real = np.array([key.startswith("real") for key in self.keys])
        self.weight = np.where(real, REAL_WEIGHT, 1.0)
        most = max(len(item.mean) for _, item in told)
        self.log_weight = np.full((len(told), most), -np.inf)
        n = self.NEAREST
        self.which = np.zeros((len(told), n), dtype=int)
        self.off = np.zeros((len(told), n, 4))
        self.covariance = np.tile(np.eye(4), (len(told), n, 1, 1))
        self.missing = np.ones((len(told), n), dtype=bool)
        self.trust = np.array([row["trust"] for row, _ in told])
        self.begun = None
        if any(item.begun is not None for _, item in told):
            moved = [item.mean[item.best] - item.begun[: item.mean.shape[1]] for _, item in told]
            self.begun = np.array(
                [[np.hypot(*one[:2]), np.hypot(*one[2:]) if len(one) == 4 else 0.0] for one in moved]
            )
        self.four = np.zeros(len(told), dtype=bool)
        for number, (row, item) in enumerate(told):
            self._place(number, row, item)

    def _place(self, number: int, row: dict[str, Any], item: Finding) -> None:
        self.log_weight[number, : len(item.mean)] = item.log_weight
        size = 4 if item.knows_tilt and row["truth"][2] is not None else 2
        self.four[number] = size == 4
        truth = np.array(row["truth"][:size], dtype=float)
        off = item.mean[:, :size] - truth
        chi2 = np.einsum("ni,nij,nj->n", off, np.linalg.inv(item.covariance[:, :size, :size]), off)
        near = np.argsort(chi2)[: self.NEAREST]
        count = len(near)
        self.which[number, :count] = near
        self.off[number, :count, :size] = off[near]
        self.covariance[number, :count, :size, :size] = item.covariance[near][:, :size, :size]
        self.missing[number, :count] = False


UNKNOWNS = (
    *("tail", "floor_share", "floor_deg", "near", "near_share", "near_deg", "temper"),
    *("drawn_share", "drawn_deg", "tilt_factor"),
)
# Where those begin, and how far from there they are believed to be, as logits or logarithms.
BEGIN = {
    "tail": (-3.0, 0.1), "floor_share": (np.log(1e-5), 1.0), "floor_deg": (np.log(0.003), 1.0),
    "near": (0.0, 1.0), "near_share": (np.log(0.01), 1.0), "near_deg": (0.0, 0.7), "temper": (0.0, 0.5),
    "drawn_share": (np.log(0.02), 1.0), "drawn_deg": (0.0, 0.7), "tilt_factor": (0.0, 0.5),
}  # fmt: skip
# Sources that see a pattern as a whole never sharpen what something measures: many are right to less than
# this share of the side (820 px: 1.6 px), but what they miss by is none of their own making.
ROUGH = ("network", "180-degree symmetry", "quadrant symmetry", "resolution limit")
ROUGH_SHARE = 0.002
# Sources that search are off by little only if by less than their own false places lie apart.
LITTLE = {"background": (np.log(0.002), 0.3), "lattice": (np.log(0.0007), 0.2)}


def begin_of(source: str) -> dict[str, tuple[float, float]]:
    """Where the unknowns of a source begin, and their widths."""
    if source in ROUGH:
        return BEGIN | {"floor_share": (np.log(ROUGH_SHARE), 0.01)}
    little = {"near_share": LITTLE[source], "near_deg": (-1.0, 0.3)} if source in LITTLE else {}
    return BEGIN | little


def log_likelihood(sample: Sample, given: Any, which: np.ndarray) -> tuple[Any, Any]:
    """Log densities of some findings, of the right parts and of the wrong ones, as torch tensors."""
    import torch  # noqa: PLC0415 - slow

    from xgeom_core.predict.posterior import reliability as form  # noqa: PLC0415

    def tensor(values: np.ndarray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(values[which]))

    count = sample.features.shape[1]
    features, four = tensor(sample.features), tensor(sample.four)
    logit = features @ given[:count]
    factor = torch.exp(torch.clip(features @ given[count : 2 * count], -2.0, 3.0))
    tail, floor, floor_deg, near, near_share, near_deg, temper, drawn_share, drawn_deg, tilt_factor = given[
        2 * count :
    ]
    weight = tensor(sample.log_weight)
    weight = torch.where(torch.isinf(weight), -1e30, weight) * torch.exp(temper)
    weight = weight - torch.logsumexp(weight, dim=1, keepdim=True)
    weight = torch.gather(weight, 1, tensor(sample.which))
    weight = torch.where(tensor(sample.missing), torch.tensor(-1e30, dtype=torch.float64), weight)
    side = tensor(sample.side)
    ones = torch.ones_like(side)

    def diagonal(center: Any, tilt: Any) -> Any:
        # Where only the center counts, unit variances and no error stand for the tilt: a density of 1.
        rest = torch.where(four, tilt * ones, 0.0 * ones)
        return torch.diag_embed(torch.stack([center, center, rest, rest], dim=1))[:, None]

    mask = torch.ones((len(side), 4, 4), dtype=torch.float64)
    grown = torch.where(four, factor**2, factor**2)[:, None, None] * mask
    tilt_free = torch.where(four, (factor * torch.exp(tilt_factor)) ** 2, ones)
    scale = torch.sqrt(torch.stack([factor**2, factor**2, tilt_free, tilt_free], dim=1))
    grown = scale[:, :, None] * scale[:, None, :]
    core = grown[:, None] * tensor(sample.covariance)
    core = core + diagonal((torch.exp(floor) * side) ** 2, torch.exp(floor_deg) ** 2)
    trust = diagonal(tensor(sample.trust) ** 2, 0.0 * ones)
    wider = torch.where(four, form.TAIL**2 * ones, ones)
    tails = torch.sqrt(torch.stack([form.TAIL**2 * ones] * 2 + [wider] * 2, dim=1))
    off = tensor(sample.off)

    def density(covariance: Any) -> Any:
        root = torch.linalg.cholesky(covariance)
        pulls = torch.linalg.solve_triangular(root, off[..., None], upper=False)[..., 0]
        log_det = torch.log(torch.diagonal(root, dim1=-2, dim2=-1)).sum(dim=-1)
        size = torch.where(four, 4.0 * ones, 2.0 * ones)[:, None]
        return -0.5 * (pulls**2).sum(dim=-1) - log_det - 0.5 * size * np.log(2.0 * np.pi)

    right = torch.logaddexp(
        torch.nn.functional.logsigmoid(-tail) + density(core + trust),
        torch.nn.functional.logsigmoid(tail)
        + density((tails[:, :, None] * tails[:, None, :])[:, None] * core + trust),
    )
    right = torch.logsumexp(weight + right, dim=1) + torch.nn.functional.logsigmoid(-logit)
    log = torch.log
    anywhere = -2.0 * log(form.ANYWHERE_SIDES * side)
    anywhere = anywhere - torch.where(four, 2.0 * np.log(form.ANYWHERE_DEG) * ones, 0.0 * ones)
    if sample.begun is not None:
        moved, turned = tensor(sample.begun)[:, 0], tensor(sample.begun)[:, 1]
        near_start = _log_cauchy(moved, torch.exp(drawn_share) * side)
        anywhere = near_start + torch.where(
            four, _log_cauchy(turned, torch.exp(drawn_deg) * ones), 0.0 * ones
        )
    wide = core + trust + diagonal((torch.exp(near_share) * side) ** 2, torch.exp(near_deg) ** 2)
    wrong = torch.logaddexp(
        torch.nn.functional.logsigmoid(near) + torch.logsumexp(weight + density(wide), dim=1),
        torch.nn.functional.logsigmoid(-near) + anywhere,
    )
    return right, wrong + torch.nn.functional.logsigmoid(logit)


def _log_cauchy(away: Any, width: Any) -> Any:
    import torch  # noqa: PLC0415 - slow

    return torch.log(width / (2.0 * np.pi)) - 1.5 * torch.log(away**2 + width**2)


def fit(sample: Sample, which: np.ndarray) -> np.ndarray:
    """The likeliest coefficients."""
    import torch  # noqa: PLC0415 - slow

    count = sample.features.shape[1]
    begin = np.zeros(2 * count + len(UNKNOWNS))
    begin[0] = -2.5
    unknown = begin_of(sample.source)
    begin[2 * count :] = [unknown[name][0] for name in UNKNOWNS]
    width = torch.from_numpy(np.array([unknown[name][1] for name in UNKNOWNS]))
    middle = torch.from_numpy(begin[2 * count :])
    weight = torch.from_numpy(sample.weight[which])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        given = torch.from_numpy(values.copy()).requires_grad_()
        right, wrong = log_likelihood(sample, given, which)
        total = -(weight * torch.logaddexp(right, wrong)).sum()
        total = total + 0.5 * RIDGE * (given[1:count] ** 2).sum()
        total = total + 0.5 * ((given[0] - begin[0]) / 1.5) ** 2
        total = total + 10.0 * RIDGE * (given[count + 1 : 2 * count] ** 2).sum() + 2.0 * given[count] ** 2
        total = total + 0.5 * (((given[2 * count :] - middle) / width) ** 2).sum()
        total.backward()
        return float(total.detach()), given.grad.numpy()

    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x)


def with_right_quantiles(sample: Sample, given: np.ndarray) -> np.ndarray:
    """The same with error bars that hold 68% of the errors of findings that are believed, center and tilt."""
    count = sample.features.shape[1]
    good = expit(sample.features @ given[:count]) < BELIEVED
    factor = np.exp(np.clip(sample.features @ given[count : 2 * count], -2.0, 3.0))
    diagonal = np.diagonal(sample.covariance[:, 0], axis1=1, axis2=2)
    floor = np.zeros((len(good), 4))
    floor[:, :2] = (np.exp(given[2 * count + 1]) * sample.side[:, None]) ** 2 + sample.trust[:, None] ** 2
    floor[:, 2:] = np.exp(given[2 * count + 2]) ** 2
    pulls = np.abs(sample.off[:, 0]) / np.sqrt(factor[:, None] ** 2 * diagonal + floor)
    new = given.copy()
    within = WITHIN.get(sample.source, 0.683)
    center = np.quantile(pulls[good, :2], within)
    new[count] += np.log(center)
    tilted = good & sample.four
    if tilted.sum() > 20:
        new[2 * count + UNKNOWNS.index("tilt_factor")] = np.log(
            np.quantile(pulls[tilted, 2:], within) / center
        )
    return new


def as_reliability(sample: Sample, given: np.ndarray) -> Reliability:
    """Coefficients as the estimator reads them."""
    count = sample.features.shape[1]
    rest = dict(zip(UNKNOWNS, given[2 * count :], strict=True))
    for name in ("tail", "near"):
        rest[name] = expit(rest[name])
    for name in UNKNOWNS[1:3] + UNKNOWNS[4:]:
        rest[name] = np.exp(rest[name])

    def rounded(values: Any) -> tuple[float, ...]:
        return tuple(float(f"{value:.4g}") for value in values)

    return Reliability(
        sample.names,
        rounded(sample.middle),
        rounded(sample.spread),
        rounded(given[:count]),
        rounded(given[count : 2 * count]),
        **{name: float(f"{value:.4g}") for name, value in rest.items()},
    )


def fit_all(keep: Path, write: bool) -> None:
    """Fit every source, print how good that is, write the file."""
    import torch  # noqa: PLC0415 - slow

    torch.set_num_threads(1)
    files = sorted(keep.glob("findings-*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    print(f"{len(rows)} frames, {sum(row['key'].startswith('real') for row in rows)} of them real")
    text = ["# Written by benchmarks/reliability.py; see xgeom_core.predict.posterior.reliability.\n"]
    for source in SOURCES:
        if not any(item["source"] == source for row in rows for item in row["findings"]):
            continue
        if source == "header":
            text.append(_toml(source, of_headers(rows)))
            continue
        sample = Sample(rows, source)
        every = np.arange(len(sample.keys))
        known = as_reliability(sample, with_right_quantiles(sample, fit(sample, every)))
        _report(sample, source)
        _print_coefficients(known)
        text.append(_toml(source, known))
    text.append("[start]\nwrong = [-4.0]\n")
    if write:
        (REPO / "resources" / "reliability.toml").write_text("\n".join(text), encoding="utf-8")


def of_headers(rows: list[dict[str, Any]]) -> Reliability:
    """How often headers are wrong: counted, on real frames alone, since how they fail is not simulated.

    Frames that people publish have better headers than those that people ask about: as if 2 of 8 more had
    been wrong.
    """
    chance = []
    for doubtful in (0.0, 1.0):
        off = [
            min(np.hypot(*np.subtract(place[:2], row["truth"][:2])) for place in item["mean"]) / row["side"]
            for row in rows
            for item in row["findings"]
            if row["key"].startswith("real")
            and item["source"] == "header"
            and item["features"]["doubtful"] == doubtful
        ]
        wrong = int((np.array(off) > HEADER_WRONG).sum())
        what = "doubtful" if doubtful else "plausible"
        print(f"\nheader, {what}: {wrong} of {len(off)} off by more than {HEADER_WRONG:.0%} of the side")
        print("   off, % of the side:", " ".join(f"{100 * value:.2f}" for value in sorted(off)))
        chance.append((wrong + 2.0) / (len(off) + 8.0))
    first, second = np.log(np.array(chance) / (1.0 - np.array(chance)))
    return Reliability(
        ("doubtful",), (0.0,), (1.0,), (round(first, 3), round(second - first, 3)), (0.0, 0.0),
        tail=0.05, near=0.4, near_share=0.03, near_deg=1.5,
    )  # fmt: skip


def _report(sample: Sample, source: str) -> None:
    """Cross-validated Brier score and reliability."""
    import torch  # noqa: PLC0415 - slow

    names = sorted(set(sample.keys))
    part = {name: number % 5 for number, name in enumerate(np.random.default_rng(0).permutation(names))}
    parts = np.array([part[key] for key in sample.keys])
    chance, wrong = np.zeros(len(parts)), np.zeros(len(parts), dtype=bool)
    count = sample.features.shape[1]
    for number in range(5):
        held = np.flatnonzero(parts == number)
        given = fit(sample, np.flatnonzero(parts != number))
        chance[held] = expit(sample.features[held] @ given[:count])
        with torch.no_grad():
            right, false = log_likelihood(sample, torch.from_numpy(given), held)
        wrong[held] = (false > right).numpy()
    share = wrong.mean()
    brier, constant = np.mean((chance - wrong) ** 2), share * (1.0 - share)
    print(
        f"\n{source}: {len(wrong)} findings, {wrong.sum()} wrong; Brier {brier:.4f} (constant {constant:.4f})"
    )
    edges = np.array([0.0, 0.005, 0.02, 0.05, 0.2, 0.5, 1.0])
    for low, high in pairwise(edges):
        inside = (chance >= low) & (chance < high)
        if inside.any():
            told, true = 100 * chance[inside].mean(), 100 * wrong[inside].mean()
            between = f"  P(wrong) {low:5.3f}-{high:5.3f}: {inside.sum():5d} findings"
            print(f"{between}, said {told:5.1f}%, wrong {true:5.1f}%")
    for kind in sorted({key.split()[0] for key in sample.keys}):
        of_kind = np.array([key.split()[0] == kind for key in sample.keys])
        count, said = wrong[of_kind].sum(), chance[of_kind].sum()
        print(f"    {kind:18s} {count:4d} wrong of {of_kind.sum():4d}, said {said:6.1f}")


def _print_coefficients(known: Reliability) -> None:
    for name, wrong, width in zip(("(constant)", *known.features), known.wrong, known.width, strict=True):
        print(f"    {name:18s} wrong {wrong:7.3f}   width {width:7.3f}")
    print("   ", ", ".join(f"{name} {getattr(known, name):.4g}" for name in UNKNOWNS))


def _toml(source: str, known: Reliability) -> str:
    lines = [f'["{source}"]']
    for name, value in asdict(known).items():
        lines.append(f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Collect or fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("collect", "fit"))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--keep", type=Path, default=Path("runs/reliability"))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.what == "collect":
        collect(given.count, given.seed, tuple(given.kinds.split(",")), given.keep)
    else:
        fit_all(given.keep, given.write)


if __name__ == "__main__":
    main()

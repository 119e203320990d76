"""The background fit alone, from several starts, against known truth: errors, bars and what it states.

    python benchmarks/ring_fits.py [--real] [--scenes] [--kinds powder,varied,background-only]
        [--count 20] [--seed 9182] [--only TEXT] [--starts 0,header,10,40] [--out FILE]

Real frames are those of ../shared/frames and ../shared/frames2 (see real_frames.py); scenes are drawn by the
formulas of radial_scenes.py, some of each kind of ring that detectors see; kinds are the simulator's. Starts
are so many px off the truth in a direction of the frame's own, with the tilt 0 unless the detector is swung
by more than 5 degrees, or what the header states. The last rows: for each group and start how many centers
are within 0.5 px (or three bars with the truth's own), median error, coverage of the 68 and 95% intervals;
then, for each number that a fit states, how well it alone tells right fits from wrong ones: the chance that a
wrong fit has the larger one (50% says nothing, 0 or 100% says all), and its medians.
--out keeps everything as JSON lines.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from radial_scenes import PIXEL_MM, SIDE, Scene, expose, powder, water, with_ice
from real_frames import REPO, cases, read

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.starts import header_starts
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

SWUNG_DEG = 5.0
Image = np.ndarray


@dataclass(frozen=True, eq=False)
class Case:
    """A frame and its truth: center, how far to trust it, pitch and yaw or the total tilt in degrees."""

    group: str
    name: str
    frame: Frame
    center: tuple[float, float] | None
    trust: float = 0.0
    tilt: tuple[float, float] | None = None
    total: float | None = None


def real(only: str) -> Iterator[Case]:
    """Every real frame with a truth."""
    for folder in ("frames", "frames2"):
        where = REPO.parent / "shared" / folder
        if not where.is_dir():
            where = REPO.parent.parent / "shared" / folder
        for name, item in cases(where):
            if only not in name or item.get("center_px") is None:
                continue
            try:
                frame = read(where, item)
            except XgeomError as error:
                print(f"{name}: {error}")
                continue
            tilt = item.get("tilt_deg")
            total = None if tilt else item.get("tilt_total_deg")
            yield Case("real", name, frame, tuple(item["center_px"]), float(item["trust_px"]), tilt, total)


def simulated(kind: str, count: int, seed: int) -> Iterator[Case]:
    """Frames of one of the simulator's kinds."""
    for index in range(count):
        made = simulate_frame(load_recipe(kind), (SIDE, SIDE), seed, index)
        truth = made.geometry
        meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
        frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
        tilt = (truth.pitch_deg, truth.yaw_deg)
        yield Case(kind, f"{kind} {index}", frame, truth.center_px, 0.0, tilt)


def _rings(*numbers: int, width: float, floor: float) -> Callable[[Image], Image]:
    """Rings at sqrt(number) / 10 1/Å over a flat floor and air scatter."""

    def profile(s: Image) -> Image:
        total = floor + 0.3 / (1.0 + (s / 0.05) ** 2)
        for number in numbers:
            total = total + np.exp(-0.5 * ((s - np.sqrt(number) / 10.0) / width) ** 2) / np.sqrt(number)
        return np.asarray(total)

    return profile


TEN = _rings(3, 4, 8, 11, 12, 16, 19, 20, 24, 27, width=0.0015, floor=0.02)
# Profile, center as shares of the side, tilt in degrees, counts a pixel.
SCENES: dict[str, tuple[Callable[[Image], Image], tuple[float, float], tuple[float, float], float]] = {
    "ten sharp": (TEN, (0.51, 0.47), (0.8, -1.2), 20.0),
    "ten sharp, few counts": (TEN, (0.51, 0.47), (0.8, -1.2), 0.3),
    "half rings": (TEN, (0.5, 0.995), (0.5, -0.7), 20.0),
    "off the panel": (TEN, (-0.06, 0.4), (0.5, -0.7), 20.0),
    "half smooth": (water, (0.5, 0.99), (0.5, -0.7), 50.0),
    "two diffuse": (_rings(2, 8, width=0.008, floor=0.02), (0.48, 0.53), (0.5, -0.7), 5.0),
    "one ring": (_rings(4, width=0.004, floor=0.05), (0.48, 0.53), (0.5, -0.7), 5.0),
    "spotty": (TEN, (0.51, 0.47), (0.8, -1.2), 20.0),
    "read noise": (TEN, (0.51, 0.47), (0.8, -1.2), 3.0),
    "smooth read noise": (water, (0.51, 0.47), (0.8, -1.2), 5.0),
    "strip": (TEN, (0.5, 0.45), (0.8, -1.2), 20.0),
    "ice": (with_ice(water), (0.51, 0.47), (0.8, -1.2), 10.0),
    "swung 30": (TEN, (0.1, 0.5), (0.5, 30.0), 20.0),
    "swung 45": (TEN, (0.05, 0.5), (0.5, 45.0), 20.0),
    "modules": (TEN, (0.51, 0.47), (0.8, -1.2), 20.0),
    "no distance": (TEN, (0.51, 0.47), (0.8, -1.2), 20.0),
    "powder": (powder, (0.55, 0.45), (1.5, 1.0), 20.0),
}
MODULE_PX, MODULE_SD_PX = 205, 0.2


def scenes(count: int, seed: int, only: str) -> Iterator[Case]:
    """Scenes of every kind of ring."""
    for kind, (profile, place, tilt, level) in SCENES.items():
        for index in range(count if only in kind else 0):
            rng = np.random.default_rng([seed, index, zlib.crc32(kind.encode())])
            center = (
                float(SIDE * place[0] + rng.uniform(-8, 8)),
                float(SIDE * place[1] + rng.uniform(-3, 3)),
            )
            distance = float(rng.uniform(250.0, 450.0))
            truth = Geometry(center, distance, (PIXEL_MM, PIXEL_MM), 1.0, *tilt)
            at = np.arange(SIDE) + 0.5
            x, y = np.broadcast_arrays(at - center[0], (at - center[1])[:, None])
            front = np.where(np.hypot(x, y) < rng.uniform(10, 25), 0.02, 1.0)
            valid = np.ones((SIDE, SIDE), dtype=bool)
            if kind == "spotty":
                grain = rng.gamma(0.5, 2.0, size=(SIDE // 5, SIDE // 5))
                front = front * np.kron(grain, np.ones((5, 5)))
            if kind == "strip":
                valid[:, :320], valid[:, 500:] = False, False
            scene = Scene(truth, profile, level, 0.95, front, valid)
            frame = _shifted(scene, rng) if kind == "modules" else expose(scene, rng, spots=50)
            if "read noise" in kind:
                noisy = frame.data * 2.0 + rng.normal(0.0, 6.0, size=frame.data.shape)
                frame = replace(frame, data=noisy.astype(np.float32))
            if kind == "no distance":
                frame = replace(frame, metadata=Metadata())
            known = None if kind == "no distance" else tilt
            yield Case(f"scene: {kind}", f"{kind} {index}", frame, center, 0.0, known)


def _shifted(scene: Scene, rng: np.random.Generator) -> Frame:
    """A detector whose modules are off by a fifth of a pixel."""
    image = np.zeros((SIDE, SIDE))
    for row in range(0, SIDE, MODULE_PX):
        for column in range(0, SIDE, MODULE_PX):
            off = rng.normal(0.0, MODULE_SD_PX, size=2)
            center = scene.geometry.center_px
            moved = replace(scene.geometry, center_px=(center[0] + off[0], center[1] + off[1]))
            part = (slice(row, row + MODULE_PX), slice(column, column + MODULE_PX))
            image[part] = scene.expected(moved)[part]
    valid = scene.valid.copy()
    for gap in range(MODULE_PX, SIDE, MODULE_PX):
        valid[gap - 2 : gap + 2], valid[:, gap - 2 : gap + 2] = False, False
    meta = Metadata(scene.geometry.distance_mm, scene.geometry.wavelength_A, scene.geometry.pixel_mm)
    return Frame((rng.poisson(image) * valid).astype(np.float32), valid, np.zeros_like(valid), meta)


def starts(case: Case, wanted: list[str]) -> Iterator[tuple[str, tuple[float, float], tuple[float, float]]]:
    """Name, center and tilt of every start."""
    headers = header_starts(case.frame.metadata, max(case.frame.shape))
    tilt = case.tilt if case.tilt and max(map(abs, case.tilt)) > SWUNG_DEG else (0.0, 0.0)
    if case.tilt is None and headers and headers[0].tilt_deg:
        tilt = headers[0].tilt_deg
    turn = zlib.crc32(case.name.encode()) / 2.0**32 * 2.0 * np.pi
    for name in wanted:
        if name != "header" and case.center is not None:
            x, y = np.array(case.center) + float(name) * np.array([np.cos(turn), np.sin(turn)])
            yield name, (float(x), float(y)), (float(tilt[0]), float(tilt[1]))
        elif name == "header" and headers:
            yield name, headers[0].center_px, headers[0].tilt_deg or (0.0, 0.0)


def record(case: Case, fit: RadialFit | None) -> dict[str, Any]:
    """Errors in px and degrees with their bars, and what the fit states."""
    if fit is None:
        return {"fit": False}
    sigma = np.sqrt(np.diag(fit.covariance))
    off = np.subtract(fit.center_px, case.center or (np.nan, np.nan))
    found: dict[str, Any] = {"fit": True, "error": [*off], "sigma": [*sigma], "tilt": fit.tilt_deg}
    found |= {"off": float(np.hypot(*off)), "bar": float(sigma[:2].max()), "center": fit.center_px}
    if fit.tilt_deg is not None:
        found["tilt_bar"] = float(sigma[2:].max())
        if case.tilt is not None:
            turned = np.subtract(fit.tilt_deg, case.tilt)
            found["error"] += [*turned]
            found["turned"] = float(np.abs(turned).max())
        elif case.total is not None:
            cosine = np.cos(np.radians(fit.tilt_deg)).prod()
            found["turned"] = float(abs(np.degrees(np.arccos(cosine)) - case.total))
    for key, value in vars(fit).items():
        if isinstance(value, bool | int | float):
            found[key] = value
    found["disagreement"] = max(fit.disagreement.values(), default=1.0)
    return found


def is_right(row: dict[str, Any]) -> bool:
    """Whether a center is within 0.5 px, or three bars (at most 1.5 px) with the truth's own."""
    if not row["fit"]:
        return False
    near = 3.0 * float(np.hypot(min(row["bar"], 0.5), row["trust"]))
    return bool(row["off"] < max(0.5, near))


def show(row: dict[str, Any]) -> None:
    """Print one row."""
    words = f"{row['name'][-34:]:34s} {row['start']:6s} "
    if not row["fit"]:
        print(f"{words} none {'':40s} {row['seconds']:.2f} s", flush=True)
        return
    words += f"{'  ' if is_right(row) else '! '}{row['off']:8.2f} ± {row['bar']:<6.2f} "
    words += f"{row.get('turned', np.nan):6.2f} ± {row.get('tilt_bar', np.nan):<5.2f} "
    told = ("misfit", "excess", "dropped", "contrast", "evidence_px", "evidence_deg", "disagreement")
    words += " ".join(f"{row[key]:7.3g}" for key in told)
    words += f" {row['rings']:3d} {'sharp' if row['sharp'] else '     '} {'' if row['converged'] else 'OPEN'}"
    words += "".join(f" {row[key]:9.4g}" for key in ("score", "gain_sigma", "azimuth_deg") if key in row)
    print(f"{words} {row['seconds']:.2f} s", flush=True)


def summary(rows: list[dict[str, Any]]) -> None:
    """One line for each group and start."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["group"], row["start"]].append(row)
    print(f"{'group':26s} start    n right  median px, deg    68%, 95% center   68%, 95% tilt    s")
    for (group, start), some in groups.items():
        fitted = [row for row in some if row["fit"]]
        inside = [_inside(fitted, part) for part in (slice(0, 2), slice(2, 4))]
        off = np.median([row["off"] for row in fitted]) if fitted else np.nan
        deg = [row["turned"] for row in fitted if "turned" in row]
        print(
            f"{group:26s} {start:6s} {len(some):3d} {sum(map(is_right, some)):4d}  {off:8.3f} "
            f"{np.median(deg) if deg else np.nan:7.3f}    {inside[0]:12s}      {inside[1]:12s} "
            f"{np.median([row['seconds'] for row in some]):5.2f}"
        )


STATED = ("misfit", "excess", "dropped", "contrast", "evidence_px", "evidence_deg", "disagreement", "rings",
          "sharp", "converged", "gain_sigma", "azimuth_deg", "shift_px", "lean_deg", "bar")  # fmt: skip


def tell(rows: list[dict[str, Any]]) -> None:
    """One line for each number that fits state."""
    fitted = [row for row in rows if row["fit"] and np.isfinite(row["off"])]
    right = np.array([is_right(row) for row in fitted])
    print(f"{'':14s} larger if wrong   median of {right.sum()} right, {(~right).sum()} wrong")
    for name in STATED if right.any() and not right.all() else ():
        values = np.nan_to_num([float(row[name]) for row in fitted], nan=0.0)
        less = values[right][:, None] - values[~right]
        chance = 100.0 * np.mean((less < 0) + 0.5 * (less == 0))
        middle = f"{np.median(values[right]):12.3g} {np.median(values[~right]):12.3g}"
        print(f"{name:14s} {chance:7.0f}%     {middle}")


def _inside(rows: list[dict[str, Any]], part: slice) -> str:
    """Share of errors within the 68 and the 95% interval."""
    known = [row for row in rows if min(len(row["error"]), len(row["sigma"])) >= part.stop]
    pulls = np.array([np.abs(np.divide(row["error"][part], row["sigma"][part])) for row in known])
    return (
        f"{100 * np.mean(pulls < 0.9945):3.0f} {100 * np.mean(pulls < 1.96):3.0f}"
        if pulls.size
        else "  -   -"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--scenes", action="store_true")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=9182)
    parser.add_argument("--only", default="")
    parser.add_argument("--starts", default="0,header,10,40")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    sources: list[Iterator[Case]] = [real(given.only)] if given.real else []
    sources += [scenes(given.count, given.seed, given.only)] if given.scenes else []
    sources += [simulated(kind, given.count, given.seed) for kind in given.kinds.split(",") if kind]
    rows = []
    for case in (case for source in sources for case in source):
        frame = in_counts(case.frame)
        with np.errstate(all="ignore"):
            spots = find_spots(frame)
        for name, center, tilt in starts(case, given.starts.split(",")):
            began = time.process_time()
            fit = fit_radial(frame, center, start_tilt_deg=tilt, spots=spots)
            row = {"group": case.group, "name": case.name, "start": name, "trust": case.trust}
            row |= record(case, fit) | {"seconds": time.process_time() - began, "from": center}
            rows.append(row)
            show(row)
            if given.out is not None:
                with given.out.open("a") as file:
                    file.write(json.dumps(row, default=float) + "\n")
    summary(rows)
    tell(rows)


if __name__ == "__main__":
    main()

"""Conventional tools and xgeom on the same frames, from the header's start and from 10 px off; resumable.

python benchmarks/peers.py [--count 40] [--seed 4] [--keep FILE.jsonl] [--only TEXT] [--table] [--plot FILE]

Frames: the real ones of ../shared/frames and ../shared/frames2 whose center is known and whose distance,
pixel size and wavelength are stated, the nanoBragg frames, and COUNT simulated ones of Pilatus 2M size
(standard, varied, flat and realistic by turns), one of these after each of those. "header" is the file's own
center; for simulated frames one that is off by 2 px at one sigma. "10 px" is the truth moved by 10 px in a
direction drawn once a frame.

Programs: what `xgeom compare --run` runs. DIALS sees one still frame, without a known cell:
search_beam_position; index (fft3d, its default, and fft1d where that explains less than half of the spots)
and refine from the start, and from the search's center where the start explains few spots; the same from
xgeom's center, once a frame. It is not asked about powders and fibers, and pyFAI about those only whose
calibrant is known. xgeom gets the start as its header, and once nothing at all. Programs that are not
installed are left out. Frames that stand in the --keep file are not run again; --table prints what is there.

right   the center within 1 px, or what the truth can be trusted to
WRONG   answered, without a warning of its own, and off by more than 3 px and three times that trust
CPU     seconds of all processes of the method, import and spot search of DIALS in each of its methods
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import peers_table
import reference_frames
from reliability_frames import real

from xgeom_core.errors import XgeomError
from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict import Predictor
from xgeom_core.programs import PROGRAMS, Job, Watch, dials_files, locate, run
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.stream import simulate_frame

REPO = Path(__file__).resolve().parent.parent
SHAPE = (1679, 1475)
SIMULATED = ("standard", "varied", "flat", "realistic")
CALIBRANTS = {"CeO2": "CeO2", "ceria": "CeO2", "strain": "CeO2", "AgB": "AgBh", "agbe": "AgBh"}
# Rings and fibers: no crystal to index.
NO_CRYSTAL = (*CALIBRANTS, "Fe3O4", "107.tif", "Mn23", "33837rear", "xgrating", "TIMEPIX")
OFF_PX = 10.0
LIMIT_S = 240.0


@dataclass(frozen=True, eq=False)
class Case:
    """A frame with its truth: center and, where known, tilt; how far that is trusted; starts by name."""

    name: str
    group: str
    frame: Frame
    goal: list[float | None]
    trust_px: float
    starts: dict[str, tuple[float, float]]


def cases(count: int, seed: int) -> Iterator[Case]:
    """Real frames and those of nanoBragg, with simulated ones in between."""
    pairs = itertools.zip_longest(_known(), (_simulated(seed, index) for index in range(count)))
    return (case for pair in pairs for case in pair if case is not None)


def _known() -> Iterator[Case]:
    folder = REPO.parent / "shared" / "frames"
    for case in reference_frames.cases(folder) if folder.is_dir() else ():
        if case.file.startswith("nanobragg"):
            goal = [*case.center_px, *(case.tilt_deg or (None, None))]
            yield _case(case.file, "nanoBragg", reference_frames.read(folder, case), goal, 0.0, {})
    for name, frame, goal, start, trust in real():
        stated = {"header": tuple(start.center_px)} if frame.metadata.center_px is not None else {}
        if not frame.metadata.missing:
            yield _case(name.removeprefix("real "), "real", frame, goal, trust, stated)


def _simulated(seed: int, index: int) -> Case:
    kind = SIMULATED[index % len(SIMULATED)]
    made = simulate_frame(load_recipe(kind), SHAPE, seed, index)
    truth = made.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)
    near = np.random.default_rng([seed, index, 5]).normal(0.0, 2.0, 2) + truth.center_px
    goal = [*truth.center_px, truth.pitch_deg, truth.yaw_deg]
    return _case(f"{kind} {seed} {index}", "simulated", frame, goal, 0.0, {"header": tuple(near)})


def _case(name: str, group: str, frame: Frame, goal: Any, trust: float, starts: dict[str, Any]) -> Case:
    angle = np.random.default_rng(list(name.encode())).uniform(0, 2 * np.pi)
    off = (goal[0] + OFF_PX * np.cos(angle), goal[1] + OFF_PX * np.sin(angle))
    return Case(name, group, frame, goal, trust, {**starts, "10 px": off})


# ------------------------------------------------------------------------------------------------ runs


def cpu_s() -> float:
    """Processor seconds of this process and of the children that have ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def rows(case: Case, predictor: Predictor) -> Iterator[dict[str, Any]]:
    """What every program says of a frame from every start."""
    bare = replace(case.frame, metadata=replace(case.frame.metadata, center_px=None, tilt_deg=None))
    yield from _xgeom(case, "nothing", bare, predictor)
    for name, center in case.starts.items():
        meta = replace(bare.metadata, center_px=center, tilt_deg=case.frame.metadata.tilt_deg)
        frame = replace(case.frame, metadata=meta)
        answer = None
        for row in _xgeom(case, name, frame, predictor):
            answer = row
            yield row
        known = None
        if answer is not None and answer["center_px"] is not None:
            known = meta.geometry(
                tuple(answer["center_px"]), answer["tilt_deg"] and tuple(answer["tilt_deg"])
            )
        # From xgeom's center the start changes nothing: once a frame is enough.
        yield from _peers(case, name, frame, known if name == next(iter(case.starts)) else None)


def _xgeom(case: Case, start: str, frame: Frame, predictor: Predictor) -> Iterator[dict[str, Any]]:
    before = cpu_s()
    found = predictor.predict(frame)
    best = found.best
    yield {
        **_row(case, start, "xgeom", cpu_s() - before),
        "center_px": None if best is None else list(best.center_px),
        "tilt_deg": None if best is None or best.tilt_deg is None else list(best.tilt_deg),
        "warned": found.status != "ok",
        "why": found.reason,
    }


def _peers(case: Case, start: str, frame: Frame, known: Geometry | None) -> Iterator[dict[str, Any]]:
    calibrant = next((name for part, name in CALIBRANTS.items() if part in case.name), None)
    crystal = not any(part in case.name for part in NO_CRYSTAL)
    suited = {"dials": crystal, "pyfai": calibrant is not None, "bblib": True}
    for program in PROGRAMS:
        if not suited.get(program.key) or locate(program) is None:
            continue
        folder = Path(tempfile.mkdtemp(prefix="peers-"))
        job = Job.of_frame(frame, folder / "run", calibrant=calibrant, answer=known, imposed=True)
        if program.key == "dials":
            # What it does not read would be handed over in the same way; so the attempt costs nothing.
            dials_files.write_frame(job, folder / "frame.h5")
            job = replace(job, frames=folder / "frame.h5", index=0, imposed=False)
        spent: list[tuple[str, float]] = []
        watch = Watch(on_step=lambda label, number, most, spent=spent: spent.append((label, cpu_s())))
        try:
            result, why = run(program, job, watch, LIMIT_S), ""
        except XgeomError as error:
            result, why = None, str(error)
        costs = _costs([*spent, ("", cpu_s())])
        for answer in result.answers if result is not None else ():
            record = answer.record()
            yield {
                **_row(case, start, record["source"], costs(record["source"])),
                **{key: record[key] for key in ("center_px", "tilt_deg", "share", "spots")},
                "warned": False,
                "why": "",
                "doubts": record["warnings"],
            }
        expected = EXPECTED[program.key] - (set() if known else {FROM_XGEOM})
        missing = expected - {one.reading.estimate.source for one in (result.answers if result else ())}
        for source in sorted(missing):
            told = why or " ".join(result.notes if result else ())
            nothing = {"center_px": None, "tilt_deg": None, "warned": True, "why": told}
            yield {**_row(case, start, source, costs(source)), **nothing}
        shutil.rmtree(folder, ignore_errors=True)


FROM_XGEOM = "DIALS refined from xgeom's center"
EXPECTED = {
    "dials": {"DIALS search", "DIALS refined", FROM_XGEOM},
    "pyfai": {"pyFAI"},
    "bblib": {"bblib center of mass", "bblib Friedel pairs"},
}


def _costs(spent: list[tuple[str, float]]) -> Any:
    parts = [(label, after[1] - at) for (label, at), after in itertools.pairwise(spent)]

    def cost(source: str) -> float:
        if not source.startswith("DIALS"):
            return sum(seconds for _, seconds in parts)
        shared = ("dials.import", "dials.find_spots", "dials.slice")
        from_xgeom = [label.endswith("xgeom.expt") for label, _ in parts]
        searches = [label.startswith("dials.search") for label, _ in parts]
        chosen = {
            "DIALS search": searches,
            FROM_XGEOM: from_xgeom,
            "DIALS refined": [not (a or b) for a, b in zip(searches, from_xgeom, strict=True)],
        }[source]
        return sum(
            seconds
            for (label, seconds), mine in zip(parts, chosen, strict=True)
            if mine or label.startswith(shared)
        )

    return cost


def _row(case: Case, start: str, method: str, seconds: float) -> dict[str, Any]:
    return {
        "name": case.name,
        "group": case.group,
        "start": start,
        "method": method,
        "goal": case.goal,
        "trust_px": case.trust_px,
        "cpu_s": round(seconds, 2),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--keep", type=Path, default=Path("peers.jsonl"))
    parser.add_argument("--only", default="", help="frames whose name contains this")
    parser.add_argument("--table", action="store_true", help="print what is in the --keep file; run nothing")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    kept = [json.loads(line) for line in asked.keep.read_text().splitlines()] if asked.keep.exists() else []
    if not asked.table:
        predictor = Predictor.load("default")
        done = {row["name"] for row in kept}
        for case in cases(asked.count, asked.seed):
            if case.name in done or asked.only not in case.name:
                continue
            fresh = list(rows(case, predictor))
            with asked.keep.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in fresh)
            kept += fresh
            print(f"{case.name}: {len(fresh)} answers", file=sys.stderr, flush=True)
    peers_table.show(kept)
    if asked.plot is not None:
        peers_table.plot(kept, asked.plot)


if __name__ == "__main__":
    main()

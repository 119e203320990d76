"""Damaged and malicious records in one job's folder: no traceback, and the list of the others stands.

    python benchmarks/hostile_jobs.py [--count 2000]

Every kind of file that a job, a run or a sweep keeps is mutated byte by byte and value by value, and
replaced by pipes, links and devices. After each mutation everything that lists, shows, follows, queues,
compares and ranks jobs is asked. Counts what was answered by a traceback, and lists that were not complete.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xgeom_core.cli.jobs_text import comparison_lines, job_line, show_lines
from xgeom_core.errors import XgeomError
from xgeom_core.jobs.compare import compare
from xgeom_core.jobs.job import Job, Place
from xgeom_core.jobs.queue import draw_ticket, jobs_ahead
from xgeom_core.jobs.records import Exit, Process, SlurmTicket, write_job, write_record
from xgeom_core.jobs.store import JobStore
from xgeom_core.jobs.tail import EventTail
from xgeom_core.system.lock import HeldError, locked
from xgeom_core.system.processes import Identity
from xgeom_core.training.config import Config, load_config
from xgeom_core.training.events import (
    Checkpoint,
    EventLog,
    Finished,
    Heartbeat,
    RunStarted,
    Stage,
    Step,
    Validation,
    read_events,
)
from xgeom_core.training.search_space import load_space
from xgeom_core.training.sweep import score_of, sweep
from xgeom_gui.services.run_reader import read_predictions, read_ranking
from xgeom_gui.services.training_history import TrainingHistory
from xgeom_gui.training import words

OTHERS = ("first", "second", "third")
KINDS = (
    *("job.json", "exit.json", "process.json", "ticket.json", "slurm.json", "events.jsonl", "config.toml"),
    *("predictions.json", "values.json", "ranking.csv", "optuna.journal", "space.toml", "run.lock"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**400, 2**63, 1e308, -0.0, "", "x", "\x1b[2J\n\x07", "x" * 200_000, [], {}, [[]]),
    *({"x": {"y": []}}, [None], ["a", 3], float("inf"), float("nan"), "{folder}", "../../..", "\ud800"),
)


def build(folder: Path) -> Job:
    """A job of a sweep that has everything that such a folder can hold."""
    folder.mkdir(parents=True)
    me = str(Identity.of())
    job = Job(f"id-{folder.name}", "train", folder.name, folder, ("train",), Place(), time.time())
    write_job(job)
    draw_ticket(folder.parent, folder, job.place)
    write_record(folder / "process.json", Process(me, "here", "running", 0, me, os.getpid(), 1.0, 0))
    config = Config()
    (folder / "config.toml").write_text(config.to_toml())
    log = EventLog(folder / "events.jsonl")
    log.write(RunStarted(pid=1, command="xgeom train", xgeom_version="0", steps=9))
    log.write(Stage(text="importing torch"))
    log.write(Heartbeat(process=me, clock=time.monotonic(), memory_gb=1.0))
    log.write(Step(step=3, steps=9, frames=9, loss=1.0, center_px=2.0, learning_rate=0.1, frames_per_s=9.0))
    log.write(
        Validation(
            **{"step": 3, "data": "flat", "loss": 1.0, "center_px": 2.0, "center_constant_px": 3.0},
            **{"tilt_deg": 1.0, "tilt_constant_deg": 2.0},
        )
    )
    log.write(Checkpoint(step=3, model="model.safetensors"))
    log.write(Finished(step=9, reason="stopped", model="model.safetensors"))
    log.close()
    return job


def add_rest(folder: Path) -> None:
    """What only some jobs have; the mutated one has all of it."""
    write_record(folder / "exit.json", Exit("failed", 2, "", "The disk is full.", 1.0, 2.0))
    write_record(folder / "slurm.json", SlurmTicket("7", "1", 1.0))
    columns = {name: [1.0, None] for name in ("cx", "cy", "pitch", "yaw")}
    sets = {"flat": {"actual": columns, "predicted": columns}}
    (folder / "predictions.json").write_text(json.dumps({"step": 3, "sets": sets}))
    (folder / "values.json").write_text(json.dumps({"training.learning_rate": 0.1}))
    (folder / "ranking.csv").write_text("rank,trial,score,x\n1,0,0.25,1\n")
    (folder / "space.toml").write_text('[vary]\n"training.steps" = { choices = [1, 2] }\n')
    (folder / "run.lock").write_text('{"process": "1@1@x", "host": "node", "since": 1.0}')
    trial = folder / "trial-0000"
    trial.mkdir()
    for name in ("events.jsonl", "values.json"):
        shutil.copyfile(folder / name, trial / name)
    # No trial is wanted: this only makes the study.
    sweep(folder / "config.toml", load_space(folder / "space.toml"), folder, 0, 1)


def mutate(path: Path, original: bytes, draw: random.Random) -> None:
    """Put something else in a file's place."""
    path.unlink(missing_ok=True)
    how = draw.random()
    if how < 0.06:
        draw.choice(SPECIAL)(path)
    elif how < 0.55 and (content := _values(original, draw)) is not None:
        path.write_bytes(content)
    else:
        path.write_bytes(_bytes(original, draw))


PIECES = (b"9" * 5000, b"[" * 3000, b"\n", b"\x00", b'"', b"{}", b"1e999", b"NaN")
SPECIAL: tuple[Callable[[Path], object], ...] = (
    os.mkfifo,
    lambda path: path.mkdir(),
    lambda path: path.symlink_to("/etc/passwd"),
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("nowhere"),
    lambda path: path.symlink_to(path.name),
    lambda path: path.write_bytes(b" " * 3_000_000 + b"{}"),
    lambda path: path.write_bytes(b"[" * 100_000),
    lambda path: path.write_bytes(b'{"a":' * 100_000),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"\xff\xfe\x00"),
)


def _values(original: bytes, draw: random.Random) -> bytes | None:
    """Another value in place of one in a JSON text; of events, in one line."""
    lines = original.splitlines()
    at = draw.randrange(len(lines)) if lines and all(line[:1] == b"{" for line in lines) else None
    try:
        content = json.loads(original if at is None else lines[at])
    except ValueError:
        return None
    places = list(_places(content))
    if not places:
        return None
    for _ in range(draw.choice((1, 1, 2))):
        holder, key = draw.choice(places)
        if draw.random() < 0.15 and isinstance(holder, dict):
            holder.pop(key, None)
        elif isinstance(holder, dict) or key < len(holder):
            holder[key] = copy.deepcopy(draw.choice(VALUES))
    sys.set_int_max_str_digits(0)
    text = json.dumps(content).encode()
    sys.set_int_max_str_digits(4300)
    if at is None:
        return text
    lines[at] = text
    return b"\n".join(lines) + b"\n"


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(content, dict | list):
        return
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        yield from _places(value)


def _bytes(original: bytes, draw: random.Random) -> bytes:
    data = bytearray(original)
    for _ in range(draw.choice((1, 2, 5, 30))):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(5):
            case 0:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del data[at : at + draw.choice((1, 5, 50))]
            case 2:
                data[at:at] = draw.choice(PIECES)
            case 3:
                data[at:at] = data[at : at + 20]
            case _:
                data[at : at + 1] = b"\x1b"
    return bytes(data[: draw.randrange(len(data) + 1)] if draw.random() < 0.15 else data)


def ask(root: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that reads job folders, one by one."""
    store, mutated = JobStore(root), root / "mutated"

    def listed() -> None:
        jobs = store.jobs()
        names = {job.folder.name for job in jobs}
        # The mutated one may be gone from the list only with its own record.
        assert names >= set(OTHERS), f"the list has only {names}"
        for job in jobs:
            status = store.status(job)
            json.dumps({**asdict(job), **asdict(status), "folder": str(job.folder)})
            history = TrainingHistory()
            history.extend(read_events(job.folder / "events.jsonl"))
            shown = [job_line(job, status), *show_lines(job, status), words.sentence(job, status, history)]
            shown += [*words.facts(status, history), history.status_text(), words.state_text(status)]
            assert job.folder.name == "mutated" or status.state == "stopping", status

    def followed() -> None:
        tail = EventTail(mutated / "events.jsonl", 16_384)
        tail.read()
        while tail.more:
            tail.read()

    def locked_now() -> None:
        try:
            with locked(mutated / "run.lock"):
                pass
        except (HeldError, OSError):
            pass

    yield "list", listed
    yield "find", lambda: store.find("second")
    yield "queue", lambda: jobs_ahead(root, root / "third")
    yield "follow", followed
    yield "compare", lambda: list(comparison_lines(compare([mutated, root / "first"]), ["a", "b"]))
    yield "configuration", lambda: load_config(mutated / "config.toml")
    yield "search space", lambda: load_space(mutated / "space.toml")
    yield "predictions", lambda: read_predictions(mutated)
    yield "ranking", lambda: read_ranking(mutated, "both")
    yield "score", lambda: score_of(mutated, "both")
    yield "lock", locked_now


def study(root: Path) -> None:
    """Go on with the sweep; only this reads its ledger, and slowly."""
    folder = root / "mutated"
    sweep(root / "first" / "config.toml", load_space(root / "space.toml"), folder, 0, 1)


def run(count: int, seed: int = 0) -> Counter[str]:
    """Mutate `count` records; how often what was answered how, with the first traceback of each kind."""
    draw, told, seen = random.Random(seed), Counter[str](), set[str]()
    home = Path(tempfile.mkdtemp(prefix="xgeom-hostile-"))
    root = home / "runs"
    for name in (*OTHERS, "mutated"):
        build(root / name)
    add_rest(root / "mutated")
    shutil.copyfile(root / "mutated" / "space.toml", root / "space.toml")
    whole = home / "whole"
    shutil.copytree(root / "mutated", whole)
    for turn in range(count):
        name = KINDS[turn % len(KINDS)]
        shutil.rmtree(root / "mutated")
        shutil.copytree(whole, root / "mutated")
        if name != "exit.json" and draw.random() < 0.7:
            # It hides how the job stands otherwise.
            (root / "mutated" / "exit.json").unlink()
        mutate(root / "mutated" / name, (whole / name).read_bytes(), draw)
        asked = [*ask(root)] if name != "optuna.journal" else [("study", lambda: study(root))]
        for what, act in asked:
            try:
                act()
                told["answered"] += 1
            except XgeomError as error:
                told["sentences"] += 1
                if len(str(error)) > 700 or "\n" in str(error):
                    told["sentences that are none"] += 1
                    sys.stderr.write(f"{name}, {what}: {str(error)[:300]!r}\n")
            except AssertionError as error:
                told["lists that are not complete"] += 1
                sys.stderr.write(f"{name}: {error}\n")
            except Exception as error:
                told["tracebacks"] += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                if (key := f"{name}, {what}: {type(error).__name__} {where.name}") not in seen:
                    seen.add(key)
                    sys.stderr.write(f"{key}: {str(error)[:200]}\n")
        told["records"] += 1
    shutil.rmtree(home)
    return told


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begin = time.process_time()
    told = run(chosen.count, chosen.seed)
    for name in ("records", "answered", "sentences", "sentences that are none"):
        print(f"{told[name]:7d} {name}")
    for name in ("lists that are not complete", "tracebacks"):
        print(f"{told[name]:7d} {name}")
    print(f"{time.process_time() - begin:7.1f} s of processor time")


if __name__ == "__main__":
    main()

"""Damaged files of every format: an answer or a sentence, and nothing else.

    python benchmarks/fuzz.py --count 10000 --seed 1

Each file is a whole one (see `fuzzing/frames.py`, `fuzzing/geometries.py`), damaged by its number alone, so
that the same seed gives the same files. A process that reads them one after another through xgeom's
public doors is watched, and started again when it dies. Prints a table in Markdown; files that came to a
bad end are kept in a folder each, with a report. Exit status 1 if there is one.

    python benchmarks/fuzz.py --seed 1 --only 4711       # that file again
    python benchmarks/fuzz.py --read FILE [--kind geometry]   # any file, in this process
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fuzzing.mutations import damaged
from fuzzing.reading import Report, read
from fuzzing.seeds import Seed, all_seeds
from fuzzing.watch import Death, Watch
from xgeom_core.cli.terminal import visible

COLUMNS = ("answered", "refused", "signal", "traceback", "endless", "bad words", "wrong pixels")
FAULTS = COLUMNS[2:]
LONGEST = 600


def ends(report: Report | Death, path: Path, inside: bool, whole: Report) -> list[str]:
    """How a reading ended, as columns of the table; the first is "answered", "refused" or a fault."""
    if isinstance(report, Death):
        return [report.how]
    found = ["traceback" if report.fault else "answered" if report.answers else "refused"]
    if bad_words(report, path):
        found.append("bad words")
    if inside and _silently_other(report, whole):
        found.append("wrong pixels")
    return found


def _silently_other(report: Report, whole: Report) -> bool:
    """Whether pixels are others than they were, without an error or a word that the whole file lacks."""
    return report.pixels != whole.pixels and not report.refusals and report.notes == whole.notes


def bad_words(report: Report, path: Path) -> list[str]:
    """Sentences that are too long, not on one line, that a terminal would obey, or that name no file."""
    known = str(path)
    found = [words for words in report.notes if visible(words) != words or len(words) > LONGEST]
    for words in report.refusals:
        rest = words.replace(known, "")
        if rest == words or visible(rest) != rest or not 10 < len(rest) <= LONGEST:
            found.append(words)
    return found


def damaged_inside(seed: Seed, data: bytes) -> bool:
    """Whether only bytes under a checksum are others than they were."""
    if seed.checked is None or len(data) != len(seed.data) or data == seed.data:
        return False
    first, last = seed.checked
    return data[:first] == seed.data[:first] and data[last:] == seed.data[last:]


class Fuzzer:
    """Tries files by number and keeps count.

    Parameters
    ----------
    seed : int
    keep : Path
        Folder for what came to a bad end.
    limit_s : float
        Processor time for one file.
    formats : sequence of str
        Only seeds whose names hold one of these; all without.
    """

    def __init__(self, seed: int, keep: Path, limit_s: float, formats: Sequence[str] = ()) -> None:
        self._seed, self._keep = seed, keep
        self._seeds = [one for one in all_seeds() if not formats or any(word in one.key for word in formats)]
        if not self._seeds:
            raise SystemExit(f"No seed is called {' or '.join(formats)}.")
        self.watch = Watch(limit_s)
        self.counts: dict[str, Counter[str]] = {one.key: Counter() for one in self._seeds}
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._whole = {one.key: self._read_whole(one) for one in self._seeds}

    def _read_whole(self, seed: Seed) -> Report:
        path = self._put(seed, seed.data)
        report = self.watch.read(path, seed.kind)
        if isinstance(report, Death) or report.fault or not report.answers:
            raise SystemExit(f"The whole file {seed.key} is not read: {report}")
        words = bad_words(report, path)
        if words:
            raise SystemExit(f"The whole file {seed.key} gives bad words: {words}")
        return report

    def _put(self, seed: Seed, data: bytes) -> Path:
        folder = self._folder / "file"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in {**seed.beside, seed.name: data}.items():
            (folder / name).write_bytes(content)
        return folder / seed.name

    def try_one(self, number: int) -> list[str]:
        """Read the damaged file of a number; the faults that it showed."""
        seed = self._seeds[number % len(self._seeds)]
        rng = random.Random(f"{self._seed}/{number}")
        data, what = damaged(seed.name, seed.data, seed.checked, rng)
        path = self._put(seed, data)
        report = self.watch.read(path, seed.kind)
        # What was packed again stands under a new checksum of the packing.
        inside = not what.startswith("unpacked") and damaged_inside(seed, data)
        found = ends(report, path, inside, self._whole[seed.key])
        self.counts[seed.key].update(["files", *found])
        faults = [end for end in found if end in FAULTS]
        if faults:
            self._keep_file(number, seed, what, faults, report)
        return faults

    def _keep_file(
        self, number: int, seed: Seed, what: str, faults: list[str], report: Report | Death
    ) -> None:
        name = f"{self._seed}-{number:05d} {seed.key} {what} {' '.join(faults)}"
        folder = self._keep / name.replace(" ", "_").replace("/", "_").replace(",", "")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._folder / "file", folder)
        words = report.words if isinstance(report, Death) else described(report)
        again = f"python benchmarks/fuzz.py --read {folder / seed.name} --kind {seed.kind}"
        (folder / "report.txt").write_text(f"{again}\n\n{words}\n", encoding="utf-8", errors="replace")
        print(f"{', '.join(faults)}: {folder}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the process, and remove its files."""
        self.watch.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def table(self) -> str:
        """Counts in Markdown, a row a seed."""
        rows = [("file", "tried", *COLUMNS), ("---",) + ("---:",) * (len(COLUMNS) + 1)]
        total: Counter[str] = Counter()
        for key, count in self.counts.items():
            total += count
            rows.append((key, *(str(count[name]) for name in ("files", *COLUMNS))))
        rows.append(("**all**", *(str(total[name]) for name in ("files", *COLUMNS))))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def described(report: Report) -> str:
    """All of a report, to read."""
    return "\n".join(f"{name}: {value}" for name, value in asdict(report).items())


def main() -> None:
    """Try files and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300, help="files to try (default 300)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--formats", nargs="+", default=[], help="only seeds with these words in their names")
    parser.add_argument("--only", type=int, help="try the file of this number alone")
    parser.add_argument("--limit-s", type=float, default=10.0, help="processor time for one file")
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"), help="folder for bad ends")
    parser.add_argument("--read", type=Path, help="read this file in this process and print what came of it")
    parser.add_argument("--kind", choices=("frames", "geometry"), default="frames")
    given = parser.parse_args()
    if given.read is not None:
        print(described(read(str(given.read), given.kind)))
        return
    fuzzer = Fuzzer(given.seed, given.keep, given.limit_s, given.formats)
    try:
        numbers = range(given.count) if given.only is None else (given.only,)
        faults = sum(bool(fuzzer.try_one(number)) for number in numbers)
    finally:
        fuzzer.close()
    print(fuzzer.table())
    print(
        f"\n{faults} of {len(numbers)} files came to a bad end; {fuzzer.watch.started} processes read them."
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

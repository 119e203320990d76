"""Write shards: render in order, keep every frame at once, assemble each file when its frames are there."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from xgeom_core.errors import FrameFileError
from xgeom_core.simulate.recipe import Recipe
from xgeom_core.simulate.shards.crew import Crew
from xgeom_core.simulate.shards.journal import Journal, difference, journal_identity, wanted_identity
from xgeom_core.simulate.shards.plan import FrameSet, Shard
from xgeom_core.simulate.shards.training_file import assemble, found_identity

Tell = Callable[[int], None]


def write_shards(
    frames: FrameSet,
    shards: Sequence[Shard],
    *,
    workers: int = 1,
    overwrite: bool = False,
    tell: Tell = lambda done: None,
) -> None:
    """Simulate frames into HDF5 files in the training layout, or go on where that was interrupted.

    Parameters
    ----------
    frames : FrameSet
        What to simulate.
    shards : sequence of Shard
        The files, as `plan_shards` makes them. The bytes of each depend on `frames` and the shard alone.
    workers : int
        Processes that render; 1 renders in this one.
    overwrite : bool
        Make files anew that are there already, each replaced when its new frames are whole; and forget
        interrupted work on other frames.
    tell : callable
        Called with the number of frames that are there: first with those kept from an interrupted
        run, then after each one.

    Raises
    ------
    FrameFileError
        If a file is there already and holds other frames, or cannot be written.
    RecipeError
        If a frame cannot be rendered.

    Notes
    -----
    A finished file that holds the very frames is left as it is. Beside an unfinished one lies its
    journal, and on the disk there must be room for both while it is assembled.
    """
    missing = [shard for shard in shards if overwrite or not _finished(shard, frames)]
    kept = {shard: _kept(shard, frames, overwrite) for shard in missing}
    indices = [range(shard.first + kept[shard], shard.first + shard.count) for shard in missing]
    left = sum(map(len, indices))
    count = itertools.count(sum(shard.count for shard in shards) - left)
    tell(next(count))
    with _terminating(), _Assembly(frames) as assembly:
        with Crew(frames, min(workers, left)) as crew:
            records = crew.records(itertools.chain.from_iterable(indices))
            for shard in missing:
                with ExitStack() as until_handed_over:
                    journal = until_handed_over.enter_context(Journal(shard, frames))
                    if min(journal.count, shard.count) != kept[shard]:
                        raise FrameFileError(f"Another process has been writing {shard.path} meanwhile.")
                    for record in itertools.islice(records, shard.count - kept[shard]):
                        journal.append(record)
                        tell(next(count))
                    assembly.add(shard, journal)
                    until_handed_over.pop_all()
        assembly.finish()


def write_training_file(
    path: Path,
    recipe: Recipe,
    shape: tuple[int, int],
    count: int,
    seed: int,
    tell: Tell = lambda done: None,
    *,
    workers: int = 1,
    overwrite: bool = False,
) -> None:
    """Simulate `count` frames into one HDF5 file; see `write_shards`."""
    frames, shard = FrameSet(recipe, shape, seed), Shard(path, 0, count)
    write_shards(frames, [shard], workers=workers, overwrite=overwrite, tell=tell)


class _Assembly:
    """Assembles one file at a time in a thread, while the next one's frames are rendered."""

    def __init__(self, frames: FrameSet) -> None:
        self._frames = frames
        self._thread = ThreadPoolExecutor(1, "assembly")
        self._last: Future[None] | None = None

    def __enter__(self) -> _Assembly:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True)

    def add(self, shard: Shard, journal: Journal) -> None:
        # No more than one waits, so that the disk holds no more than three files' frames twice.
        self.finish()
        self._last = self._thread.submit(self._assemble, shard, journal)

    def finish(self) -> None:
        """Wait for the file at work; raises what went wrong with it."""
        if self._last is not None:
            self._last.result()

    def _assemble(self, shard: Shard, journal: Journal) -> None:
        with journal:
            assemble(shard, self._frames, journal.packed())
            shard.journal.unlink()


def _finished(shard: Shard, frames: FrameSet) -> bool:
    """Whether the file is there already; what was left of its journal goes.

    Raises
    ------
    FrameFileError
        If a file of that name holds something else.
    """
    if not shard.path.exists():
        return False
    wanted = {**frames.identity(), "first frame": shard.first, "number of frames": shard.count}
    found = found_identity(shard.path)
    if found != wanted:
        what = difference(found, wanted) if found is not None else "and holds other frames"
        raise FrameFileError(
            f"{shard.path} is there already, {what}. Choose another file, or replace it with --overwrite."
        )
    shard.journal.unlink(missing_ok=True)
    return True


def _kept(shard: Shard, frames: FrameSet, overwrite: bool) -> int:
    """Frames of an interrupted run."""
    try:
        if not shard.journal.exists():
            return 0
        if overwrite and journal_identity(shard) != wanted_identity(shard, frames):
            shard.journal.unlink()
            return 0
        with Journal(shard, frames) as journal:
            return min(journal.count, shard.count)
    except OSError as error:
        raise FrameFileError(f"{shard.journal} cannot be used: {error.strerror}.") from None


@contextmanager
def _terminating() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: workers first, the journal whole. Only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

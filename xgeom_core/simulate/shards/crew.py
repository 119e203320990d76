"""Processes that render and compress; their frames come back in order.

Each worker has a pipe of its own. When the parent dies, however it dies, the pipe closes and the worker
ends; when a worker dies, the pipe closes and the parent knows.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType

from xgeom_core.errors import FrameFileError, RecipeError, XgeomError
from xgeom_core.simulate.shards.packing import MARK, Packed, record_index
from xgeom_core.simulate.shards.plan import FrameSet
from xgeom_core.simulate.stream import simulate_frame

# Frames a worker is given ahead, so that it never waits for the next number.
_AHEAD = 2
# Finished frames per worker that may wait for a slow one before them: bounds the memory.
_WAITING = 4
_FAILED = b"FAIL"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Worker:
    """One process and the numbers it was given."""

    def __init__(self, frames: FrameSet) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, far = context.Pipe()
        self.given = 0
        self.process: BaseProcess = context.Process(target=_work, args=(far, frames), daemon=True)
        self.process.start()
        far.close()

    def give(self, index: int) -> None:
        """Ask for a frame."""
        self.given += 1
        self.connection.send(index)

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Crew:
    """Renders frames in worker processes, or in this one.

    Parameters
    ----------
    frames : FrameSet
        What to render.
    workers : int
        Number of processes; 1 renders in this process. More need a main module that can be imported
        (``if __name__ == "__main__"``).
    """

    def __init__(self, frames: FrameSet, workers: int) -> None:
        self._frames = frames
        self._workers: list[Worker] = []
        try:
            with _for_children():
                for _ in range(workers if workers > 1 else 0):
                    self._workers.append(Worker(frames))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def records(self, indices: Iterable[int]) -> Iterator[bytes]:
        """Records of these frames, in the order of their numbers' coming.

        Raises
        ------
        RecipeError
            If a frame cannot be rendered.
        FrameFileError
            If a worker was killed.
        """
        if not self._workers:
            for index in indices:
                yield _record(self._frames, index)
            return
        todo, order, ready = iter(indices), deque[int](), dict[int, bytes]()
        while True:
            self._hand_out(todo, order)
            if not order:
                return
            while order[0] not in ready:
                self._collect(ready)
                self._hand_out(todo, order)
            yield ready.pop(order.popleft())

    def _hand_out(self, todo: Iterator[int], order: deque[int]) -> None:
        for _ in range(_AHEAD):
            for worker in self._workers:
                if worker.given >= _AHEAD or len(order) >= _WAITING * len(self._workers):
                    continue
                index = next(todo, None)
                if index is None:
                    return
                order.append(index)
                try:
                    worker.give(index)
                except OSError:
                    raise _ended(worker) from None

    def _collect(self, ready: dict[int, bytes]) -> None:
        """Wait for one or more frames."""
        busy = {worker.connection: worker for worker in self._workers if worker.given}
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]
            try:
                answer = worker.connection.recv_bytes()
            except (EOFError, OSError):
                raise _ended(worker) from None
            if not answer.startswith(MARK):
                raise RecipeError(answer.removeprefix(_FAILED).decode())
            worker.given -= 1
            ready[record_index(answer)] = answer


def _ended(worker: Worker) -> FrameFileError:
    # A signal to the whole group ends the workers too: leave this process the time to obey it first.
    time.sleep(0.2)
    worker.process.join(5)
    code = worker.process.exitcode
    how = f"by signal {-code} (is the memory full?)" if code is not None and code < 0 else f"with code {code}"
    return FrameFileError(
        f"A worker process of the simulation ended {how}. The frames before it are kept; run the same "
        "command again, perhaps with fewer --workers."
    )


def _record(frames: FrameSet, index: int) -> bytes:
    """Render and compress one frame."""
    try:
        made = simulate_frame(frames.recipe, frames.shape, frames.seed, index)
        return Packed.of(made, index).record()
    except XgeomError:
        raise
    except Exception as error:
        raise RecipeError(
            f"Frame {index} of the recipe {frames.recipe.name!r} cannot be simulated "
            f"({type(error).__name__}: {error})."
        ) from error


def _work(connection: Connection, frames: FrameSet) -> None:
    """Life of a worker: numbers in, records out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            index = connection.recv()
            try:
                answer = _record(frames, index)
            except XgeomError as error:
                answer = _FAILED + str(error).encode()
            connection.send_bytes(answer)
    except (EOFError, OSError):
        return


@contextmanager
def _for_children() -> Iterator[None]:
    """What processes that start meanwhile inherit: one thread each, and no Ctrl-C, which is the parent's."""
    # It starts with the first process, and unblocks Ctrl-C behind itself.
    resource_tracker.ensure_running()
    before = {name: os.environ.get(name) for name in _THREADS}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

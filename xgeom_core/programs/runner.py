"""Run another program in its own folder: progress, log, time limit, cancel, and nothing left running."""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from xgeom_core.errors import ProgramCancelledError, ProgramError, UsageError, XgeomError
from xgeom_core.formats.reading import Reading
from xgeom_core.programs.locate import needed
from xgeom_core.programs.processes import MARK, end
from xgeom_core.programs.program import Answer, Job, Outcome, Program, Step

LOG_NAME = "xgeom-run.log"
_POLL_S = 0.05
# A program gone wild fills the disk faster than anybody looks.
_LOG_LIMIT = 256 * 1024 * 1024
# What follows from the end of its output: why it failed, how many spots are indexed.
_LINES_KEPT = 400
_LINE_END = re.compile(rb"[\r\n]+")


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a program found.

    Parameters
    ----------
    answers : tuple of Answer
        Its answers in this project's convention.
    log : Path
        Everything it wrote, command lines included.
    elapsed_s : float
        How long it took.
    notes : tuple of str
        Steps that failed without ending the run.
    commands : tuple of str
        The command lines, in the order in which they were run.
    """

    answers: tuple[Answer, ...]
    log: Path
    elapsed_s: float
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The answers alone, without start and spots."""
        return tuple(answer.reading for answer in self.answers)


@dataclass
class Watch:
    """How a run is followed and stopped.

    Parameters
    ----------
    on_step : callable
        ``on_step(label, number, most)`` as each step starts, number from 1; most is a guess.
    on_line : callable
        ``on_line(text)`` for every line that the program writes.
    cancelled : callable
        Asked several times a second; True ends the run. An ``Event.is_set`` will do.
    """

    on_step: Callable[[str, int, int], None] = lambda label, number, total: None
    on_line: Callable[[str], None] = lambda text: None
    cancelled: Callable[[], bool] = lambda: False


def run(
    program: Program,
    job: Job,
    watch: Watch | None = None,
    time_limit_s: float = 3600.0,
    configured: Mapping[str, Path] | None = None,
) -> RunResult:
    """Run a program and read what it found.

    Parameters
    ----------
    program : Program
        Which.
    job : Job
        On what; its folder is made, and must be empty.
    watch : Watch, optional
        Progress and cancelling.
    time_limit_s : float
        For the whole run.
    configured : mapping of str to Path, optional
        See `xgeom_core.programs.locate.locate`.

    Raises
    ------
    ProgramError
        If it is not found, fails, takes too long or leaves no result; the message names the log.
    ProgramCancelledError
        If it was cancelled.
    UsageError
        If the job lacks what the program needs.
    """
    watch = watch or Watch()
    found = needed(program, configured)
    _prepare(job.folder)
    started = time.monotonic()
    runner = _Runner(program, job, watch, started + time_limit_s, time_limit_s)
    work = program.work(job, found)
    outcome: Outcome | None = None
    notes: list[str] = []
    commands: list[str] = []
    while True:
        try:
            step = next(work) if outcome is None else work.send(outcome)
        except StopIteration as ended:
            answers = _of_frame(ended.value, program, job)
            break
        except (UsageError, ProgramError):
            raise
        except XgeomError as error:
            raise ProgramError(
                f"{program.name} left a result that cannot be used ({error}); see {runner.log}."
            ) from error
        commands.append(subprocess.list2cmdline(step.command))
        watch.on_step(step.label, len(commands), max(program.most_steps, len(commands)))
        outcome = runner.step(step)
        if outcome.failure and not step.optional:
            raise ProgramError(outcome.failure)
        if outcome.failure:
            notes.append(outcome.failure)
    if not answers:
        because = f": {notes[0]}" if notes else f"; its log is {runner.log}."
        raise ProgramError(f"{program.name} ended without a beam center{because}")
    return RunResult(answers, runner.log, time.monotonic() - started, tuple(notes), tuple(commands))


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = not any(folder.iterdir())
    except OSError as error:
        raise ProgramError(f"{folder} cannot be made: {error.strerror}.") from None
    if not empty:
        raise ProgramError(f"{folder} is not empty; a run needs a folder of its own.")


def _of_frame(answers: list[Answer], program: Program, job: Job) -> tuple[Answer, ...]:
    """Of a program that saw one frame only: it speaks of no other."""
    if not program.single_frame:
        return tuple(answers)
    return tuple(replace(one, reading=replace(one.reading, frame=job.index)) for one in answers)


class _Runner:
    """The steps of one run, which share a log, a deadline and a mark."""

    def __init__(self, program: Program, job: Job, watch: Watch, deadline: float, limit_s: float) -> None:
        self._name, self._folder, self._watch = program.name, job.folder, watch
        self._cause = program.cause
        self._deadline, self._limit_s = deadline, limit_s
        self._mark = uuid.uuid4().hex
        self.log = job.folder / LOG_NAME

    def step(self, step: Step) -> Outcome:
        """Run one command and tell how it ended. Raises ProgramError when the run must end."""
        with self.log.open("ab") as log:
            log.write(f"$ {subprocess.list2cmdline(step.command)}\n".encode())
            log.flush()
            begin = log.tell()
            try:
                process = subprocess.Popen(
                    step.command,
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **step.environment, MARK: self._mark},
                    # Its own session: the terminal's Ctrl-C reaches xgeom, which then ends the program.
                    start_new_session=True,
                )
            except OSError as error:
                raise ProgramError(f"{step.command[0]} cannot be started: {error.strerror}.") from None
        try:
            lines = self._follow(process, begin)
        finally:
            end(process, self._mark)
        return Outcome(self._failure(step, process.returncode, lines), tuple(lines))

    def _follow(self, process: subprocess.Popen[bytes], position: int) -> list[str]:
        """Pass on what the program writes until it ends; the last lines it wrote."""
        last: list[str] = []
        rest = b""
        with self.log.open("rb") as stream:
            stream.seek(position)
            while True:
                ended = process.poll() is not None
                piece = stream.read(1 << 20)
                *whole, rest = _LINE_END.split(rest + piece)
                if ended and not piece:
                    whole, rest = [*whole, rest], b""
                for line in (text.decode("utf-8", "replace").rstrip() for text in whole if text.strip()):
                    self._watch.on_line(line)
                    last = [*last[1 - _LINES_KEPT :], line]
                if ended and not piece:
                    return last
                self._check(stream.tell())
                if not piece:
                    time.sleep(_POLL_S)

    def _check(self, written: int) -> None:
        if self._watch.cancelled():
            raise ProgramCancelledError(f"{self._name} was stopped; what it wrote is in {self._folder}.")
        if time.monotonic() > self._deadline:
            raise ProgramError(
                f"{self._name} was ended after its time limit of {self._limit_s:g} s; its log is {self.log}."
            )
        if written > _LOG_LIMIT:
            raise ProgramError(f"{self._name} was ended because it filled the disk with its log, {self.log}.")

    def _failure(self, step: Step, code: int | None, lines: list[str]) -> str:
        cause = self._cause(tuple(lines))
        said = f" (it said: {cause[:200]})" if cause else ""
        if code:
            how = f"ended with status {code}" if code > 0 else f"was ended by signal {-code}"
            return f"{step.label} {how}{said}; its log is {self.log}."
        absent = [name for name in step.results if not (self._folder / name).is_file()]
        if absent:
            return f"{step.label} left no {' and no '.join(absent)}{said}; its log is {self.log}."
        return ""

"""Programs that xgeom can run where they are installed: one module per program."""

from __future__ import annotations

from xgeom_core.errors import ProgramCancelledError, ProgramError, UsageError
from xgeom_core.programs import bblib, dials, pyfai, xds
from xgeom_core.programs.locate import locate
from xgeom_core.programs.program import Found, Job, Program, Step
from xgeom_core.programs.runner import RunResult, Watch, run

__all__ = [
    "PROGRAMS",
    "Found",
    "Job",
    "Program",
    "ProgramCancelledError",
    "ProgramError",
    "RunResult",
    "Step",
    "Watch",
    "find_program",
    "locate",
    "run",
]

PROGRAMS: tuple[Program, ...] = (dials.PROGRAM, pyfai.PROGRAM, xds.PROGRAM, bblib.PROGRAM)


def find_program(key: str) -> Program:
    """The program of a key such as ``"dials"``; raises UsageError listing the keys if there is none."""
    for program in PROGRAMS:
        if program.key == key.strip().lower():
            return program
    raise UsageError(f"xgeom can run {', '.join(p.key for p in PROGRAMS)}, not {key!r}.")

"""XDS: XYCORR, INIT, COLSPOT and IDXREF on an XDS.INP of the user, in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

from xgeom_core.errors import UsageError
from xgeom_core.formats.registry import read_geometry
from xgeom_core.formats.text import read_text
from xgeom_core.programs.program import Answer, Found, Job, Program, Step, Work

_JOB = "JOB= XYCORR INIT COLSPOT IDXREF"
_JOB_LINE = re.compile(r"(?m)^([^!\n]*?)\bJOB\s*=[^!\n]*")
_TEMPLATE = re.compile(r"(?m)^([^!\n]*?\bNAME_TEMPLATE_OF_DATA_FRAMES\s*=\s*)(\S+)")


def work(job: Job, found: Found) -> Work:
    """Write XDS.INP from the user's, whose geometry is the start, run XDS, and read what IDXREF refined.

    It writes XPARM.XDS even when it then stops for a low share of indexed spots.
    """
    if job.template is None:
        raise UsageError(
            "XDS needs an XDS.INP that fits the detector (state it with --xds-inp FILE): it holds what no "
            "frame says, such as the rotation axis, the trusted region and the segments."
        )
    text = read_text(job.template)
    text = _frames_beside(_only_idxref(text), job)
    (job.folder / "XDS.INP").write_text(text, encoding="utf-8")
    yield Step("XDS IDXREF", (found.paths["xds"],), ("IDXREF.LP",), optional=True)
    path = job.folder / "XPARM.XDS"
    return [Answer(reading) for reading in read_geometry(path)] if path.is_file() else []


def _only_idxref(text: str) -> str:
    """The input with the jobs that lead to a beam center, and no others."""
    without = _JOB_LINE.sub(lambda match: match.group(1), text)
    return f"{_JOB}\n{without}"


def _frames_beside(text: str, job: Job) -> str:
    """Let the frames be found from the run's folder, through a short link: XDS cuts long paths off."""
    match = _TEMPLATE.search(text)
    if match is None:
        raise UsageError(f"{job.template} has no NAME_TEMPLATE_OF_DATA_FRAMES; XDS cannot find the frames.")
    assert job.template is not None
    frames = Path(job.template.parent, match.group(2)).absolute()
    (job.folder / "frames").symlink_to(frames.parent, target_is_directory=True)
    return _TEMPLATE.sub(lambda found: f"{found.group(1)}frames/{frames.name}", text, count=1)


PROGRAM = Program(
    key="xds",
    name="XDS",
    executables=("xds",),
    needs="a run of rotation frames and an XDS.INP for the detector (--xds-inp)",
    tried="never run for real: command lines after the documentation of XDS, tested with a stand-in",
    work=work,
)

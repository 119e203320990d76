"""pyFAI: refine the geometry on the rings of a calibrant, without a window and without questions.

The console script ``pyFAI-recalib --no-gui --no-interactive`` does the same where its blob detection finds
the rings; on real frames it often finds none. So a small script (``pyfai_driver.py``) drives
``pyFAI.goniometer.SingleGeometry``, the class behind pyFAI's own calibrations, in pyFAI's interpreter.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from xgeom_core.errors import UsageError
from xgeom_core.formats.format import Writing
from xgeom_core.formats.reading import Hints
from xgeom_core.formats.registry import find_format, read_geometry
from xgeom_core.programs.program import Answer, Found, Job, Program, Step, Work

DRIVER = Path(__file__).with_name("pyfai_driver.py")
_RESULT = "refined.poni"


def work(job: Job, found: Found) -> Work:
    """Hand over image, mask and a PONI to start from, and read the refined PONI."""
    image, valid = job.needed_pixels("pyFAI")
    start = job.needed_start("pyFAI")
    if start.wavelength_A is None:
        raise UsageError("pyFAI needs the wavelength; state it with --wavelength-A.")
    if not job.calibrant:
        raise UsageError("pyFAI needs the name of the calibrant; state it with --calibrant, such as CeO2.")
    write = find_format("pyfai").write
    assert write is not None
    (job.folder / "start.poni").write_text(write(Writing(start, (image.shape[1], image.shape[0]))))
    np.save(job.folder / "image.npy", image)
    np.save(job.folder / "invalid.npy", ~valid)
    settings = {"calibrant": job.calibrant, "start": "start.poni", "result": _RESULT}
    (job.folder / "job.json").write_text(json.dumps(settings))
    # A copy: beside xgeom's modules it would find those in place of the program's.
    shutil.copyfile(DRIVER, job.folder / DRIVER.name)
    # Matplotlib and Qt must not look for a screen.
    environment = {"MPLBACKEND": "Agg", "QT_QPA_PLATFORM": "offscreen"}
    command = (found.python, DRIVER.name, "job.json")
    yield Step("pyFAI calibration", command, (_RESULT,), environment=environment)
    readings = read_geometry(job.folder / _RESULT, Hints(image_size=(image.shape[1], image.shape[0])))
    return [
        Answer(replace(one, estimate=replace(one.estimate, source="pyFAI")), start.center_px)
        for one in readings
    ]


PROGRAM = Program(
    key="pyfai",
    name="pyFAI",
    executables=("pyFAI-recalib",),
    python_package="pyFAI",
    single_frame=True,
    needs="a frame of a powder with known rings (--calibrant), wavelength, distance and pixel size",
    tried="run for real with pyFAI 2026.9.0 on CeO2",
    work=work,
)

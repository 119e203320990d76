"""bblib, the library of beambusters: center of mass and Friedel pairs on one frame.

A small script (``bblib_driver.py``) runs in the interpreter that has bblib. Its centers are pixel numbers
(the center of the first pixel is 0), which half a pixel turns into this project's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np

from xgeom_core.errors import UnreadableFileError
from xgeom_core.estimate import Estimate
from xgeom_core.formats.reading import Reading
from xgeom_core.geometry import Geometry
from xgeom_core.programs.program import Answer, Found, Job, Program, Step, Work

DRIVER = Path(__file__).with_name("bblib_driver.py")
_RESULT = "centers.json"
_CONVENTION = "bblib: pixel numbers, the center of the first pixel is 0; half a pixel was added"
_HALF_PIXEL = 0.5
_EV_ANGSTROM = 12398.419843


def work(job: Job, found: Found) -> Work:
    """Hand over image, mask and a CrystFEL geometry, and read one center a method that converged."""
    image, valid = job.needed_pixels("bblib")
    start = job.needed_start("bblib")
    np.save(job.folder / "image.npy", np.where(valid, image, 0).astype(np.float32))
    with h5py.File(job.folder / "mask.h5", "w") as file:
        file["mask"] = valid.astype(np.int8)
    guess = [start.center_px[0] - _HALF_PIXEL, start.center_px[1] - _HALF_PIXEL]
    geometry = _geometry(start, (image.shape[1], image.shape[0]), job.folder / "mask.h5")
    (job.folder / "start.geom").write_text(geometry)
    settings = {"geometry": "start.geom", "guess": guess, "result": _RESULT}
    (job.folder / "job.json").write_text(json.dumps(settings))
    # A copy: beside xgeom's modules it would find those in place of the program's.
    shutil.copyfile(DRIVER, job.folder / DRIVER.name)
    command = (found.python, DRIVER.name, "job.json")
    yield Step("bblib", command, (_RESULT,), environment={"MPLBACKEND": "Agg"})
    return [Answer(reading, start.center_px) for reading in _readings(job.folder / _RESULT, start)]


def _geometry(start: Geometry, size: tuple[int, int], mask: Path) -> str:
    """A CrystFEL geometry in the dialect of bblib, which takes lines letter by letter and no units.

    Its corner is the center of the first pixel, as its pixel numbers have it, so that the beam lies at
    ``x = y = 0``.
    """
    energy = 1.0 if start.wavelength_A is None else _EV_ANGSTROM / start.wavelength_A
    lines = {
        "photon_energy": f"{energy:.4f}",
        "clen": f"{start.distance_mm / 1000:.8f}",
        "res": f"{1000 / start.pixel_mm[0]:.8f}",
        "data": "/data",
        "mask_file": str(mask),
        "mask": "/mask",
        "mask_good": "1",
        "mask_bad": "0",
        "dim0": "ss",
        "dim1": "fs",
        "p0/min_fs": "0",
        "p0/max_fs": str(size[0] - 1),
        "p0/min_ss": "0",
        "p0/max_ss": str(size[1] - 1),
        "p0/fs": "+1.0x +0.0y",
        "p0/ss": "+0.0x +1.0y",
        "p0/corner_x": f"{_HALF_PIXEL - start.center_px[0]:.6f}",
        "p0/corner_y": f"{_HALF_PIXEL - start.center_px[1]:.6f}",
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def _readings(path: Path, start: Geometry) -> list[Reading]:
    try:
        centers = json.loads(path.read_text())
        found = {str(name): (float(x), float(y)) for name, (x, y) in centers.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise UnreadableFileError(f"{path} does not hold centers ({error}).") from None
    return [
        Reading(
            Estimate(f"bblib {name}", (x + _HALF_PIXEL, y + _HALF_PIXEL), convention=_CONVENTION),
            str(path),
            native={"x": f"{x:.4f} px", "y": f"{y:.4f} px"},
            pixel_mm=start.pixel_mm,
        )
        for name, (x, y) in found.items()
        if np.isfinite([x, y]).all()
    ]


PROGRAM = Program(
    key="bblib",
    name="bblib (beambusters)",
    executables=("beambusters",),
    python_package="bblib",
    single_frame=True,
    needs="a frame with background or many spots, distance and pixel size",
    tried="run for real with bblib 3.1.0",
    work=work,
)

"""DIALS: import, find spots, and every method of ``dials.search_beam_position``.

Command lines follow the help of DIALS 3.25: the default method needs spots, the three projection methods
only the imported frames, and each writes ``output.experiments``.
"""

from __future__ import annotations

from dataclasses import replace

from xgeom_core.formats.reading import Reading
from xgeom_core.formats.registry import read_geometry
from xgeom_core.programs.program import Found, Job, Program, Step

METHODS = ("default", "midpoint", "maximum", "inversion")


def steps(job: Job, found: Found) -> list[Step]:
    """Import the frames, find spots, and search with each method into a file of its own."""
    spots = Step(
        "dials.find_spots",
        (found.paths["dials.find_spots"], "imported.expt", "output.reflections=strong.refl", "nproc=1"),
        ("strong.refl",),
        optional=True,
    )
    imported = Step(
        "dials.import",
        (found.paths["dials.import"], str(job.frames), "output.experiments=imported.expt"),
        ("imported.expt",),
    )
    return [imported, spots, *(_search(method, found) for method in METHODS)]


def _search(method: str, found: Found) -> Step:
    inputs = ("imported.expt", "strong.refl") if method == "default" else ("imported.expt",)
    result = _result(method)
    return Step(
        f"dials.search_beam_position method={method}",
        (
            found.paths["dials.search_beam_position"],
            *inputs,
            f"method={method}",
            f"output.experiments={result}",
            f"output.log=search_{method}.log",
        ),
        (result,),
        # One method may fail where another succeeds; older versions know the default method only.
        optional=True,
    )


def results(job: Job) -> list[Reading]:
    """One reading a method (and an experiment), named after the method."""
    readings = []
    for method in METHODS:
        path = job.folder / _result(method)
        if path.is_file():
            readings += [
                replace(reading, estimate=replace(reading.estimate, source=f"DIALS {method}"))
                for reading in read_geometry(path)
            ]
    return readings


def _result(method: str) -> str:
    return f"optimised_{method}.expt"


PROGRAM = Program(
    key="dials",
    name="DIALS",
    executables=("dials.import", "dials.find_spots", "dials.search_beam_position"),
    needs="frames that dials.import understands (CBF, NXmx, ...), with spots or background",
    tried="command lines only, with a stand-in; after the help of DIALS 3.25",
    steps=steps,
    results=results,
)

"""``xgeom rescue``: a data set that does not index gets a geometry that does, in the words of its program."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xgeom_core.cli.common import DistanceOption, Overrides, PixelOption, WavelengthOption
from xgeom_core.cli.geometry import hints
from xgeom_core.cli.terminal import say, tell, tell_json
from xgeom_core.errors import UsageError
from xgeom_core.process.reading import start_reading

if TYPE_CHECKING:
    from xgeom_core.compare.rescue import Cell, Rescue
    from xgeom_core.formats.reading import Reading
    from xgeom_core.frame import Frame

# Format of the file that fails -> name of the corrected one, and the two commands that go on.
_GOING_ON = {
    "dials": ("xgeom.expt", ("dials.find_spots {out}", "dials.index {out} strong.refl")),
    "xds": ("XDS.INP.xgeom", ("cp {out} XDS.INP", "xds")),
    "crystfel": (
        "xgeom.geom",
        ("ls {images} > files.lst", "indexamajig -g {out} -i files.lst -o xgeom.stream --indexing=xgandalf"),
    ),
}


def rescue(
    file: Annotated[
        Path, typer.Argument(help="What fails: imported.expt, XDS.INP or a .geom.", metavar="FILE")
    ],
    images: Annotated[
        list[str] | None,
        typer.Argument(help="Frames to look at; those that an .expt names without.", metavar="[FRAMES]..."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; beside FILE under a new name without.")
    ] = None,
    count: Annotated[int, typer.Option("--count", help="How many frames to look at.", min=1)] = 5,
    cell: Annotated[
        str | None, typer.Option("--cell", help="Known cell a,b,c,alpha,beta,gamma (Å, degrees).")
    ] = None,
    model: Annotated[str, typer.Option("--model", help="Bundled model or model file.")] = "default",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    distance_mm: DistanceOption = None,
    pixel_um: PixelOption = None,
    wavelength_A: WavelengthOption = None,
) -> None:
    """Correct the geometry of a data set whose indexing fails, for DIALS, XDS or CrystFEL.

    FILE is not touched: its goniometer, mask and all else are copied, its detector is moved. Nothing is
    written while the frames are not sure (exit status 1).
    """
    start_reading()
    from xgeom_core.compare.rescue import rescue as find  # noqa: PLC0415 - torch takes seconds
    from xgeom_core.formats.format import Writing  # noqa: PLC0415
    from xgeom_core.formats.registry import recognize, write_geometry  # noqa: PLC0415
    from xgeom_core.predict import Predictor  # noqa: PLC0415

    key = recognize(file).key
    if key not in _GOING_ON:
        raise UsageError(
            f"{file} is no .expt of DIALS, XDS.INP or .geom of CrystFEL; give the file that fails."
        )
    given = _cell(cell)
    stated = _stated(file, hints(None, Overrides(distance_mm, pixel_um, wavelength_A)))
    names = images or _named(stated)
    frames = _frames(names, count)
    result = find(frames, stated, Predictor.load(model), given)
    if result.shared.status != "ok":
        say(f"xgeom: the frames are not sure, and nothing was written: {result.shared.reason}")
        raise typer.Exit(1)
    name, commands = _GOING_ON[key]
    target = out or file.with_name(name)
    size = stated.image_size or (frames[0].shape[1], frames[0].shape[0])
    write_geometry(key, Writing(result.geometry, size, file), target, overwrite=overwrite, inputs=(file,))
    words = {"out": shlex.quote(str(target)), "images": " ".join(map(shlex.quote, names[:3]))}
    _tell(result, target, [command.format(**words) for command in commands], as_json)


def _tell(result: Rescue, target: Path, commands: list[str], as_json: bool) -> None:
    geometry = result.geometry
    if as_json:
        tell_json(
            {
                "file": str(target),
                "center_px": list(geometry.center_px),
                "tilt_deg": [geometry.pitch_deg, geometry.yaw_deg],
                "off_px": result.off_px,
                "premise": result.premise,
                "indexed": list(result.indexed),
                "causes": [finding.sentence for finding in result.findings],
                "commands": commands,
            }
        )
        return
    x, y = geometry.center_px
    tell(
        f"center ({x:.2f}, {y:.2f}) px, {result.off_px:.1f} px from the stated one; pitch "
        f"{geometry.pitch_deg:+.3f} yaw {geometry.yaw_deg:+.3f} deg; "
        f"{result.indexed[0]} of {result.indexed[1]} spots on the lattice",
        *(f"likely: {finding.sentence}" for finding in result.findings),
        *([f"found {result.premise}"] if result.premise != "as stated" else []),
        f"{target} written; go on with",
        *(f"  {command}" for command in commands),
    )


def _cell(text: str | None) -> Cell | None:
    if text is None:
        return None
    try:
        a, b, c, alpha, beta, gamma = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--cell takes six numbers a,b,c,alpha,beta,gamma, not {text!r}.") from None
    return a, b, c, alpha, beta, gamma


def _stated(file: Path, known: object) -> Reading:
    from xgeom_core.formats.reading import Hints  # noqa: PLC0415
    from xgeom_core.frames.guarded import read_geometry  # noqa: PLC0415

    found = read_geometry(file, known if isinstance(known, Hints) else Hints())
    if len(found) > 1:
        raise UsageError(
            f"{file} holds {len(found)} detectors; split it first and give the part that is meant."
        )
    return found[0]


def _named(stated: Reading) -> list[str]:
    """The images that a list of experiments names, where they are still there."""
    found: list[str] = []
    for template in stated.images:
        path = Path(template)
        if "#" in path.name and path.parent.is_dir():
            found += sorted(map(str, path.parent.glob(path.name.replace("#", "[0-9]"))))
        elif path.is_file():
            found.append(template)
    if not found:
        raise UsageError(f"{stated.path} names no frames that are there: name some after it.")
    return found


def _frames(names: Sequence[str], count: int) -> list[Frame]:
    """A few frames, as far apart as they can be."""
    from xgeom_core.frames import open_frames  # noqa: PLC0415

    frames: list[Frame] = []
    # Files first: one frame of each is enough where there are many.
    step = max(len(names) // count, 1)
    chosen = list(names[::step])[:count]
    for name in chosen:
        with closing(open_frames(name)) as source:
            each = max(count // len(chosen), 1)
            frames += [source.frame(index) for index in range(0, len(source), max(len(source) // each, 1))][
                :each
            ]
    return frames

"""``xgeom geometry``: what another program's file says, and the same for another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xgeom_core.cli.common import DistanceOption, Overrides, PixelOption, WavelengthOption
from xgeom_core.cli.doubts import choice_record, choice_words, doubts, numbers, verdict_record
from xgeom_core.cli.terminal import pass_on, say, tell, tell_json
from xgeom_core.errors import UsageError
from xgeom_core.process.reading import start_reading

if TYPE_CHECKING:
    from xgeom_core.formats.format import Writing
    from xgeom_core.formats.reading import Hints, Reading

SizeOption = Annotated[
    str | None,
    typer.Option("--image-size", help="Pixels FASTxSLOW, such as 2463x2527, where a file does not say."),
]


def geometry(
    file: Annotated[Path | None, typer.Argument(help="A file of another program.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a reading on stdout.")] = False,
    to: Annotated[str | None, typer.Option("--to", help="Convert to this format (see --list).")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; stdout without.")] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="File of the same format to alter; it is not touched.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out if it is there.")] = False,
    reading: Annotated[
        int | None, typer.Option("--reading", help="Which reading of FILE, from 0 (default: all).")
    ] = None,
    image: Annotated[
        Path | None, typer.Option("--for", help="The reading of FILE that names this image (several sweeps).")
    ] = None,
    choice: Annotated[
        int | None, typer.Option("--choice", help="Which other way to read an ambiguous convention, from 0.")
    ] = None,
    list_formats: Annotated[bool, typer.Option("--list", help="List the formats.")] = False,
    programs: Annotated[
        bool, typer.Option("--programs", help="List the programs that can be run, and which are found.")
    ] = False,
    image_size: SizeOption = None,
    distance_mm: DistanceOption = None,
    pixel_um: PixelOption = None,
    wavelength_A: WavelengthOption = None,
) -> None:
    """Tell what a file of DIALS, XDS, CrystFEL, pyFAI, ... says in this project's convention, or convert it.

    The options on size, distance, pixel and wavelength are used where the file is silent.
    """
    if list_formats or programs:
        _list_formats(as_json) if list_formats else _list_programs(as_json)
        return
    if file is None:
        raise UsageError("xgeom geometry needs a FILE, --list or --programs.")
    start_reading()
    from xgeom_core.frames.guarded import read_geometry  # noqa: PLC0415 - numpy takes time

    found = read_geometry(file, hints(image_size, Overrides(distance_mm, pixel_um, wavelength_A)))
    if image is not None:
        found = _about(found, image)
    chosen = found if reading is None else [_chosen(found, reading, "--reading")]
    if choice is not None:
        chosen = [_with_choice(one, choice) for one in chosen]
    if to is not None:
        _convert(file, chosen, to, out, template, overwrite)
        return
    if out is not None or template is not None:
        raise UsageError("--out and --template go with --to FORMAT.")
    for number, one in enumerate(chosen):
        if as_json:
            tell_json(record(one))
        else:
            tell(*_lines(one, number, len(chosen)))


def hints(image_size: str | None, overrides: Overrides) -> Hints:
    """What the user states about a file; raises UsageError for a size that is none."""
    from xgeom_core.formats.reading import Hints  # noqa: PLC0415 - numpy takes time

    pixel = None if overrides.pixel_um is None else (overrides.pixel_um / 1000, overrides.pixel_um / 1000)
    return Hints(pixel, _size(image_size), overrides.distance_mm, overrides.wavelength_A)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.strip().isdecimal() and 0 < int(part) < 10**6 for part in parts):
        raise UsageError(f"--image-size takes FASTxSLOW such as 2463x2527, not {text!r}.")
    return int(parts[0]), int(parts[1])


def record(reading: Reading) -> dict[str, Any]:
    """A reading as a JSON object; numbers are finite or null."""
    estimate = reading.estimate
    return {
        "source": estimate.source,
        "file": reading.path,
        "where": reading.where,
        "images": list(reading.images),
        "frame": reading.frame,
        "status": estimate.status,
        "reason": estimate.reason,
        "center_px": numbers(estimate.center_px),
        "tilt_deg": numbers(estimate.tilt_deg),
        "distance_mm": reading.distance_mm,
        "pixel_mm": numbers(reading.pixel_mm),
        "wavelength_A": reading.wavelength_A,
        "image_size": list(reading.image_size) if reading.image_size else None,
        "panels": reading.panels,
        "convention": estimate.convention,
        "native": reading.native,
        "choices": [
            {"center_px": numbers(estimate.center_px), **choice_record(one)} for one in reading.choices
        ],
        "verdicts": [verdict_record(one) for one in reading.verdicts],
        "warnings": list(estimate.warnings),
    }


def _lines(reading: Reading, number: int, count: int) -> list[str]:
    """One reading in words."""
    estimate = reading.estimate
    name = f"{estimate.source} {reading.where}".strip() + (f" [{number}]" if count > 1 else "")
    lines = [f"{name}  center ({estimate.center_px[0]:.3f}, {estimate.center_px[1]:.3f}) px"]
    if estimate.status != "ok":
        lines.append(f"{estimate.status}: {estimate.reason}")
    if estimate.tilt_deg is None:
        lines.append("tilt not stated")
    else:
        lines.append(f"pitch {estimate.tilt_deg[0]:+.4f} yaw {estimate.tilt_deg[1]:+.4f} deg")
    facts = {
        "distance": f"{reading.distance_mm:.4f} mm along the beam" if reading.distance_mm else "not stated",
        "pixel": " x ".join(f"{v * 1000:g}" for v in reading.pixel_mm) + " um" if reading.pixel_mm else "",
        "wavelength": f"{reading.wavelength_A:g} Å" if reading.wavelength_A else "",
        "image": f"{reading.image_size[0]} x {reading.image_size[1]} px" if reading.image_size else "",
        "images": ", ".join(name.replace("\\", "/").rpartition("/")[2] for name in reading.images[:3]),
        "panels": str(reading.panels) if reading.panels > 1 else "",
    }
    lines.append(", ".join(f"{what} {value}" for what, value in facts.items() if value))
    if reading.native:
        lines.append("file: " + ", ".join(f"{what} {value}" for what, value in reading.native.items()))
    lines += [estimate.convention] if estimate.convention else []
    lines += [f"note: {warning}" for warning in estimate.warnings]
    # What makes an answer doubtful is a note already, but for doubts that change nothing.
    lines += doubts(one for one in reading.verdicts if one.reason not in estimate.warnings)
    lines += [f"--choice {index}: {choice_words(one)}" for index, one in enumerate(reading.choices)]
    return [lines[0], *(f"    {line}" for line in lines[1:])]


def _about(found: list[Reading], image: Path) -> list[Reading]:
    about = [one for one in found if one.is_about(str(image))]
    if not about:
        named = ", ".join(dict.fromkeys(name for one in found for name in one.images)) or "no images"
        raise UsageError(f"--for {image}: {found[0].path} is not about it; it names {named}.")
    return about


def _chosen(found: list[Reading], number: int, option: str) -> Reading:
    if not 0 <= number < len(found):
        raise UsageError(f"{option} {number}: the file has readings 0 to {len(found) - 1}.")
    return found[number]


def _with_choice(reading: Reading, number: int) -> Reading:
    if not 0 <= number < len(reading.choices):
        offered = f"0 to {len(reading.choices) - 1}" if reading.choices else "none"
        raise UsageError(f"--choice {number}: this reading offers {offered}.")
    return reading.read_as(reading.choices[number])


def _convert(
    file: Path, found: list[Reading], to: str, out: Path | None, template: Path | None, overwrite: bool
) -> None:
    """Write one reading for another program, to a file or to standard output."""
    from xgeom_core.formats.registry import geometry_text, write_geometry, write_text  # noqa: PLC0415
    from xgeom_core.formats.tables.table import table_text  # noqa: PLC0415

    if to == "csv" and template is None:
        # The only format that holds many readings, whole geometries or not.
        text = table_text(found)
        if out is None:
            pass_on(text)
        else:
            say(f"{write_text(text, out, overwrite=overwrite, inputs=(file,))} written")
        return
    writing = _writing(file, found, template)
    if out is None:
        pass_on(geometry_text(to, writing))
    else:
        say(f"{write_geometry(to, writing, out, overwrite=overwrite, inputs=(file,))} written")


def _writing(file: Path, found: list[Reading], template: Path | None) -> Writing:
    """What to write, or a UsageError that says what is missing or to be chosen."""
    from xgeom_core.formats.format import Writing  # noqa: PLC0415

    kinds = {(reading.geometry, reading.image_size) for reading in found}
    if len(kinds) > 1:
        raise UsageError(
            f"{file} holds {len(found)} readings that differ; choose one with --reading 0 to "
            f"{len(found) - 1}, or the sweep of an image with --for IMAGE."
        )
    geometry, size = kinds.pop()
    if geometry is None:
        raise UsageError(
            f"{file} does not state the distance and the pixel size; add --distance-mm and --pixel-um."
        )
    if size is None:
        raise UsageError(f"{file} does not state the size of the image; add --image-size FASTxSLOW.")
    return Writing(geometry, size, template)


def _list_formats(as_json: bool) -> None:
    from xgeom_core.formats.registry import FORMATS, SNIPPETS  # noqa: PLC0415

    for known in FORMATS:
        row = {
            "key": known.key,
            "name": known.name,
            "files": list(known.suffixes),
            "writable": known.writable,
            "convention": known.convention,
        }
        if as_json:
            tell_json(row)
        else:
            ways = "read, write" if known.writable else "read"
            tell(f"{known.key:<16}{known.name}: {', '.join(known.suffixes)} ({ways})")
            tell(f"{'':<16}{known.convention}")
    for key, (words, _) in SNIPPETS.items():
        row = {"key": key, "name": words, "files": [], "writable": True, "convention": words}
        if as_json:
            tell_json(row)
        else:
            tell(f"{key:<16}{words} (write)")


def _list_programs(as_json: bool) -> None:
    from xgeom_core.programs import PROGRAMS, locate  # noqa: PLC0415

    for program in PROGRAMS:
        found = locate(program)
        where = None if found is None else next(iter(found.paths.values()), found.python)
        row = {
            "key": program.key,
            "name": program.name,
            "found": where,
            "executables": list(program.executables),
            "needs": program.needs,
            "tried": program.tried,
        }
        if as_json:
            tell_json(row)
        else:
            place = where or f"not found ({', '.join(program.executables)}; XGEOM_{program.key.upper()})"
            tell(
                f"{program.key:<8}{program.name}: {place}",
                f"{'':<8}needs {program.needs}",
                f"{'':<8}{program.tried}",
            )

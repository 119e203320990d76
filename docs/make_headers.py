"""Write the table of headers from what the readers say of themselves: python docs/make_headers.py"""

from __future__ import annotations

from pathlib import Path

from xgeom_core.formats.format import Format
from xgeom_core.formats.registry import FORMATS

PAGE = Path(__file__).resolve().parent / "headers.md"
_TOP = """# What each field of a header becomes

Written by `docs/make_headers.py` from the readers themselves; a test changes every field listed here in a
made file and sees the right attribute change. The same headers serve `open_frames` (`xgeom info`,
`xgeom predict`, the window) and `xgeom geometry`.

- All becomes mm, Å, degrees, and pixels from the outer corner of the first pixel (x fast, y slow);
  [conventions.md](conventions.md) has the pictures.
- A distance along the normal of a swung detector is converted to the one along the beam, and the center of
  the unswung detector is moved to where the beam meets the swung one; the other directions of the swing, and
  a center that needs no move, are offered as choices. A swing of less than 0.05 degrees says nothing of the
  tilt.
- Every value is judged. What programs write where nobody has set a value (1 m beside 1.54 Å beside a center
  of (0, 0)) is a placeholder and not used; a length or a wavelength that only makes sense in another unit is
  read in that unit; a center far outside the image is read in the way that puts it onto it. Each of these is
  said in a note, and what the file states stays among the choices. `xgeom info FILE` shows verdicts and
  choices.
"""


def page(formats: tuple[Format, ...] = FORMATS) -> str:
    """The whole page."""
    return "\n".join([_TOP, *(_section(known) for known in formats if known.fields or known.open_frames)])


def _section(known: Format) -> str:
    lines = [f"## {known.name}", "", f"`{known.key}`: {', '.join(known.suffixes)}. {known.convention}", ""]
    if known.fields:
        lines += ["| field | becomes | unit, origin, sign |", "|---|---|---|"]
        lines += [f"| {note.name} | `{note.becomes}` | {note.meaning} |" for note in known.fields]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""xgeom_core: where the beam hits the detector, and how the detector is tilted. Knows no Qt.

For scripts and notebooks::

    import xgeom_core as xgeom

    answer = xgeom.locate("frame.cbf")
    answer.center_px, answer.center_sigma_px, answer.tilt_deg, answer.status

What is listed in ``__all__`` is public and stays; everything below is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xgeom_core.version import __version__

if TYPE_CHECKING:
    from xgeom_core.api.answer import Answer
    from xgeom_core.api.geometries import write_geometry
    from xgeom_core.api.locating import locate, locate_each
    from xgeom_core.api.simulated import simulated_frame
    from xgeom_core.calibrants import spacings_A
    from xgeom_core.errors import XgeomError
    from xgeom_core.estimate import Estimate
    from xgeom_core.formats.reading import Reading
    from xgeom_core.frame import Frame
    from xgeom_core.frames.guarded import open_frames, read_geometry, read_mask
    from xgeom_core.frames.series import open_run
    from xgeom_core.geometry import Geometry
    from xgeom_core.metadata import Metadata
    from xgeom_core.predict.candidate import Candidate
    from xgeom_core.predict.run.shared import SharedGeometry, share_geometry
    from xgeom_core.resources import example_file

# Name -> where it is; the light ones as well, so that importing the package loads nothing.
_PLACES = {
    "Answer": "api.answer",
    "Candidate": "predict.candidate",
    "Estimate": "estimate",
    "Frame": "frame",
    "Geometry": "geometry",
    "Metadata": "metadata",
    "Reading": "formats.reading",
    "SharedGeometry": "predict.run.shared",
    "XgeomError": "errors",
    "example_file": "resources",
    "locate": "api.locating",
    "locate_each": "api.locating",
    "open_frames": "frames.guarded",
    "open_run": "frames.series",
    "read_geometry": "frames.guarded",
    "read_mask": "frames.guarded",
    "share_geometry": "predict.run.shared",
    "simulated_frame": "api.simulated",
    "spacings_A": "calibrants",
    "write_geometry": "api.geometries",
}

__all__ = [
    "Answer",
    "Candidate",
    "Estimate",
    "Frame",
    "Geometry",
    "Metadata",
    "Reading",
    "SharedGeometry",
    "XgeomError",
    "__version__",
    "example_file",
    "locate",
    "locate_each",
    "open_frames",
    "open_run",
    "read_geometry",
    "read_mask",
    "share_geometry",
    "simulated_frame",
    "spacings_A",
    "write_geometry",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)

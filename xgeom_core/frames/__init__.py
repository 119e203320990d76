"""Frames to look at: one door, `open_frames`, and runs of many files.

===================  ==========================================================================
``guarded``          open_frames and other doors whose files are read in a process of its own
``opening``          open_in_process: looks into a file and picks its format
``location``         what the user typed, taken apart
``series``           several files as one run: numbered series, folders, lists of files
``series_source``    SeriesSource: the frames of such a run
``numbering``        which files belong together by their names
``mask_file``        masks drawn by hand, or by other programs
``tree``             what is in an HDF5 file: groups, datasets, attributes, links (``tree_nodes``)
``remote_source``    RemoteSource: frames that the reading process reads
``asking``           asks that process, and says what happened when a file brings it down
``service``          what it can be asked for; ``child`` is the process, ``wire`` how they speak
===================  ==========================================================================

Import `open_frames`, `open_run`, `FrameSource` and `split_location` from here; `write_nxmx`, too, whose
libraries are loaded then.
"""

from typing import TYPE_CHECKING, Any

from xgeom_core.formats.source import FrameSource
from xgeom_core.frames.guarded import open_frames
from xgeom_core.frames.location import split_location
from xgeom_core.frames.series import join_run, open_run

if TYPE_CHECKING:
    from xgeom_core.formats.nexus.write_frames import write_nxmx

__all__ = ["FrameSource", "join_run", "open_frames", "open_run", "split_location", "write_nxmx"]


def __getattr__(name: str) -> Any:
    if name == "write_nxmx":
        from xgeom_core.formats.nexus.write_frames import write_nxmx  # noqa: PLC0415 - h5py is slow to import

        return write_nxmx
    raise AttributeError(name)

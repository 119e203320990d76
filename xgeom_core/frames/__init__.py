"""Frames to look at: one door, `open_frames`, and runs of many files.

===================  ==========================================================================
``opening``          looks into a file and picks its format
``location``         what the user typed, taken apart
``series``           several files as one run: numbered series, folders, lists of files
``series_source``    SeriesSource: the frames of such a run
``numbering``        which files belong together by their names
``mask_file``        masks drawn by hand, or by other programs
``tree``             what is in an HDF5 file: groups, datasets, attributes, links
===================  ==========================================================================

Import `open_frames`, `open_run`, `FrameSource`, `split_location` and `write_nxmx` from here.
"""

from xgeom_core.formats.nexus.write_frames import write_nxmx
from xgeom_core.formats.source import FrameSource
from xgeom_core.frames.location import split_location
from xgeom_core.frames.opening import open_frames
from xgeom_core.frames.series import join_run, open_run

__all__ = ["FrameSource", "join_run", "open_frames", "open_run", "split_location", "write_nxmx"]

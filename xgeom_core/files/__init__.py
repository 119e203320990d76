"""Reading frames: one door, `open_frames`, and one small module per layout.

======================  ==========================================================================
``opening``             looks into a file and picks the layout
``location``            what the user typed, taken apart
``source``              FrameSource: what all layouts give
``series``              several files as one run: numbered series, folders, lists of files
``series_source``       SeriesSource: the frames of such a run
``numbering``           which files belong together by their names
``tree``                what is in an HDF5 file: groups, datasets, attributes, links
``hdf5``                what the HDF5 layouts share
``nxmx``                NXmx and Dectris HDF5: masters, data files, what `write_nxmx` writes
``nxmx_metadata``       the geometry in such files
``training``            HDF5 files of simulated frames (``images``, ``labels``, ``geom``)
``plain_hdf5``          any other HDF5 file with an image in it
``fabio_formats``       CBF, TIFF, SMV, MarCCD, EDF, Bruker and what else fabio reads
``headers``             what those formats' headers say, in this project's units
``bruker_header``       the same for Bruker frames, which may be of a swung detector
``header_text``         what every header reader gives; fields as numbers
``units``               lengths, wavelengths and energies in mm and Å
``masking``             which pixels count: the one rule for sentinels and saturation
``links``               external links and virtual datasets whose sources are gone
``write_nxmx``          writes frames as an NXmx file
======================  ==========================================================================

Import `open_frames`, `open_run`, `FrameSource`, `split_location` and `write_nxmx` from here.
"""

from xgeom_core.files.location import split_location
from xgeom_core.files.opening import open_frames
from xgeom_core.files.series import join_run, open_run
from xgeom_core.files.source import FrameSource
from xgeom_core.files.write_nxmx import write_nxmx

__all__ = ["FrameSource", "join_run", "open_frames", "open_run", "split_location", "write_nxmx"]

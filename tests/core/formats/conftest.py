"""Small files with known contents, for the tests of this room."""

from small_files import images, nxmx_file, training_file

__all__ = ["images", "nxmx_file", "training_file"]

"""Every error that xgeom raises on purpose.

XgeomError                     one sentence for the user; the command line prints it, the window shows it
├── FrameFileError             a file of frames cannot be used
│   ├── UnreadableFileError    not there, truncated, or not what its name says
│   ├── MissingDatasetError    the file is fine but holds no such dataset or frame
│   └── MissingSourceError     the file points at other files that are gone
├── GeometryError              a geometry that cannot be (negative distance, beam parallel to the detector)
├── RecipeError                a simulation recipe that makes no sense
├── ConfigError                a training configuration that makes no sense
├── ModelError                 a model file that cannot be used
├── TrainingError              a training run that cannot start or go on
├── ProgramError               another program is not there, failed, or left no result
│   └── ProgramCancelledError  the user stopped it
└── UsageError                 options that cannot be used together

Messages say which file, what was expected, what was found and what to do.
``ValueError`` stays for programmers: it means that xgeom itself called something wrongly.
"""

from __future__ import annotations


class XgeomError(Exception):
    """Base of all errors whose message is meant for the user."""


class FrameFileError(XgeomError):
    """A file of diffraction frames cannot be used."""


class UnreadableFileError(FrameFileError):
    """The file is absent, truncated, or not of the kind its name promises."""


class MissingDatasetError(FrameFileError):
    """The file can be read but holds no such dataset or frame."""


class MissingSourceError(FrameFileError):
    """The file refers to other files that cannot be found."""


class GeometryError(XgeomError):
    """A geometry that no experiment can have."""


class RecipeError(XgeomError):
    """A simulation recipe with an impossible or unknown entry."""


class ConfigError(XgeomError):
    """A training configuration with an impossible or unknown entry."""


class ModelError(XgeomError):
    """A model file that cannot be used."""


class TrainingError(XgeomError):
    """A training run that cannot start or go on."""


class ProgramError(XgeomError):
    """Another program is not there, failed, was stopped, or left no result."""


class ProgramCancelledError(ProgramError):
    """The user stopped another program."""


class UsageError(XgeomError):
    """Options or arguments that cannot be used together."""

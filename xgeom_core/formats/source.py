"""FrameSource: the frames of one file, read one at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from xgeom_core.errors import MissingDatasetError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata


@dataclass(frozen=True)
class Contents:
    """What opening a file tells, without reading its frames.

    Parameters
    ----------
    path : str
        The file as the user named it.
    layout : str
        ``"NXmx"``, ``"training"``, ``"HDF5"``, ``"CBF"``, ...
    length : int
        Number of frames.
    shape : tuple of int
        Pixels ``(slow, fast)`` of each frame.
    dataset : str
        The dataset (or the group of a run of datasets) that is read; "" where the format has none.
    datasets : tuple of str
        All image datasets in the file.
    metadata : Metadata
        What the file says of its geometry.
    notes : tuple of str
        What the reader noticed; every frame repeats it as a warning.
    axes : tuple of int
        Lengths of the axes that frames are numbered over, the last running fastest; empty where there is
        one axis or none.
    axis_names : tuple of str
        What the file calls these axes, "" where it does not say.
    """

    path: str
    layout: str
    length: int
    shape: tuple[int, int]
    dataset: str = ""
    datasets: tuple[str, ...] = ()
    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()
    axes: tuple[int, ...] = ()
    axis_names: tuple[str, ...] = ()


def position(index: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Where frame ``index`` lies on axes of these lengths, the last running fastest."""
    return tuple(map(int, np.unravel_index(index, axes))) if axes else ()


class FrameSource(ABC):
    """The frames of one open file; a context manager.

    Nothing but the frame asked for is read. A source belongs to the thread that opened it.
    Make one with `xgeom_core.frames.open_frames`.
    """

    start: int = 0
    """Number of the frame to begin with: that of the file named of a series, or the first there is."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    @property
    def contents(self) -> Contents:
        """All that opening the file told."""
        return self._contents

    @property
    def path(self) -> str:
        """The file as the user named it."""
        return self._contents.path

    @property
    def layout(self) -> str:
        """Kind of file: ``"NXmx"``, ``"training"``, ``"HDF5"``, ``"CBF"``, ``"TIFF"``, ..."""
        return self._contents.layout

    @property
    def dataset(self) -> str:
        """The dataset that is read, "" where the format has none; `open_frames` takes it back."""
        return self._contents.dataset

    @property
    def datasets(self) -> tuple[str, ...]:
        """All image datasets in the file."""
        return self._contents.datasets

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels ``(slow, fast)`` of each frame."""
        return self._contents.shape

    @property
    def metadata(self) -> Metadata:
        """What the file says of its geometry; of its first frame where frames differ."""
        return self._contents.metadata

    @property
    def axes(self) -> tuple[int, ...]:
        """Lengths of the axes that frames are numbered over, the last running fastest."""
        return self._contents.axes or (len(self),)

    @property
    def axis_names(self) -> tuple[str, ...]:
        """What the file calls the axes, "" where it does not say."""
        return self._contents.axis_names or ("",) * len(self.axes)

    def __len__(self) -> int:
        return self._contents.length

    def frame(self, index: int) -> Frame:
        """Read one frame.

        Parameters
        ----------
        index : int
            Number of the frame, from 0.

        Returns
        -------
        Frame

        Raises
        ------
        MissingDatasetError
            If there is no frame of that number.
        UnreadableFileError
            If the frame's data are damaged.
        MissingSourceError
            If the frame lies in another file that is gone.
        """
        self._check(index)
        return self._frame(index)

    def truth(self, index: int) -> Estimate | None:
        """The known center of a simulated frame, source ``"truth"``; None where it is not known.

        Raises
        ------
        MissingDatasetError
            If there is no frame of that number.
        """
        self._check(index)
        return self._truth(index)

    @abstractmethod
    def close(self) -> None:
        """Close the file; closing twice is fine."""

    @abstractmethod
    def _frame(self, index: int) -> Frame:
        """Read a frame whose index has been checked."""

    def _truth(self, index: int) -> Estimate | None:
        """The known center of a frame whose index has been checked."""
        return None

    def _check(self, index: int) -> None:
        if 0 <= index < len(self):
            return
        if len(self) == 1:
            raise MissingDatasetError(f"{self.path} holds one frame, number 0: there is no frame {index}.")
        raise MissingDatasetError(
            f"{self.path} holds {len(self)} frames, numbered 0 to {len(self) - 1}: there is no frame {index}."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

"""What is told of the objects in an HDF5 file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NodeKind = Literal["group", "dataset", "missing", "other"]


@dataclass(frozen=True)
class Node:
    """One member of a group.

    Parameters
    ----------
    path : str
        Its whole name in the file, ``/entry/data``.
    kind : str
        ``"missing"`` if it is only a link to nowhere.
    shape : tuple of int or None
        Of a dataset; None of anything else.
    dtype : str
        Type of a dataset's elements in words; "" of anything else.
    link : str
        Where it leads if it is a link, else "".
    note : str
        What is missing, how it is stored; "" if there is nothing to say.
    image : bool
        Whether it can be shown as frames.
    children : int
        Members of a group.
    """

    path: str
    kind: NodeKind
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    link: str = ""
    note: str = ""
    image: bool = False
    children: int = 0

    @property
    def name(self) -> str:
        """Its name in its group."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Details:
    """What can be told of one object.

    Parameters
    ----------
    path : str
        Its whole name.
    attributes : tuple of (str, str)
        Names and values in words.
    value : str
        The content of a small dataset, "" of anything else.
    """

    path: str
    attributes: tuple[tuple[str, str], ...] = ()
    value: str = ""

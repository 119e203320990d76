"""The thread that has HDF5 files looked into for the tree, beside the frames shown."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Signal

from xgeom_core.errors import XgeomError
from xgeom_core.frames.guarded import tree_children, tree_details, tree_search
from xgeom_gui.services.latest import LatestThread

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TreeRequest:
    """What is wanted of a file.

    Parameters
    ----------
    path : str
        The file.
    what : str
        Members of the group `name`, details of the object `name`, or all names that hold `name`.
    name : str
    serial : int
        Grows with every file shown, so that late answers can be told.
    """

    path: str
    what: Literal["children", "details", "search"]
    name: str = "/"
    serial: int = 0


class TreeReader(LatestThread):
    """Lists groups, reads attributes, searches.

    Signals
    -------
    children_found : TreeRequest, tuple of Node
    details_found : TreeRequest, Details
    search_found : TreeRequest, tuple of Node, bool
        Whether that is all.
    failed : TreeRequest, str
        The sentence for the user.
    """

    children_found = Signal(object, object)
    details_found = Signal(object, object)
    search_found = Signal(object, object, bool)
    failed = Signal(object, str)

    def kind(self, request: TreeRequest) -> Hashable:
        """Groups are listed one after the other; of details and searches only the newest counts."""
        return (request.what, request.name) if request.what == "children" else request.what

    def handle(self, request: TreeRequest) -> None:
        """Look into the file; runs in the thread."""
        try:
            if request.what == "children":
                self.children_found.emit(request, tree_children(request.path, request.name))
            elif request.what == "details":
                self.details_found.emit(request, tree_details(request.path, request.name))
            else:
                found, complete = tree_search(request.path, request.name)
                self.search_found.emit(request, found, complete)
        except XgeomError as error:
            self.failed.emit(request, str(error))
        # A fault in a reader must not take the window down with it: it is reported and logged.
        except Exception as error:
            _log.exception("looking into %s", request)
            self.failed.emit(request, f"{request.path} could not be looked into ({error!r}).")

"""What is in the open HDF5 file: a tree that is read as it is opened, and the details of one member."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QScrollArea,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.files.tree_items import (
    NAME,
    NODE,
    WAITING,
    all_items,
    color_item,
    details_text,
    make_item,
    make_tree,
)
from xgeom_gui.look.theme import THEME
from xgeom_gui.services.locations import file_of, paths_of
from xgeom_gui.services.tree_reader import TreeReader, TreeRequest
from xgeom_gui.state.session import Session

if TYPE_CHECKING:
    from xgeom_core.frames.tree_nodes import Details, Node

_READ = Qt.ItemDataRole.UserRole + 1
_TYPING_MS, _WIDTH = 250, 320


class TreePanel(QWidget):
    """Tree, filter and details; double click on images shows them.

    Parameters
    ----------
    session : Session
    reader : TreeReader
        Shut down by whoever owns it.
    """

    def __init__(self, session: Session, reader: TreeReader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._reader = session, reader
        self._path, self._serial, self._generation = "", 0, -1
        self._groups: dict[str, QTreeWidgetItem] = {}
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by name")
        self.filter.setAccessibleName("Filter by name")
        self.filter.setToolTip("Show everything in the file whose name holds this text")
        self.filter.setClearButtonEnabled(True)
        self.tree = make_tree()
        self.hint = QLabel()
        self.hint.setProperty("role", "soft")
        self.hint.setWordWrap(True)
        self.details = QLabel()
        self.details.setTextFormat(Qt.TextFormat.RichText)
        self.details.setWordWrap(True)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details.setContentsMargins(2, 2, 2, 2)
        area = QScrollArea()
        area.setWidget(self.details)
        area.setWidgetResizable(True)
        area.setFixedHeight(132)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.filter)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.hint)
        layout.addWidget(area)
        self.setMinimumWidth(_WIDTH)
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._typing.timeout.connect(self._search)
        self.filter.textChanged.connect(lambda _text: self._typing.start())
        self.tree.itemExpanded.connect(self._expand)
        self.tree.itemActivated.connect(lambda item, _column: self._open(item))
        self.tree.currentItemChanged.connect(lambda item, _before: self._ask_details(item))
        reader.children_found.connect(self._show_children)
        reader.details_found.connect(self._show_details)
        reader.search_found.connect(self._show_found)
        reader.failed.connect(self._on_failed)
        session.frame_changed.connect(self._follow)
        THEME.changed.connect(self._recolor)
        self._follow()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """What was not read while hidden is read now."""
        super().showEvent(event)
        self._follow()

    def _follow(self) -> None:
        """Show the file that is open, once it is to be seen."""
        session, path = self._session, self._file()
        if not self.isVisible() or not path:
            self._show_hint("" if path else "Open an HDF5 file to see what is in it.")
            return
        generation = session.wanted.generation if session.wanted else 0
        if (path, generation) != (self._path, self._generation):
            self._path, self._generation = path, generation
            self._begin()
        self._mark_open()

    def _file(self) -> str:
        """The file to look into: one that could not be opened most of all, to see why."""
        session = self._session
        if session.refused:
            return file_of(paths_of(session.refused)[0])
        frame, source = session.frame, session.source
        # A frame of a run of files may lie in another one.
        return "" if frame is None or source is None else frame.path or source.path

    def _begin(self) -> None:
        self._serial += 1
        self._groups.clear()
        self.tree.clear()
        self.details.clear()
        self._show_hint(WAITING)
        if self.filter.text().strip():
            self._search()
        else:
            self._reader.submit(TreeRequest(self._path, "children", "/", self._serial))

    def _search(self) -> None:
        text = self.filter.text().strip()
        if not self._path:
            return
        self._serial += 1
        self._groups.clear()
        self._show_hint(WAITING)
        if text:
            self._reader.submit(TreeRequest(self._path, "search", text, self._serial))
        else:
            self._reader.submit(TreeRequest(self._path, "children", "/", self._serial))

    def _expand(self, item: QTreeWidgetItem) -> None:
        node = item.data(NAME, NODE)
        if node is not None and node.kind == "group" and not item.data(NAME, _READ):
            item.setData(NAME, _READ, True)
            self._groups[node.path] = item
            self._reader.submit(TreeRequest(self._path, "children", node.path, self._serial))

    def _show_children(self, request: TreeRequest, nodes: tuple[Node, ...]) -> None:
        if request.serial != self._serial:
            return
        self._show_hint("" if nodes or request.name != "/" else "This file is empty.")
        parent = self._groups.get(request.name)
        if request.name == "/":
            self.tree.clear()
            self.tree.addTopLevelItems(self._items(nodes))
            # Most files have one entry: its first level is what one looks for.
            first = self.tree.topLevelItem(0)
            if len(nodes) == 1 and first is not None:
                first.setExpanded(True)
        elif parent is not None:
            parent.takeChildren()
            parent.addChildren(self._items(nodes))
        self._mark_open()

    def _show_found(self, request: TreeRequest, nodes: tuple[Node, ...], complete: bool) -> None:
        if request.serial != self._serial:
            return
        self.tree.clear()
        items = self._items(nodes)
        for item, node in zip(items, nodes, strict=True):
            item.setText(NAME, node.path)
        self.tree.addTopLevelItems(items)
        self._show_hint("" if nodes else "Nothing in this file has such a name.")
        if not complete:
            self._show_hint(f"The first {len(nodes)} are shown; type more to narrow it down.")
        self._mark_open()

    def _items(self, nodes: Iterable[Node]) -> list[QTreeWidgetItem]:
        return [make_item(node) for node in nodes]

    def _ask_details(self, item: QTreeWidgetItem | None) -> None:
        node = item.data(NAME, NODE) if item is not None else None
        if node is None:
            self.details.clear()
        elif node.kind == "missing":
            self.details.setText(details_text(node, None))
        else:
            self._reader.submit(TreeRequest(self._path, "details", node.path, self._serial))

    def _show_details(self, request: TreeRequest, found: Details) -> None:
        item = self.tree.currentItem()
        node = item.data(NAME, NODE) if item is not None else None
        if node is not None and request.serial == self._serial and node.path == request.name:
            self.details.setText(details_text(node, found))

    def _on_failed(self, request: TreeRequest, sentence: str) -> None:
        if request.serial == self._serial:
            if request.what != "details" and request.name == "/":
                self.tree.clear()
            self._show_hint(sentence)

    def _open(self, item: QTreeWidgetItem) -> None:
        node = item.data(NAME, NODE)
        if node is None or node.kind == "group":
            return
        if node.image:
            self._session.open(f"{self._path}::{node.path}")
        elif node.kind == "missing":
            self._session.notice(f"{node.path} cannot be shown: {node.note}.")
        else:
            self._session.say(f"{node.name} holds no image.")

    def _mark_open(self) -> None:
        """The dataset shown stands in bold."""
        source = self._session.source
        frame = self._session.frame
        shown = source.dataset if source and frame and frame.path == self._path else ""
        with QSignalBlocker(self.tree):
            for item in all_items(self.tree):
                node = item.data(NAME, NODE)
                font = item.font(NAME)
                font.setBold(node is not None and node.path == shown and bool(shown))
                item.setFont(NAME, font)

    def _recolor(self) -> None:
        for item in all_items(self.tree):
            color_item(item)

    def _show_hint(self, text: str) -> None:
        self.hint.setText(text)
        self.hint.setVisible(bool(text))

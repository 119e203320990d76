"""The tree of an HDF5 file: its widget, its lines and the words for one of them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from xgeom_gui.look.theme import FAILED

if TYPE_CHECKING:
    from xgeom_core.frames.tree_nodes import Details, Node

NAME, SHAPE, TYPE = range(3)
NODE = Qt.ItemDataRole.UserRole
"""Role under which a line keeps its `Node`."""

WAITING = "reading…"


def make_tree() -> QTreeWidget:
    """The widget, empty."""
    tree = QTreeWidget()
    tree.setAccessibleName("Contents of the file")
    tree.setHeaderLabels(["Name", "Shape", "Type"])
    tree.setUniformRowHeights(True)
    tree.setIndentation(14)
    # Names often differ at their ends: beam_center_x, beam_center_y.
    tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    # Double click opens images; groups open by their arrow, Right or a double click as well.
    tree.setExpandsOnDoubleClick(True)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
    for column in (SHAPE, TYPE):
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    return tree


def make_item(node: Node) -> QTreeWidgetItem:
    """One line; a group that has members can be expanded before they are read."""
    item = QTreeWidgetItem([node.name, _shape_text(node), node.dtype if node.kind == "dataset" else ""])
    item.setData(NAME, NODE, node)
    tip = [node.path]
    if node.link:
        tip.append(f"leads to {node.link}")
    if node.note:
        tip.append(node.note)
    if node.image:
        tip.append("Double click shows it")
    for column in range(3):
        item.setToolTip(column, "\n".join(tip))
    if node.kind == "missing":
        item.setText(SHAPE, "missing")
    elif node.note.startswith("missing"):
        item.setText(TYPE, "missing parts")
    color_item(item)
    if node.children:
        item.addChild(QTreeWidgetItem([WAITING]))
    return item


def color_item(item: QTreeWidgetItem) -> None:
    """What is missing stands out, in the color that the present theme has for it."""
    node = item.data(NAME, NODE)
    if node is None:
        return
    if node.kind == "missing":
        for column in (NAME, SHAPE):
            item.setForeground(column, FAILED.color)
    elif node.note.startswith("missing"):
        item.setForeground(TYPE, FAILED.color)


def _shape_text(node: Node) -> str:
    return " × ".join(map(str, node.shape or ()))


def details_text(node: Node, found: Details | None) -> str:
    """Name, where it leads, what it holds and its attributes as rich text."""
    mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    lines = [f"<b>{escape(node.path)}</b>"]
    if node.link:
        lines.append(f"leads to {escape(node.link)}")
    if node.note:
        lines.append(escape(node.note))
    if found is not None and found.value:
        lines.append(f'<span style="font-family:{mono}">{escape(found.value)}</span>')
    for key, value in found.attributes if found is not None else ():
        lines.append(f"@{escape(key)} = {escape(value)}")
    return "<br>".join(lines)


def all_items(tree: QTreeWidget) -> Iterable[QTreeWidgetItem]:
    """Every line that was made, in no particular order."""
    waiting = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
    while waiting:
        item = waiting.pop()
        if item is not None:
            yield item
            waiting += [item.child(i) for i in range(item.childCount())]

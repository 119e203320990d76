"""What is in an HDF5 file: groups, datasets, attributes and links, one level at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import h5py
import numpy as np

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.hdf5 import links
from xgeom_core.formats.hdf5.file import MIN_SIDE, brief, image_set, open_file
from xgeom_core.formats.hdf5.storage import content
from xgeom_core.frames.tree_nodes import Details, Node

MOST_CHILDREN = 5000
"""Members of one group that are listed."""

_DEPTH, _MOST_TEXT, _MOST_VALUES = 12, 400, 64


def children(path: str, group: str = "/") -> tuple[Node, ...]:
    """The members of a group.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read.
    MissingDatasetError
        If it holds no such group.
    """
    with _opened(path) as file:
        parent = _object(file, path, group)
        if not isinstance(parent, h5py.Group):
            raise MissingDatasetError(f"{group} in {path} is no group, so there is nothing inside.")
        names = list(islice(_names(parent), MOST_CHILDREN))
        return tuple(_node(path, parent, name, group) for name in names)


def details(path: str, name: str) -> Details:
    """Attributes of an object, and its value if it is small; errors as `children`."""
    with _opened(path) as file:
        found = _object(file, path, name)
        attributes = tuple((key, _attribute(found, key)) for key in found.attrs)
        return Details(name, attributes, _value(found) if isinstance(found, h5py.Dataset) else "")


def search(path: str, text: str, most: int = 500) -> tuple[tuple[Node, ...], bool]:
    """Everything whose whole name holds a text, whatever its case.

    Returns
    -------
    found : tuple of Node
        At most `most`.
    complete : bool
        Whether that is all.
    """
    with _opened(path) as file:
        wanted = text.casefold()
        matches = (node for node in _walk(path, file, "", _DEPTH, set()) if wanted in node.path.casefold())
        found = tuple(islice(matches, most + 1))
        return found[:most], len(found) <= most


def _opened(path: str) -> h5py.File:
    if not h5py.is_hdf5(path):
        raise UnreadableFileError(f"{path} is not an HDF5 file, so there is no tree to show.")
    return open_file(path)


def _object(file: h5py.File, path: str, name: str) -> Any:
    try:
        return file[name or "/"]
    except (KeyError, OSError, RuntimeError) as error:
        raise MissingDatasetError(f"{path} holds no {name}: read the file again (F5).") from error


def _names(group: h5py.Group) -> Iterator[str]:
    try:
        yield from group
    except (OSError, RuntimeError):
        return


def _walk(path: str, group: h5py.Group, prefix: str, depth: int, seen: set[Any]) -> Iterator[Node]:
    for name in islice(_names(group), MOST_CHILDREN):
        node = _node(path, group, name, prefix)
        yield node
        if node.kind != "group" or depth == 0:
            continue
        inner = group[name]
        info = h5py.h5o.get_info(inner.id)
        # Links in circles end here.
        if (info.fileno, info.addr) not in seen:
            yield from _walk(path, inner, node.path, depth - 1, seen | {(info.fileno, info.addr)})


def _node(path: str, parent: h5py.Group, name: str, prefix: str) -> Node:
    full = f"{prefix.rstrip('/')}/{name}"
    link, target = _link(parent, name)
    try:
        item = parent[name]
    except (KeyError, OSError, RuntimeError):
        gone = target is not None and links.find_target(parent.file.filename, target) is None
        note = f"missing: {target}" if gone else "leads nowhere"
        return Node(full, "missing", link=link, note=note)
    if isinstance(item, h5py.Group):
        return Node(full, "group", link=link, children=len(item))
    if not isinstance(item, h5py.Dataset):
        return Node(full, "other", link=link, note="a named type")
    images = image_set(full, item)
    image = images is not None and images.length > 0 and min(images.shape) >= MIN_SIDE
    return Node(full, "dataset", _shape(item), _type(item), link, _storage(path, item), image)


def _link(parent: h5py.Group, name: str) -> tuple[str, str | None]:
    """Where a link leads in words, and the other file if it is an external one."""
    link = parent.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return f"{link.filename} :: {link.path}", str(link.filename)
    return (str(link.path), None) if isinstance(link, h5py.SoftLink) else ("", None)


def _shape(dataset: h5py.Dataset) -> tuple[int, ...]:
    return tuple(int(side) for side in dataset.shape or ())


def _type(dataset: h5py.Dataset) -> str:
    try:
        kind = dataset.dtype
    except (TypeError, ValueError):
        return "unknown"
    if kind.kind in "SUO":
        return "text" if h5py.check_string_dtype(kind) else "references"
    return f"table of {len(kind.names)} columns" if kind.names else str(kind)


def _storage(path: str, dataset: h5py.Dataset) -> str:
    """What is missing of a virtual dataset; else how it is compressed."""
    if dataset.is_virtual:
        names = links.source_names(dataset)
        missing = links.missing_names(dataset.file.filename or path, names)
        if missing:
            return f"missing: {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
        return f"virtual, of {len(names)} files" if len(names) > 1 else "virtual"
    filters = getattr(dataset, "_filters", None) or {}
    return ", ".join(_FILTERS.get(str(key), f"filter {key}") for key in filters)


_FILTERS = {
    "gzip": "gzip",
    "lzf": "lzf",
    "szip": "szip",
    "shuffle": "shuffle",
    "fletcher32": "checksum",
    "scaleoffset": "scale-offset",
    "32008": "bitshuffle",
    "32004": "LZ4",
    "32015": "Zstandard",
    "32001": "Blosc",
    "32026": "Blosc2",
}


def _attribute(found: Any, key: str) -> str:
    try:
        return _words(found.attrs[key])
    except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:
        return f"cannot be read ({brief(str(error))})"


def _value(dataset: h5py.Dataset) -> str:
    """The content of a small dataset in words."""
    if dataset.size is None or dataset.size > _MOST_VALUES:
        return ""
    try:
        return _words(content(dataset))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        return f"cannot be read ({brief(str(error))})"


def _words(value: Any) -> str:
    if isinstance(value, h5py.Empty):
        return "empty"
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
    elif isinstance(value, np.ndarray):
        plain = [_words(one) for one in value.flat[:_MOST_VALUES]]
        more = ", …" if value.size > _MOST_VALUES else ""
        text = plain[0] if value.size == 1 else f"[{', '.join(plain)}{more}]"
    elif isinstance(value, float | np.floating):
        text = f"{value:.10g}"
    else:
        text = str(value)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"

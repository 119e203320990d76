"""Frames that are ready before they are asked for: the one shown, the one before it and the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_KEPT = 3


class Lookahead(Generic[_Item]):
    """The few items used or prepared last; it belongs to one thread."""

    def __init__(self) -> None:
        self._items: OrderedDict[Hashable, _Item] = OrderedDict()
        self._shown: int | None = None
        self._step = 1

    def get(self, key: Hashable) -> _Item | None:
        """What was prepared for a key."""
        return self._items.get(key)

    def keep(self, key: Hashable, item: _Item) -> None:
        """Keep an item; the oldest one gives way."""
        self._items[key] = item
        self._items.move_to_end(key)
        while len(self._items) > _KEPT:
            self._items.popitem(last=False)

    def next_after(self, index: int, count: int) -> int | None:
        """The frame that is likely to be asked for after this one; None at the end.

        Parameters
        ----------
        index : int
            Number of the frame shown now.
        count : int
            Number of frames.
        """
        if self._shown is not None and index != self._shown:
            self._step = 1 if index > self._shown else -1
        self._shown = index
        likely = index + self._step
        return likely if 0 <= likely < count else None

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._shown, self._step = None, 1

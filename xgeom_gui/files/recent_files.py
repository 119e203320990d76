"""The files opened last. Knows no widget."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from xgeom_gui.services.path_checker import PathChecker
from xgeom_gui.state.session import Session
from xgeom_gui.state.settings import Settings

_KEPT = 12


class RecentFiles(QObject):
    """Remembers what was opened; knows which of it is gone.

    Parameters
    ----------
    session : Session
    settings : Settings
    checker : PathChecker
        Looks for the files; shut down by whoever owns it.

    Signals
    -------
    changed
        Other files, or others of them are gone.
    """

    changed = Signal()

    def __init__(
        self, session: Session, settings: Settings, checker: PathChecker, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._checker = session, settings, checker
        self._specs = tuple(settings.recent[:_KEPT])
        self._gone: frozenset[str] = frozenset()
        self.ignored: frozenset[str] = frozenset()
        session.source_changed.connect(self._remember)
        checker.done.connect(self._found)

    @property
    def specs(self) -> tuple[str, ...]:
        """Newest first."""
        return self._specs

    def is_gone(self, spec: str) -> bool:
        """Whether a spec led nowhere when it was last looked for."""
        return spec in self._gone

    def look(self) -> None:
        """Look which are gone."""
        if self._specs:
            self._checker.submit(self._specs)

    def forget(self) -> None:
        """Empty the list."""
        self._put(())

    def add(self, spec: str) -> None:
        """Put a spec on top."""
        self._put((spec, *(one for one in self._specs if one != spec))[:_KEPT])

    def _remember(self) -> None:
        source = self._session.source
        if source is None or source.path in self.ignored:
            return
        # A series is one entry, whichever of its frames was named.
        self.add(source.path if "#" in source.path else source.spec)

    def _put(self, specs: tuple[str, ...]) -> None:
        if specs != self._specs:
            self._specs = specs
            self._settings.recent = list(specs)
            self.changed.emit()

    def _found(self, gone: frozenset[str]) -> None:
        if gone != self._gone:
            self._gone = gone
            self.changed.emit()

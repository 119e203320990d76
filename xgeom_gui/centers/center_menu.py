"""What can be done with a center: show, read otherwise, measure from, copy, remove."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from xgeom_core.errors import XgeomError
from xgeom_gui.centers.panel import CentersPanel
from xgeom_gui.services.predictor import Experiment
from xgeom_gui.state.centers import Center
from xgeom_gui.state.session import Session


class CenterMenu(QObject):
    """Menus and actions about one center of the table.

    Parameters
    ----------
    session : Session
    panel : CentersPanel
        Whose selected row is meant; without one, the reference.
    zoom : callable
        Shows a place of the image.
    """

    def __init__(
        self,
        session: Session,
        panel: CentersPanel,
        zoom: Callable[[tuple[float, float]], None],
        actions: dict[str, QAction],
    ) -> None:
        super().__init__(panel)
        self._session, self._panel, self._zoom, self._actions = session, panel, zoom, actions
        self.copy_menu = _menu("Copy as", panel)
        self.copy_menu.aboutToShow.connect(self._fill_copy_menu)
        self._open: QMenu | None = None
        panel.table.menu_wanted.connect(self.pop_up)
        for name, handler in (
            ("hide", self.toggle),
            ("remove", self.remove),
            ("copy_center", self.copy_center),
            ("copy_as", self._pop_up_copy),
            ("copy_dials", self.copy_dials),
            ("read_as", self._pop_up_readings),
            ("measure_from", self.measure_from),
        ):
            actions[name].triggered.connect(lambda _checked, act=handler: act())

    def pop_up(self, center: Center, place: QPoint) -> None:
        """Show the menu of a center at a place of the screen."""
        self._show(self.menu_of(center), place)

    def menu_of(self, center: Center) -> QMenu:
        """Everything that can be done with a center."""
        menu = _menu(center.name, self._panel)
        if center.for_size is not None:
            _add(menu, "Remove", self._actions["remove"].toolTip(), partial(self.remove, center))
            return menu
        _add(
            menu, "Zoom to it", "Show its place in the image", partial(self._zoom, center.estimate.center_px)
        )
        shown = _add(menu, "Show its mark", self._actions["hide"].toolTip(), partial(self.toggle, center))
        shown.setCheckable(True)
        shown.setChecked(not center.hidden)
        menu.addMenu(self.readings_of(center, menu))
        reference = self._session.reference
        measure = _add(
            menu,
            "Measure from it",
            self._actions["measure_from"].toolTip(),
            partial(self.measure_from, center),
        )
        measure.setCheckable(True)
        measure.setChecked(reference is not None and reference.source == center.estimate.source)
        self._add_experiment(menu, center)
        menu.addSeparator()
        copies = _menu("Copy as", menu)
        self._fill_copies(copies, center)
        menu.addMenu(copies)
        remove = _add(menu, "Remove", self._actions["remove"].toolTip(), partial(self.remove, center))
        remove.setEnabled(center.compared is not None)
        if center.compared is None:
            remove.setToolTip("It comes with the frame: hide its mark instead")
        return menu

    def readings_of(self, center: Center, parent: QMenu | None = None) -> QMenu:
        """Every way to read an ambiguous convention; disabled where there is no doubt."""
        menu = _menu("Read as", parent or self._panel)
        compared = center.compared
        if compared is None or not compared.options:
            menu.setEnabled(False)
            menu.menuAction().setToolTip("Its convention is not ambiguous")
            return menu
        group = QActionGroup(menu)
        for option in compared.options:
            x, y = option.center_or(compared.reading.estimate.center_px)
            action = _add(
                menu,
                f"{option.name[:1].upper()}{option.name[1:]}: ({x:.2f}, {y:.2f})",
                "Holds for the whole file",
                partial(self._session.external.read_as, compared.name, option.name),
            )
            action.setCheckable(True)
            # Ticked is what the table shows, also before the user has decided.
            action.setChecked(option.center_px == center.estimate.center_px)
            group.addAction(action)
        return menu

    def toggle(self, center: Center | None = None) -> None:
        """Show or hide the mark of a center."""
        center = center or self._panel.current()
        if center is not None:
            self._session.external.set_hidden(center.estimate.source, not center.hidden)

    def remove(self, center: Center | None = None) -> None:
        """Remove a center that came from another program's file."""
        center = center or self._panel.table.selected
        if center is None:
            return
        if self._session.external.remove(center.estimate.source):
            self._session.say(f"Removed {center.name}.")
        else:
            self._session.say(f"{center.name} comes with the frame: hide its mark instead (Space).")

    def measure_from(self, center: Center | None = None) -> None:
        """Refer differences to a center; a second time to the best answer again."""
        center = center or self._panel.table.selected
        if center is not None:
            again = self._session.external.reference == center.estimate.source
            self._session.external.measure_from("" if again else center.estimate.source)

    def copy_center(self, center: Center | None = None) -> None:
        """Copy the two numbers."""
        from xgeom_gui.centers.clipboard import plain_text  # noqa: PLC0415 (loads every format)

        center = center or self._panel.current()
        if center is not None:
            text = plain_text(center)
            QGuiApplication.clipboard().setText(text)
            self._session.say(f"Copied {center.name}: {text} px (fast, slow; outer corner is 0).")

    def copy_dials(self) -> None:
        """Copy the current center as options of dials.import."""
        from xgeom_gui.centers.clipboard import wordings  # noqa: PLC0415 (loads every format)

        center, size = self._panel.current(), self._session.image_size
        if center is None or size is None:
            return
        first = wordings(center, self._session.metadata, size)[0]
        if first.write is None:
            self._session.notice(first.tip)
        else:
            self.copy(center, first.title, first.write)

    def copy(self, center: Center, title: str, write: Callable[[], str]) -> None:
        """Copy what one of the core's writers makes of a center."""
        from xgeom_gui.centers.clipboard import copied_text  # noqa: PLC0415 (loads every format)

        try:
            text = write()
        except XgeomError as error:
            self._session.notice(str(error))
            return
        QGuiApplication.clipboard().setText(text)
        self._session.say(copied_text(center, title))

    def _add_experiment(self, menu: QMenu, center: Center) -> None:
        """Offer what the file knows of the experiment, where the frame says otherwise or nothing."""
        if center.compared is None:
            return
        known, frame = center.metadata(self._session.metadata), self._session.metadata
        if (known.distance_mm, known.pixel_mm, known.wavelength_A) == (
            frame.distance_mm,
            frame.pixel_mm,
            frame.wavelength_A,
        ):
            return
        stated = Experiment(known.distance_mm, known.pixel_mm, known.wavelength_A)
        _add(
            menu,
            "Use its distance, pixel and wavelength",
            "Fill in the experiment of the open frame from this file, and predict again",
            partial(self._session.set_experiment, stated),
        )

    def _fill_copy_menu(self) -> None:
        center = self._panel.current()
        self.copy_menu.clear()
        if center is not None:
            self._fill_copies(self.copy_menu, center)

    def _fill_copies(self, menu: QMenu, center: Center) -> None:
        from xgeom_gui.centers.clipboard import plain_text, wordings  # noqa: PLC0415 (loads every format)

        heading = menu.addAction(f"{center.name}, written for")
        heading.setEnabled(False)
        _add(
            menu,
            f"Numbers: {plain_text(center)}",
            "Center in px (fast, slow), from the frame's outer corner",
            partial(self.copy_center, center),
        )
        size = self._session.image_size
        if size is None:
            return
        for one in wordings(center, self._session.metadata, size):
            handler = partial(self.copy, center, one.title, one.write) if one.write else None
            _add(menu, one.title, one.tip, handler)

    def _pop_up_copy(self) -> None:
        center = self._panel.current()
        if center is not None:
            self._show(self.copy_menu, self._panel.table.place_of(center))

    def _pop_up_readings(self) -> None:
        chosen = self._panel.table.selected
        ambiguous = [one for one in self._session.centers if one.compared and one.compared.options]
        center = next((one for one in ambiguous if one == chosen), ambiguous[0] if ambiguous else None)
        if center is None:
            self._session.say("No center here has an ambiguous convention.")
        else:
            self._show(self.readings_of(center), self._panel.table.place_of(center))

    def _show(self, menu: QMenu, place: QPoint) -> None:
        if self._open is not None and self._open is not self.copy_menu:
            self._open.deleteLater()
        self._open = menu
        menu.popup(place)
        if menu.activeAction() is None and menu.actions():
            first = next((action for action in menu.actions() if action.isEnabled()), menu.actions()[0])
            menu.setActiveAction(first)


def _menu(title: str, parent: QWidget) -> QMenu:
    menu = QMenu(title, parent)
    menu.setToolTipsVisible(True)
    menu.setAccessibleName(title)
    return menu


def _add(menu: QMenu, text: str, tip: str, handler: Callable[[], object] | None) -> QAction:
    """An entry; disabled without a handler."""
    action = menu.addAction(text.replace("&", "&&"))
    action.setToolTip(tip)
    action.setEnabled(handler is not None)
    if handler is not None:
        action.triggered.connect(lambda _checked=False: handler())
    return action

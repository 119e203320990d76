"""Pictures of the empty window and of the bundled example."""

from __future__ import annotations

from studio import Studio


def empty(studio: Studio) -> None:
    studio.shoot("empty")


def empty_dark(studio: Studio) -> None:
    with studio.theme("dark"):
        studio.shoot("empty-dark")


def window(studio: Studio) -> None:
    studio.window.open_example()
    studio.wait(lambda: studio.answered)
    studio.shoot("window")


SCENES = {"empty": empty, "empty-dark": empty_dark, "window": window}

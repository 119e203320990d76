"""The command line: one thin module per verb. ``main`` is the entry point ``xgeom``."""

from __future__ import annotations

import sys

import typer

from xgeom_core.cli.compare import compare
from xgeom_core.cli.evaluate import evaluate
from xgeom_core.cli.export import export
from xgeom_core.cli.geometry import geometry
from xgeom_core.cli.info import info
from xgeom_core.cli.jobs import jobs
from xgeom_core.cli.predict import predict
from xgeom_core.cli.simulate import simulate
from xgeom_core.cli.sweep import sweep
from xgeom_core.cli.train import train
from xgeom_core.errors import XgeomError
from xgeom_core.system.text import printable

app = typer.Typer(
    name="xgeom",
    help="Where does the beam hit the detector, and how is the detector tilted?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (predict, info, geometry, compare, simulate, train, sweep, evaluate, export):
    app.command()(verb)
app.add_typer(jobs)


@app.callback()
def _root() -> None:
    pass


def main() -> None:
    """Run the command line; every error a user can cause ends in one sentence on stderr."""
    try:
        app()
    except XgeomError as error:
        sys.stderr.write(f"xgeom: {printable(str(error))}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)

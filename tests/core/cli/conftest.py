"""The command line's entry point, as a function."""

from __future__ import annotations

import sys

import pytest

from xgeom_core import cli


@pytest.fixture
def xgeom(monkeypatch, capsys):
    """Run the entry point; returns exit code, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["xgeom", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out = capsys.readouterr()
        code = left.value.code
        return (0 if code is None else int(code)), out.out, out.err

    return run

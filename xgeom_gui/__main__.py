"""``python -m xgeom_gui`` is the command ``xgeom-gui``."""

from __future__ import annotations

import sys

from xgeom_gui.app.command_line import main

if __name__ == "__main__":
    sys.exit(main())

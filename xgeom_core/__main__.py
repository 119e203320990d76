"""``python -m xgeom_core`` is ``xgeom``."""

from xgeom_core.cli import main

if __name__ == "__main__":
    main()

"""The pages of the tutorials: each script with what it prints.  python docs/make_tutorials.py

Written beside the scripts as `.md`, which `make docs` renders; not kept in the repository, since they
follow the code.
"""

import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TUTORIALS = Path(__file__).resolve().parent / "tutorials"


def page(script: Path) -> str:
    """One script, its first words as the title, and its output."""
    source = script.read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(source)) or script.stem
    code = source.split('"""', 2)[2].strip()
    run = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, cwd=script.parents[2]
    )
    # Places of temporary files differ from run to run.
    printed = re.sub(re.escape(tempfile.gettempdir()) + r"/[\w.]+/", "/tmp/…/", run.stdout).rstrip()
    head, _, rest = title.partition(":")
    return (
        f"# {head}\n\n{rest.strip().capitalize()}\n\n```python\n{code}\n```\n\nIt prints:\n\n"
        f"```text\n{printed}\n```\n\nThe script: `docs/tutorials/{script.name}`.\n"
    )


def main() -> None:
    """Write every page."""
    for script in sorted(TUTORIALS.glob("*.py")):
        script.with_suffix(".md").write_text(page(script), encoding="utf-8")
        print(script.with_suffix(".md").name)


if __name__ == "__main__":
    main()

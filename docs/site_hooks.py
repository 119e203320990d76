"""What mkdocs does not do by itself: links that leave the pages, and links to the tutorials."""

import re
from pathlib import Path

# Files beside the pages that the pages speak of; on the site they are where the project's files are.
_OUTSIDE = re.compile(r"\]\((?:\.\./)+([A-Za-z_./-]+)(?:#[^)]*)?\)")
_SCRIPT = re.compile(r"\]\((?:\.\./)*(tutorials/\w+)\.py\)")


def on_page_markdown(markdown, page, config, files):
    """Links to scripts lead to their pages; those to files that are not on the site become their names."""
    markdown = _SCRIPT.sub(r"](\1.md)", markdown)
    folder = Path(config["docs_dir"]) / Path(page.file.src_path).parent

    def outside(match):
        inside = (folder / match.group(0)[2:-1].split("#")[0]).resolve()
        on_site = inside.is_relative_to(Path(config["docs_dir"]).resolve())
        return match.group(0) if on_site else "]" + f"(#) `{match.group(1)}`"

    text = _OUTSIDE.sub(outside, markdown)
    # A link to nowhere is a name.
    return re.sub(r"\[([^\]]+)\]\(#\) (`[^`]+`)", r"\1 (\2)", text)

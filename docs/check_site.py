"""The built site in a real browser: no page wider than the screen, no picture missing, the search finds.

python docs/check_site.py    (after `make docs`; needs selenium and Chromium, which nothing else here does)
"""

import functools
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

SITE = Path(__file__).resolve().parent.parent / "site"
WIDTHS = (390, 1366)
_FAULTS = (
    "return [document.documentElement.scrollWidth - window.innerWidth, "
    "Array.from(document.images).filter(i => !i.complete || !i.naturalWidth).length]"
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Look at every page at every width; raises AssertionError at a fault."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}/"
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options)
    pages = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html"))
    for width in WIDTHS:
        browser.set_window_size(width, 844)
        for page in pages:
            browser.get(root + page)
            wider, missing = browser.execute_script(_FAULTS)
            assert wider <= 0 and missing == 0, (width, page, wider, missing)
    browser.get(root + "index.html")
    browser.find_element(By.CSS_SELECTOR, "input[name=query]").send_keys("wavelength")
    time.sleep(4)
    found = browser.find_element(By.CSS_SELECTOR, ".md-search-result__meta").text
    assert found.endswith("matching documents"), found
    browser.quit()
    print(f"{len(pages)} pages at widths {WIDTHS}: none too wide, every picture there; search: {found}")


if __name__ == "__main__":
    main()

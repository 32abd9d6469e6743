"""Makes the picture in the README from a real run: the first notebook, executed in Lab, beside the sidebar.

python -m tests.browser.picture
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.browser import Sidebar, chromium
from tests.browser.lab import Lab

ROOT = Path(__file__).parents[2]
NOTEBOOK = "01-first-session.ipynb"
TARGET = ROOT / "docs/sidebar.png"


def earlier_runs(lab: Lab) -> None:
    lab.create("build-41", appname="builder", mode="nightly", title="Nightly build of main")
    lab.append("build-41", {"message": "12 targets, 3 changed"}, {"message": "done", "level": "info"})
    lab.call("POST", "sessions/build-41/complete")
    lab.create("build-42", appname="builder", mode="nightly", title="Nightly build of docs")
    lab.call("POST", "sessions/build-42/fail", json={"reason": "linker: cannot find -lfares"})


def run_cells(page: Page, presses: int, code_cells: int) -> None:
    """From the first code cell on; text cells between them take a press too."""
    page.locator("#jp-main-statusbar").get_by_text("Idle").wait_for(timeout=60_000)
    page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-editor").first.click(timeout=30_000)
    for _ in range(presses):
        page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-Notebook .jp-InputPrompt", has_text=f"[{code_cells}]")).to_be_visible(timeout=60_000)


def main() -> None:
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        lab = Lab(Path(home))
        shutil.copy(ROOT / "notebooks" / NOTEBOOK, lab.notebooks)
        lab.start()
        try:
            earlier_runs(lab)
            page = browser.new_page(viewport={"width": 1120, "height": 680})
            page.goto(f"{lab.url}lab/tree/{NOTEBOOK}?reset&token={lab.token}")
            page.get_by_role("tab", name="Sessions").click(timeout=60_000)
            sidebar = Sidebar(page)
            sidebar.widen(300)
            run_cells(page, presses=9, code_cells=4)
            sidebar.row("Running", "Lisbon, two people").click()
            expect(sidebar.peek.get_by_role("log")).to_contain_text("TP 573")
            page.locator(".jp-Notebook .jp-CodeCell").nth(2).scroll_into_view_if_needed()
            page.wait_for_timeout(500)
            page.screenshot(path=TARGET)
        finally:
            lab.stop()
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()

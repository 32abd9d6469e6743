from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.browser import Complaints, Sidebar, chromium
from tests.browser.lab import Lab

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


# One module long, not one run: while it lives Playwright keeps an event loop running in this thread, and the
# asynchronous tests of other modules could not start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab")).start()
    yield lab
    lab.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.set_default_timeout(15_000)
    yield page
    page.close()


@pytest.fixture
def complaints(page: Page) -> Complaints:
    return Complaints(page)


@pytest.fixture
def sidebar(page: Page, complaints: Complaints) -> Sidebar:
    return Sidebar(page)


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures go: the directory named by JS_SHOTS, for who wants to look at them."""
    folder = Path(os.environ.get("JS_SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder

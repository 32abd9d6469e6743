"""The system's Chromium, and a page in it that remembers everything that went wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = "no Chromium here; on Debian or Ubuntu: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


class Complaints(list[str]):
    """What the page wrote as errors, into the console or by not catching them."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("console", lambda message: self.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.append(str(error)))

    def without_network(self) -> list[str]:
        network = ("WebSocket connection to", "Failed to load resource", "net::ERR_", "Failed to fetch", "NetworkError")
        return [text for text in self if not any(word in text for word in network)]


class Sidebar:
    """The sidebar as a reader finds it: by its words and roles."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".js-sidebar")

    def open(self, url: str, width: int | None = None) -> Sidebar:
        self.page.goto(url)
        self.page.get_by_role("tab", name="Sessions").click(timeout=60_000)
        self.root.get_by_role("heading", name="Running").wait_for()
        if width is not None:
            self.widen(width)
        return self

    def group(self, name: str) -> Locator:
        return self.root.get_by_role("listbox", name=name)

    def row(self, group: str, name: str) -> Locator:
        return self.group(group).get_by_role("option").filter(has_text=name)

    @property
    def search(self) -> Locator:
        return self.root.get_by_role("searchbox")

    @property
    def peek(self) -> Locator:
        return self.root.get_by_role("region", name="Selected session")

    @property
    def band(self) -> Locator:
        return self.root.locator(".js-band")

    def picture(self, path: Path) -> None:
        self.root.screenshot(path=path)

    def widen(self, width: int) -> None:
        box = self.root.bounding_box()
        assert box is not None
        edge = box["x"] + box["width"] + 3
        self.page.mouse.move(edge, 400)
        self.page.mouse.down()
        self.page.mouse.move(edge + width - box["width"], 400, steps=5)
        self.page.mouse.up()

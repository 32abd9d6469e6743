"""What the sidebar says and does when its server goes, and when it comes back."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.browser import Complaints, Sidebar
from tests.browser.lab import Lab


def test_a_killed_server_is_told_and_its_return_too(
    lab: Lab, sidebar: Sidebar, complaints: Complaints, shots: Path
) -> None:
    lab.create("before", title="Before the crash")
    sidebar.open(lab.page_url)
    expect(sidebar.row("Running", "Before the crash")).to_be_visible()
    assert complaints == []

    lab.kill()
    expect(sidebar.band).to_contain_text(
        re.compile(r"Connection lost\. Showing what arrived until \d\d:\d\d:\d\d\. (Next try in \d+ s|Trying now)\.")
    )
    expect(sidebar.row("Running", "Before the crash")).to_be_visible()
    sidebar.picture(shots / "connection-lost.png")

    lab.start()
    lab.create("after", title="After the crash")
    expect(sidebar.band).to_contain_text(re.compile(r"Connected\."), timeout=30_000)
    sidebar.picture(shots / "connection-back.png")
    expect(sidebar.row("Running", "After the crash")).to_be_visible()
    expect(sidebar.band).to_have_count(0, timeout=10_000)
    # The server that came back is another session than the one that was killed.
    expect(sidebar.row("Running", "this server")).to_have_count(1)

    lab.create("later", title="Live again")
    expect(sidebar.row("Running", "Live again")).to_be_visible()
    assert complaints.without_network() == []

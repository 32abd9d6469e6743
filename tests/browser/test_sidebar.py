"""The sidebar in a real JupyterLab, over a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browser import Complaints, Sidebar
from tests.browser.lab import Lab


def test_on_the_first_run_it_says_what_will_happen_here(lab: Lab, sidebar: Sidebar) -> None:
    sidebar.open(lab.page_url)
    expect(sidebar.root).to_contain_text(
        "No runs recorded yet. Runs appear here while they happen. Nothing leaves this machine."
    )
    expect(sidebar.row("Running", "this server")).to_have_count(1)


def test_a_session_appears_while_the_page_is_open_and_moves_when_it_ends(
    lab: Lab, sidebar: Sidebar, complaints: Complaints
) -> None:
    sidebar.open(lab.page_url)
    lab.create("live-1", title="Lisbon, two people")
    expect(sidebar.row("Running", "Lisbon, two people")).to_be_visible()

    lab.end("live-1")
    expect(sidebar.row("Earlier", "Lisbon, two people")).to_be_visible()
    expect(sidebar.row("Running", "Lisbon, two people")).to_have_count(0)
    assert complaints == []


def test_a_purged_session_leaves_the_list(lab: Lab, sidebar: Sidebar) -> None:
    lab.create("purged-1", title="Soon forgotten")
    sidebar.open(lab.page_url)
    expect(sidebar.row("Running", "Soon forgotten")).to_be_visible()
    lab.call("DELETE", "sessions/purged-1?purge=true")
    expect(sidebar.root.get_by_role("option").filter(has_text="Soon forgotten")).to_have_count(0)


def test_a_click_shows_metadata_and_the_newest_lines_and_they_go_on(lab: Lab, sidebar: Sidebar) -> None:
    lab.create("peek-1", title="Oslo by rail", metadata={"city": "Oslo", "nested": {"limit": 500}})
    lab.append("peek-1", *({"message": f"line {n}"} for n in range(8)))
    sidebar.open(lab.page_url)
    sidebar.row("Running", "Oslo by rail").click()

    expect(sidebar.peek).to_contain_text("Active")
    expect(sidebar.peek).to_contain_text('{"limit":500}')
    lines = sidebar.peek.get_by_role("log").get_by_role("listitem")
    expect(lines).to_have_count(5)
    expect(lines.last).to_contain_text("line 7")

    lab.append("peek-1", {"message": "and one more", "level": "warn"})
    expect(lines.last).to_contain_text("and one more")


def test_the_search_narrows_the_list_by_name_and_metadata(lab: Lab, sidebar: Sidebar) -> None:
    lab.create("search-1", title="Kyoto in April", metadata={"season": "blossom"})
    lab.create("search-2", title="Prague weekend")
    sidebar.open(lab.page_url)
    sidebar.search.fill("blossom")
    expect(sidebar.root.get_by_role("option")).to_have_count(1)
    expect(sidebar.row("Running", "Kyoto in April")).to_be_visible()

    sidebar.search.fill("nothing has this")
    expect(sidebar.root).to_contain_text("No sessions match.")
    sidebar.root.get_by_role("button", name="Clear filters").click()
    expect(sidebar.row("Running", "Prague weekend")).to_be_visible()


def test_the_keyboard_reaches_everything(lab: Lab, sidebar: Sidebar, page: Page) -> None:
    lab.create("keys-1", title="Athens, family of 4")
    lab.create("keys-2", title="Porto by train")
    sidebar.open(lab.page_url)
    sidebar.row("Running", "Porto by train").focus()
    page.keyboard.press("/")
    expect(sidebar.search).to_be_focused()

    page.keyboard.press("ArrowDown")
    expect(sidebar.row("Running", "Porto by train")).to_be_focused()
    page.keyboard.press("j")
    expect(sidebar.row("Running", "Athens, family of 4")).to_be_focused()
    page.keyboard.press("Enter")
    expect(sidebar.peek).to_contain_text("Athens, family of 4")
    expect(sidebar.row("Running", "Athens, family of 4")).to_have_attribute("aria-selected", "true")

    lab.end("keys-1")
    expect(sidebar.row("Earlier", "Athens, family of 4")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sidebar.peek).to_have_count(0)


def test_text_from_a_session_never_becomes_markup(lab: Lab, sidebar: Sidebar, complaints: Complaints) -> None:
    evil = "<img src=x onerror=\"console.error('markup ran')\">"
    lab.create("evil-1", title=evil, metadata={evil: evil})
    lab.append("evil-1", {"message": evil})
    sidebar.open(lab.page_url)
    sidebar.row("Running", evil).click()
    expect(sidebar.peek.get_by_role("log")).to_contain_text(evil)
    expect(sidebar.root.locator("img")).to_have_count(0)
    assert complaints == []


def test_the_palette_knows_the_way(lab: Lab, sidebar: Sidebar, page: Page) -> None:
    page.goto(lab.page_url)
    page.get_by_role("tab", name="Sessions").wait_for(timeout=60_000)
    page.keyboard.press("Control+Shift+C")
    page.keyboard.type("Show sessions")
    page.keyboard.press("Enter")
    expect(sidebar.root).to_be_visible()
    expect(sidebar.search).to_be_focused()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("width", [250, 308, 420])
def test_nothing_is_cut_off_at_any_width(lab: Lab, sidebar: Sidebar, shots: Path, theme: str, width: int) -> None:
    lab.set_theme(f"JupyterLab {theme}")
    lab.create(
        "wide-1",
        title="Group of 12, Rome, with a title that goes on for longer than any sidebar is wide",
        metadata={"notebook": "a_notebook_with_a_long_name.ipynb", "budget": {"currency": "EUR", "limit": 900}},
    )
    lab.append("wide-1", {"message": "fares.example gave no answer within 5.0 s", "level": "error"})
    sidebar.open(lab.page_url, width=width)
    sidebar.row("Running", "Group of 12").click()
    expect(sidebar.peek.get_by_role("log")).to_contain_text("no answer")
    overflow = sidebar.root.evaluate(
        "root => [...root.querySelectorAll('.js-sidebar-list, .js-peek, .js-sidebar-search')]"
        ".filter(part => part.scrollWidth > part.clientWidth).map(part => part.className)"
    )
    sidebar.picture(shots / f"sidebar-{theme.lower()}-{width}.png")
    assert overflow == []


def test_the_duration_of_what_runs_counts_on_by_itself(lab: Lab, sidebar: Sidebar) -> None:
    lab.create("counts-1", title="Zurich, early flight")
    sidebar.open(lab.page_url)
    duration = sidebar.row("Running", "Zurich, early flight").locator(".js-row-duration")
    first = duration.inner_text()
    expect(duration).not_to_have_text(first)

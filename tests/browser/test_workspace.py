"""The page of a workspace: one board, a badge on every card, and a filter by repository."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WAIT, Tabs
from tests.web.serving import Served
from tests.workspace.land import Land

expect.set_options(timeout=WAIT)


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    found = Land(tmp_path_factory.mktemp("land"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def workspace(land: Land) -> Iterator[Served]:
    with land.serve() as server:
        yield server


def test_one_board_shows_every_repository_and_narrows_to_one(land: Land, workspace: Served, tabs: Tabs) -> None:
    land.store.create_issue(land.ada, {"title": "Serve it"})
    land.web.create_issue(land.ada, {"title": "Style it"})
    page = tabs(workspace).open()
    expect(page.locator("board-card")).to_have_count(2)
    badges = page.locator("board-card .repository-badge")
    assert sorted(badges.all_text_contents()) == ["api", "web"]
    picker = page.get_by_label("Repository", exact=True)
    expect(picker.locator("option")).to_have_text(["All repositories", "api", "web"])
    picker.select_option("web")
    expect(page.locator("board-card")).to_have_count(1)
    expect(page.locator("board-card")).to_contain_text("Style it")
    assert "repo%3Aweb" in page.url
    land.store.create_issue(land.ada, {"title": "Unseen here"})
    land.web.create_issue(land.ada, {"title": "Live as well"})
    expect(page.locator("board-card")).to_have_count(2)
    picker.select_option("")
    expect(page.locator("board-card")).to_have_count(4)
    page.goto(f"{workspace.origin}/#/list?q=repo:api")
    expect(page.locator("tr[data-issue]")).to_have_count(2)
    expect(page.get_by_label("Repository", exact=True)).to_have_value("api")


def test_a_new_issue_goes_where_the_page_looks_or_where_it_is_told(land: Land, workspace: Served, tabs: Tabs) -> None:
    page = tabs(workspace).open("#/board?q=repo:web")
    page.keyboard.press("c")
    dialog = page.locator("dialog.new-issue")
    expect(dialog.get_by_title("Repository", exact=True)).to_have_text("web")
    dialog.get_by_label("Title").fill("From the page")
    dialog.get_by_role("button", name="Create issue").click()
    expect(page.locator(".panel-id")).to_contain_text("web#")
    assert "From the page" in {row["title"] for row in land.web.list_issues()["items"]}


def test_a_link_into_another_repository_names_it_and_leads_there(land: Land, workspace: Served, tabs: Tabs) -> None:
    first = land.store.create_issue(land.ada, {"title": "First the server"})
    then = land.web.create_issue(land.ada, {"title": "Then the page"})
    land.store.link(land.ada, first, "blocks", then, away=True)
    page = tabs(workspace).open(f"#/issue/{then}")
    link = page.locator('[data-property="links"] a')
    expect(link).to_have_text(f"api#{first[:8]}")
    expect(page.locator('[data-mark="blocked"]').first).to_be_visible()
    link.click()
    expect(page.locator(".panel-id")).to_contain_text("api#")


def test_a_repository_that_goes_missing_is_marked_and_the_board_goes_on(
    land: Land, workspace: Served, tabs: Tabs
) -> None:
    land.store.create_issue(land.ada, {"title": "Stays"})
    land.hide("web")
    try:
        page = tabs(workspace).open()
        option = page.get_by_label("Repository", exact=True).locator("option").nth(2)
        expect(option).to_have_text("web (missing)")
        expect(page.locator("board-card .repository-badge").first).to_have_text("api")
    finally:
        land.show("web")
    expect(page.get_by_label("Repository", exact=True).locator("option").nth(2)).to_have_text("web")


def test_a_single_repository_shows_neither_badge_nor_filter(served: Served, tabs: Tabs) -> None:
    served.world.store.create_issue(served.world.ada, {"title": "Alone"})
    page = tabs(served).open()
    expect(page.locator("board-card")).to_have_count(1)
    expect(page.locator(".repository-badge")).to_have_count(0)
    expect(page.locator("repository-picker")).to_be_hidden()

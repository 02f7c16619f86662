"""Concurrent edits on the page: what merges by itself, and the tool in which a person chooses where it does not."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from git_tracker.store import Signer
from tests.browser.conftest import WAIT, Tab, Tabs
from tests.store.forge import Forge, edited, signer
from tests.web.serving import Served, World, until

expect.set_options(timeout=WAIT)

TEXT = "The pump leaks. It drips.\n\nNobody has looked at the valve yet.\n"
MINE, THEIRS = TEXT.replace("leaks", "floods the hall"), TEXT.replace("leaks", "is fine")


@pytest.fixture(scope="module")
def bob(world: World) -> Signer:
    found = signer(7, "Bob Byte", "bob@example.org")
    world.store.add_member(world.ada, found.identity.public_key, "bob", "Bob Byte", "bob@example.org", "writer")
    return found


@pytest.fixture
def forge(world: World) -> Forge:
    return Forge(world.store)


def made(served: Served, title: str) -> str:
    return str(served.request("POST", "/api/issues", {"title": title, "description": TEXT}).json["id"])


def said(served: Served, id: str) -> str:
    return str(served.get(f"/api/issues/{id}")["description"])


def tool(page: Page, field: str) -> Any:
    """Open the merge tool from the banner."""
    page.locator(f'[data-conflict="{field}"] button').click()
    dialog = page.locator(f'dialog[data-merge="{field}"]')
    expect(dialog).to_be_visible()
    return dialog


def test_two_who_edit_different_paragraphs_offline_need_nobody(
    tab: Tab, served: Served, forge: Forge, bob: Signer
) -> None:
    id = made(served, "Two paragraphs")
    page = tab.open(f"#/issue/{id}")
    expect(page.locator('[data-part="description"]')).to_contain_text("The pump leaks")
    mine, theirs = TEXT.replace("leaks", "leaks badly"), TEXT.replace("valve", "old valve")
    forge.apart(id, (served.world.ada, [edited(TEXT, mine)]), (bob, [edited(TEXT, theirs)]))
    expect(page.locator('[data-part="description"]')).to_contain_text("The pump leaks badly.")
    expect(page.locator('[data-part="description"]')).to_contain_text("the old valve yet")
    expect(page.locator(".conflict")).to_have_count(0)


def test_two_who_edit_one_sentence_offline_are_both_shown_and_one_is_chosen(
    tabs: Tabs, served: Served, forge: Forge, bob: Signer
) -> None:
    id = made(served, "One sentence")
    one, other = tabs().open(f"#/issue/{id}"), tabs().open()
    forge.apart(id, (served.world.ada, [edited(TEXT, MINE)]), (bob, [edited(TEXT, THEIRS)]))
    card = other.locator(f'board-card[data-issue="{id}"]')
    expect(card.locator('[data-mark="conflict"]')).to_be_visible()
    other.locator(".conflict-filter").click()
    expect(other.locator("board-card")).to_have_count(1)
    expect(card).to_be_visible()
    other.locator(".conflict-filter").click()

    dialog = tool(one, "description")
    sides = dialog.locator(".sides .choice")
    expect(sides).to_have_count(2)
    expect(sides.filter(has_text="Bob Byte").locator("ins")).to_have_text("is fine")
    expect(sides.filter(has_text="Bob Byte").locator("del")).to_have_text("leaks")
    expect(sides.filter(has_text="Ada Lovelace").locator("ins")).to_have_text("floods the hall")
    expect(dialog.locator('[data-choice="result"]')).to_contain_text("floods the hall")
    expect(dialog.get_by_role("button", name="Keep the chosen one")).to_be_disabled()

    sides.filter(has_text="Bob Byte").locator("label").click()
    dialog.get_by_role("button", name="Keep the chosen one").click()
    expect(dialog).to_have_count(0)
    expect(one.locator(".conflict")).to_have_count(0)
    assert said(served, id) == THEIRS
    last = served.get(f"/api/issues/{id}/history")["items"][-1]
    assert (last["type"], last["actor"]["id"], last["verdict"]) == ("conflict-resolved", "ada", "ok")
    expect(card.locator('[data-mark="conflict"]')).to_have_count(0)
    expect(other.locator("activity-feed")).to_contain_text("settled what several wrote in the description")


def test_it_is_settled_with_the_keyboard_alone_in_own_words(
    tab: Tab, served: Served, forge: Forge, bob: Signer
) -> None:
    id = made(served, "By keyboard")
    forge.apart(id, (served.world.ada, [edited(TEXT, MINE)]), (bob, [edited(TEXT, THEIRS)]))
    page = tab.open(f"#/issue/{id}")
    opener = page.locator('[data-conflict="description"] button')
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.merge")
    expect(dialog.locator("input[type=radio]").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")  # around to the last choice, an answer of one's own
    field = dialog.get_by_label("The whole text")
    expect(field).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Both were right.")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(dialog).to_have_count(0)
    until(lambda: said(served, id) == "Both were right.")


def test_a_field_is_chosen_and_what_others_settle_closes_the_tool(
    tabs: Tabs, served: Served, forge: Forge, bob: Signer
) -> None:
    id = made(served, "Two at once")
    forge.apart(
        id,
        (served.world.ada, [{"type": "title-changed", "title": "A drip"}, {"type": "priority-changed", "priority": 0}]),
        (bob, [{"type": "title-changed", "title": "A flood"}, {"type": "priority-changed", "priority": 4}]),
    )
    one, other = tabs().open(f"#/issue/{id}"), tabs().open(f"#/issue/{id}")
    dialog = tool(one, "title")
    expect(dialog.locator(".sides")).to_contain_text("A drip")
    expect(dialog.locator('[data-choice="base"]')).to_contain_text("Two at once")
    tool(other, "title").locator(".choice").filter(has_text="A drip").locator("label").click()
    other.get_by_role("button", name="Keep the chosen one").click()
    expect(dialog).to_have_count(0)
    expect(one.locator("toast-stack")).to_contain_text("settled the title")
    expect(one.locator("issue-title h1")).to_have_text("A drip")

    dialog = tool(one, "priority")
    dialog.get_by_label("Another priority").select_option("1")
    dialog.get_by_role("button", name="Keep the chosen one").click()
    expect(one.locator(".conflict")).to_have_count(0)
    assert served.get(f"/api/issues/{id}")["priority"] == 1


def test_a_third_edit_that_comes_in_meanwhile_is_shown_before_anything_is_sent(
    tab: Tab, served: Served, forge: Forge, bob: Signer
) -> None:
    id = made(served, "A third")
    heads = served.get(f"/api/issues/{id}")["heads"]
    forge.apart(id, (served.world.ada, [edited(TEXT, MINE)]), (bob, [edited(TEXT, THEIRS)]))
    page = tab.open(f"#/issue/{id}")
    dialog = tool(page, "description")
    dialog.get_by_label("The whole text").fill("My own words.")
    auth = forge.store._projection.trust.heads
    third = forge.add(served.world.agent("late"), [edited(TEXT, TEXT.replace("leaks", "sings"))], heads, auth=auth)
    forge.git("update-ref", f"refs/git-tracker/keep/{third}", third)
    expect(dialog.locator(".sides .choice")).to_have_count(3)
    expect(dialog.get_by_role("alert")).to_contain_text("look again")
    expect(dialog.get_by_label("The whole text")).to_have_value("My own words.")
    dialog.get_by_role("button", name="Keep the chosen one").click()
    expect(page.locator(".conflict")).to_have_count(0)
    assert said(served, id) == "My own words."


def test_an_observer_compares_and_cannot_choose(tabs: Tabs, served: Served, forge: Forge, bob: Signer) -> None:
    id = made(served, "To look at")
    hostile = "</div><img src=x onerror=alert(1)>\u202e"
    forge.apart(id, (served.world.ada, [edited(TEXT, MINE)]), (bob, [edited(TEXT, TEXT.replace("leaks", hostile))]))
    tab = tabs()
    page = tab.page
    page.goto(f"{served.origin}/#token={served.observer}")
    page.wait_for_selector("board-column")
    page.goto(f"{served.origin}/#/issue/{id}")
    dialog = tool(page, "description")
    expect(dialog.locator(".sides")).to_contain_text("<img src=x onerror=alert(1)>\\u{202e}")
    expect(dialog.get_by_role("button", name="Keep the chosen one")).to_be_hidden()
    served.request("POST", f"/api/issues/{id}/resolve", {"field": "description", "take": "base"})
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_tool_fits_wide_and_narrow_windows(
    tabs: Tabs, served: Served, forge: Forge, bob: Signer, width: int
) -> None:
    id = made(served, "On a phone")
    forge.apart(id, (served.world.ada, [edited(TEXT, MINE)]), (bob, [edited(TEXT, TEXT.replace("leaks", "x" * 300))]))
    page = tabs(viewport={"width": width, "height": 800}).open(f"#/issue/{id}")
    dialog = tool(page, "description")
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert dialog.evaluate("found => found.scrollWidth <= found.clientWidth")
    expect(dialog.get_by_role("button", name="Keep the chosen one")).to_be_in_viewport()

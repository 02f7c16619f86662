"""The pages about trust: what does not count, and an agent's trail checked against git itself."""

from playwright.sync_api import expect

from tests.browser.conftest import Tab
from tests.store import forge
from tests.store.governed import TrustForge
from tests.web.serving import World


def test_what_does_not_count_is_shown_as_text_and_counts_once_it_is_adopted(world: World, tab: Tab) -> None:
    id = world.store.create_issue(world.ada, {"title": "<img src=x onerror=alert(1)>"})
    mallory = forge.signer(33, "Mal\u202elory", "m@example.org")
    muted = TrustForge(world.store).write(mallory, id, {"type": "label-added", "label": "wet"})
    page = tab.open("#/board")
    page.click("quarantine-link a")
    row = page.locator(f'.apart[data-entry="{muted}"]')

    expect(row.locator(".apart-reason")).to_have_text(f"the key {mallory.identity.fingerprint} was no member's")
    expect(row.locator(".event-title")).to_have_text("<img src=x onerror=alert(1)>")
    expect(row.locator(".apart-who")).to_contain_text("Mal\\u{202e}lory")
    row.locator('[data-action="adopt"]').click()
    expect(row).to_have_count(0)
    assert world.store.get_issue(id)["labels"] == ["wet"]


def test_a_stranger_is_no_person_of_the_tracker_whatever_name_it_gives_itself(world: World, tab: Tab) -> None:
    id = world.store.create_issue(world.ada, {"title": "wanted"})
    double = forge.signer(34, "Ada Lovelace", "ada@example.org")
    TrustForge(world.store).write(double, id, {"type": "label-added", "label": "wet"})
    page = tab.open("#/agents")

    expect(page.locator(".agent-cards h2")).to_have_text(["People", "Not members"])
    card = page.locator(".agent-card", has_text=double.identity.fingerprint)
    expect(card.locator(".agent-name")).to_have_text("Ada Lovelace")
    expect(card.locator(".agent-who .quiet")).to_have_text(f"no member, key {double.identity.fingerprint}")


def test_an_agent_s_trail_is_filtered_and_checked_by_one_button(world: World, tab: Tab) -> None:
    agent = world.agent("checked")
    ids = [world.store.create_issue(agent, {"title": f"no. {number}"}) for number in range(2)]
    world.store.finish(agent, ids[0], "done")
    world.store.update_issue(world.ada, ids[0], {"status": "todo"})
    page = tab.open(f"#/agents/{agent.sid}")
    rows = page.locator(".trail-entry")

    expect(rows).to_have_count(3)
    expect(page.locator("[data-reopened] .event-title")).to_have_text("no. 0")
    page.select_option('trail-filters [name="kind"]', "status-changed")
    expect(rows).to_have_count(1)
    page.select_option('trail-filters [name="kind"]', "")
    page.fill('trail-filters [name="issue"]', ids[1][:10])
    expect(rows).to_have_count(1)
    page.fill('trail-filters [name="issue"]', "")
    expect(rows).to_have_count(3)
    page.click('[data-action="verify"]')
    expect(page.locator("trail-check[data-verified=true]")).to_contain_text("3 of 3 entries on 2 issues verified")
    expect(page.locator('[data-checked="ok"]')).to_have_count(3)


def test_what_a_check_found_stays_while_the_agent_goes_on_working(world: World, tab: Tab) -> None:
    agent = world.agent("busy")
    id = world.store.create_issue(agent, {"title": "goes on"})
    page = tab.open(f"#/agents/{agent.sid}")
    page.click('[data-action="verify"]')
    expect(page.locator("trail-check")).to_contain_text("1 of 1 entry on 1 issue verified")
    world.store.comment(agent, id, "more")

    expect(page.locator(".trail-entry")).to_have_count(2)
    expect(page.locator("trail-check h2")).to_have_count(1)
    expect(page.locator("trail-check")).to_contain_text("1 of 1 entry on 1 issue verified")

"""The page as somebody sees it who works with it, while agents work too."""

import asyncio
import functools
import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WAIT, Tab, Tabs
from tests.mcp.calling import Agent, reached
from tests.web.serving import Served, World, until

expect.set_options(timeout=WAIT)


def by_mcp(served: Served, name: str, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Let an agent call tools over HTTP, in a thread of its own: the browser's driver has this one."""

    async def work() -> list[Any]:
        async with reached("http", "auto", served) as client:
            agent = Agent(client)
            await agent.start(name)
            return [await agent.call(tool, **arguments) for tool, arguments in calls]

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work()).result(60)


def card(page: Page, id: str) -> Any:
    return page.locator(f'board-card[data-issue^="{id}"]')


def column(page: Page, status: str) -> Any:
    return page.locator(f'board-column[data-status="{status}"]')


def test_the_printed_address_signs_in_and_forgets_the_token(tab: Tab, served: Served) -> None:
    page = tab.open()
    assert served.token not in page.url
    assert "token" not in page.url
    cookies = tab.context.cookies()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]
    assert page.evaluate("document.cookie") == ""
    assert served.token not in page.content()
    assert (
        page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])").find(
            served.token
        )
        < 0
    )
    page.reload()
    page.wait_for_selector("board-column")
    page.goto(served.origin)
    page.wait_for_selector("board-column")
    assert page.evaluate("history.length") < 10


def test_without_a_token_it_asks_for_one_and_takes_the_whole_address(tabs: Tabs, served: Served) -> None:
    tab = tabs()
    tab.page.goto(served.origin)
    field = tab.page.get_by_label("Token")
    field.fill("wrong")
    field.press("Enter")
    expect(tab.page.locator("#login-says")).to_contain_text("not valid")
    field.fill(served.url)
    field.press("Enter")
    tab.page.wait_for_selector("board-column")
    assert [text for text in tab.complaints if "401" not in text] == []
    tab.complaints.clear()  # a browser reports every 401 it gets


def test_what_an_agent_does_shows_on_the_open_board_and_in_the_feed(tab: Tab, served: Served) -> None:
    page = tab.open()
    page.evaluate("window.same = true")
    made = by_mcp(
        served, "tank crew", ("create_issues", {"issues": [{"title": "Leak in the main tank", "priority": 0}]})
    )
    id = made[0]["items"][0]["id"]
    expect(column(page, "todo").locator(card(page, id))).to_contain_text("Leak in the main tank")
    by_mcp(
        served, "tank crew", ("claim_issue", {"id": id}), ("comment", {"id": id, "body": "Found it."}),
        ("finish_issue", {"id": id, "summary": "Welded."}),
    )  # fmt: skip
    expect(column(page, "done").locator(card(page, id))).to_be_visible()
    feed = page.locator("activity-feed")
    expect(feed).to_contain_text("tank crew")
    page.goto(f"{served.origin}/#/activity")
    rows = page.locator("activity-page .event").filter(has_text="Leak in the main tank")
    expect(rows.first).to_contain_text("tank crew")
    assert page.evaluate("window.same") is True
    assert rows.count() >= 6
    expect(page.locator("activity-page .event [data-verdict]").first).to_have_attribute("data-verdict", "ok")


def test_a_card_is_moved_with_the_mouse_and_with_keys(tab: Tab, served: Served) -> None:
    id = served.request("POST", "/api/issues", {"title": "To be moved"}).json["id"]
    page = tab.open()
    card(page, id).drag_to(column(page, "in-progress"))
    expect(column(page, "in-progress").locator(card(page, id))).to_be_visible()
    until(lambda: served.get(f"/api/issues/{id}")["status"] == "in-progress")
    card(page, id).locator("a").focus()
    page.keyboard.press("]")
    expect(column(page, "done").locator(card(page, id))).to_be_visible()
    until(lambda: served.get(f"/api/issues/{id}")["status"] == "done")
    assert {event["actor"]["id"] for event in served.get(f"/api/issues/{id}/history")["items"]} == {"ada"}


def test_an_empty_tracker_shows_who_may_write_how_to_begin_and_how_to_connect_an_agent(
    tabs: Tabs, tmp_path: Path
) -> None:
    world = World(tmp_path / "empty")
    with world.serve() as server:
        start = server.get("/api/me")["command"]
        connects = f"claude mcp add git-tracker -- {start} mcp"
        writing, reading = tabs(server), tabs(server)
        page = writing.open()
        empty = page.locator(".empty code")
        expect(empty).to_have_text([f'{start} new "Fix the login on a slow network"', connects])
        page.goto(f"{server.origin}/#/agents")
        expect(empty).to_have_text([connects])
        reading.page.goto(f"{server.origin}/#token={server.observer}")
        expect(reading.page.locator(".empty")).to_contain_text("No issues yet")
        expect(reading.page.locator(".empty code")).to_have_count(0)
        for tab in (writing, reading):
            tab.context.close()
    world.close()


def test_what_is_refused_is_said_and_the_card_stays(tabs: Tabs, tmp_path: Path) -> None:
    world = World(tmp_path / "strict")
    (world.repo / "git-tracker.toml").write_text(
        '[workflow]\nstatuses = {open = "todo", doing = "active", closed = "done"}\n'
        'moves = {open = ["doing"], doing = ["closed"]}\n'
    )
    with world.serve() as server:
        id = server.request("POST", "/api/issues", {"title": "One step at a time"}).json["id"]
        tab = tabs(server)
        page = tab.open()
        card(page, id).drag_to(column(page, "closed"))
        toast = page.locator('[data-toast="problem"]')
        expect(toast).to_contain_text("doing")
        expect(column(page, "open").locator(card(page, id))).to_be_visible()
        assert server.get(f"/api/issues/{id}")["status"] == "open"
        tab.context.close()
        tab.complaints = [text for text in tab.complaints if "409" not in text]  # a browser reports every 409 it gets
    world.close()


def test_a_comment_an_edit_and_a_status_go_to_git_and_come_back(tabs: Tabs, served: Served) -> None:
    id = served.request("POST", "/api/issues", {"title": "Round trip", "description": "Old text."}).json["id"]
    page, other = tabs().open(f"#/issue/{id}"), tabs().open(f"#/issue/{id}")
    page.get_by_label("Comment", exact=True).fill("Seen **twice**.")
    page.get_by_role("button", name="Comment", exact=True).click()
    for view in (page, other):
        expect(view.locator(".comment strong")).to_have_text("twice")
    page.locator('issue-title [data-action="edit-title"]').click()
    page.get_by_label("Title").fill("Round trip, renamed")
    page.get_by_label("Title").press("Enter")
    expect(other.locator("issue-title h1")).to_have_text("Round trip, renamed")
    page.locator("issue-panel").press("s")
    page.get_by_role("option", name="Done").or_(page.get_by_role("menuitemradio", name="Done")).first.click()
    expect(other.locator("issue-panel")).to_have_attribute("data-status", "done")
    issue = served.get(f"/api/issues/{id}")
    assert (issue["title"], issue["status"]) == ("Round trip, renamed", "done")
    assert [comment["body"] for comment in issue["comments"]] == ["Seen **twice**."]


def test_an_issue_is_written_on_the_page(tab: Tab, served: Served) -> None:
    page = tab.open()
    page.keyboard.press("c")
    dialog = page.locator("dialog")
    dialog.get_by_label("Title").fill("Written on the page")
    dialog.get_by_label("Title").press("Control+Enter")
    expect(column(page, "todo")).to_contain_text("Written on the page")
    found = served.get("/api/issues?q=%22Written%20on%20the%20page%22")["items"]
    assert [row["author"]["id"] for row in found] == ["ada"]


def test_a_new_issue_has_its_criteria_parent_milestone_and_day_from_the_beginning(tab: Tab, served: Served) -> None:
    store = served.world.store
    parent = store.create_issue(served.world.ada, {"title": "The whole"})
    page = tab.open()
    page.keyboard.press("c")
    dialog = page.locator("dialog.new-issue")
    dialog.get_by_label("Title").fill("A part")
    dialog.get_by_label("Acceptance criteria").fill("it works\n\n  it is shown  ")
    for name, value in (("Parent", parent[:8]), ("Milestone", "v2")):
        dialog.get_by_title(name, exact=True).click()
        page.locator(".menu input").fill(value)
        page.keyboard.press("Enter")
        expect(dialog.get_by_title(name, exact=True)).to_have_text(value)
    dialog.get_by_label("Due").fill("2030-02-03")
    dialog.get_by_role("button", name="Create issue").click()
    expect(page.locator("issue-panel")).to_contain_text("it is shown")
    (found,) = [store.get_issue(row["id"]) for row in store.list_issues()["items"] if row["title"] == "A part"]
    assert [one["text"] for one in found["criteria"]] == ["it works", "it is shown"]
    assert (found["parent"], found["milestone"], found["due"]) == (parent, "v2", "2030-02-03T00:00:00Z")


def test_a_day_is_taken_whole_and_a_name_as_it_was_typed(tab: Tab, served: Served) -> None:
    store = served.world.store
    issue = store.create_issue(served.world.ada, {"title": "Dated", "due": "2027-01-31T00:00:00Z", "assignee": "ann"})
    page = tab.open(f"#/issue/{issue}")
    due = page.locator('[data-property="due"] input')
    due.focus()
    page.keyboard.type("12242028")
    expect(due).to_be_focused()
    due.press("Enter")
    expect(due).to_have_value("2028-12-24")
    page.locator('[data-property="assignee"] button').click()
    page.locator(".menu input").fill("bo")
    page.keyboard.press("Enter")
    expect(page.locator('[data-property="assignee"]')).to_contain_text("bo")
    until(lambda: store.get_issue(issue)["assignee"] == "bo")
    assert store.get_issue(issue)["due"] == "2028-12-24T00:00:00Z"
    told = [event["summary"] for event in store.events(issue=issue)["items"]]
    assert sum("due" in line for line in told) == 2, told  # as it was made, and once by hand


def test_a_query_that_is_refused_leaves_no_rows_of_another_and_sorting_keeps_its_place(
    tab: Tab, served: Served
) -> None:
    for number in range(3):
        served.world.store.create_issue(served.world.ada, {"title": f"Row {number}"})
    page = tab.open("#/list")
    expect(page.locator("tr[data-issue]").first).to_be_visible()
    head = page.locator('[data-sort="title"]')
    head.click()
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    expect(head).to_be_focused()
    page.get_by_label("Query").fill("status:")
    page.get_by_label("Query").press("Enter")
    expect(page.get_by_text("stands without a value")).to_be_visible()
    expect(page.locator("tr[data-issue]")).to_have_count(0)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    tab.complaints.clear()  # the browser itself notes an answer of 400


def test_a_comment_sent_from_its_preview_leaves_an_empty_field(tab: Tab, served: Served) -> None:
    issue = served.world.store.create_issue(served.world.ada, {"title": "Talked about"})
    page = tab.open(f"#/issue/{issue}")
    field = page.locator(".composer textarea")
    field.fill("```\n" + "long" * 100 + "\n```")
    page.locator(".composer").get_by_role("button", name="Preview").click()
    inside = page.locator(".composer").bounding_box()
    assert inside
    assert inside["width"] < page.viewport_size["width"]  # type: ignore[index]
    page.locator(".composer").get_by_role("button", name="Comment").click()
    expect(page.locator(".comment")).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("")


def test_everybody_sees_who_else_is_here(tabs: Tabs, served: Served) -> None:
    id = served.request("POST", "/api/issues", {"title": "Two readers"}).json["id"]
    page, other = tabs().open(f"#/issue/{id}"), tabs().open(f"#/issue/{id}")
    expect(page.locator(".panel-bar .people")).not_to_be_empty()
    other.locator('issue-title [data-action="edit-title"]').click()
    expect(page.locator(".panel-bar .people")).to_contain_text("is editing")
    other.close()
    expect(page.locator(".panel-bar .people")).to_be_empty()


def test_an_observer_sees_everything_and_has_no_way_to_write(tabs: Tabs, served: Served) -> None:
    id = served.request("POST", "/api/issues", {"title": "Look, don't touch"}).json["id"]
    tab = tabs()
    tab.page.goto(f"{served.origin}/#token={served.observer}")
    page = tab.page
    page.wait_for_selector("board-column")
    expect(page.locator(".observer")).to_have_text("read only")
    page.goto(f"{served.origin}/#/issue/{id}")
    expect(page.locator("issue-title h1")).to_have_text("Look, don't touch")
    assert page.locator("textarea").count() == 0
    assert page.locator("[data-write]:visible").count() == 0


def test_an_agents_trail_says_by_whose_leave_it_worked(tab: Tab, served: Served) -> None:
    by_mcp(served, "trail maker", ("create_issues", {"issues": [{"title": "On the trail"}]}))
    page = tab.open("#/agents")
    page.locator("agents-page").get_by_text("trail maker").first.click()
    trail = page.locator("agent-trail")
    expect(trail).to_contain_text("On the trail")
    expect(trail).to_contain_text("Ada Lovelace")
    expect(trail).to_contain_text(served.world.ada.identity.fingerprint[:12])


@pytest.fixture
def elsewhere(tmp_path: Path, served: Served) -> Iterator[str]:
    """A page of another origin that links to the tracker and tries to reach into it."""
    (tmp_path / "page.html").write_text(
        f'<a href="{served.origin}/">to the tracker</a>'
        f'<script>fetch("{served.origin}/api/issues", {{credentials: "include", mode: "no-cors"}})</script>'
        f'<img src="{served.origin}/api/health"><script src="{served.origin}/static/main.js"></script>'
        f'<iframe src="{served.origin}/"></iframe>'
        f'<form method="post" enctype="text/plain" action="{served.origin}/api/issues"><input name=\'{{"title":"csrf","x":"\' value=\'"}}\'></form>'
    )
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/page.html"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else_gets_in(
    tabs: Tabs, served: Served, elsewhere: str
) -> None:
    tab = tabs()
    page = tab.open()  # signed in
    issues = served.get("/api/health")["issues"]
    statuses: dict[str, int] = {}
    page.on(
        "response",
        lambda response: statuses.__setitem__(f"{response.request.resource_type} {response.url}", response.status),
    )
    page.goto(elsewhere)
    page.wait_for_load_state("networkidle")
    refused = {what.partition(" ")[0]: status for what, status in statuses.items() if served.origin in what}
    assert refused.pop("document", 200) == 200  # the frame's request is answered, and framing refused by the browser
    assert set(refused.values()) <= {401, 403}
    assert page.frames[-1].url in ("", "about:blank", f"{served.origin}/", "chrome-error://chromewebdata/")
    assert page.frame_locator("iframe").locator("board-column").count() == 0
    with page.expect_navigation() as posted:
        page.evaluate("document.forms[0].submit()")
    assert posted.value
    assert posted.value.status in (403, 415)
    assert served.get("/api/health")["issues"] == issues
    page.goto(elsewhere)
    page.get_by_text("to the tracker").click()
    page.wait_for_selector("board-column")
    tab.complaints.clear()  # the browser says of each refusal that it was one
    tab.foreign.clear()

"""The page in bad weather: hostile text, lost connections, a great many issues, small windows and the dark."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WAIT, Tab, Tabs
from tests.web.serving import Served, World

expect.set_options(timeout=WAIT)

PAYLOADS = [
    "<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=2>", "<svg onload=window.pwned=3>",
    "<iframe src=javascript:window.pwned=4></iframe>", "<style>*{display:none}</style>", "<base href=http://evil.example/>",
    "<form action=http://evil.example/><button>go</button></form>", "<a href='javascript:window.pwned=5'>x</a>",
    "[click](javascript:window.pwned=6)", "[click](JaVaScRiPt:window.pwned=7)", "[click](java\nscript:window.pwned=8)",
    "[click](&#106;avascript:window.pwned=9)", "[click](data:text/html,<script>window.pwned=10</script>)",
    "[click](vbscript:x)", "![pixel](http://evil.example/pixel.png)", "![x](x\" onerror=\"window.pwned=11)",
    "<http://evil.example/>", "`<b>code</b>`", "```html\n<script>window.pwned=12</script>\n```", "</div></section><h1>out</h1>",
    "<math><mi//xlink:href=\"data:x,<script>window.pwned=13</script>\">", "<details open ontoggle=window.pwned=14>",
    "<input autofocus onfocus=window.pwned=15>", "{{constructor.constructor('window.pwned=16')()}}", "[x]: javascript:window.pwned=17",
]  # fmt: skip
HOSTILE = "\u202etxt.exe\u202c \u200bhidden\u200d \U000e0041\U000e0042 \x1b[2J \u2066x\u2069"
LONG = "w" * 400


@pytest.fixture(scope="module")
def hostile(world: World) -> str:
    agent = world.agent(f"<b>evil</b> {HOSTILE}"[:60], client="<i>x</i>/1")
    id = world.store.create_issue(
        agent,
        {"title": f"<img src=x onerror=window.pwned=20> {HOSTILE} {LONG}"[:480], "description": "\n\n".join([*PAYLOADS, LONG]),
         "labels": ["<script>window.pwned=21</script>", "w" * 60, HOSTILE[:30]], "assignee": "<b>x</b>" + "w" * 50,
         "criteria": [f"<img src=x onerror=window.pwned=22> {LONG}"], "milestone": "<svg onload=window.pwned=23>"},
    )  # fmt: skip
    for payload in PAYLOADS:
        world.store.comment(
            agent, id, f"{payload}\n\n{HOSTILE} {LONG}\n\n| a | b |\n|---|---|\n| {LONG} | {payload[:20]!r} |"
        )
    world.store.finish(
        agent,
        world.store.create_issue(agent, {"title": LONG}),
        "x",
        [{"kind": "url", "value": "javascript:window.pwned=24"}],
    )
    return id


def unharmed(page: Page) -> None:
    assert page.evaluate("window.pwned") is None
    links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.protocol)")
    assert set(links) <= {"http:", "https:", "mailto:"}
    sources = page.eval_on_selector_all("[src]", "all => all.map(e => e.src)")
    assert all(source.startswith(page.url.split("#")[0]) for source in sources), sources
    assert page.locator("iframe, object, embed, base, svg script, main style").count() == 0


def no_wider_than_the_window(page: Page) -> None:
    wide = page.evaluate(
        """() => [document.documentElement.scrollWidth, innerWidth,
            [...document.querySelectorAll('body *')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
              && getComputedStyle(e).overflowX === 'visible' && e.getBoundingClientRect().right > innerWidth + 1)
              .slice(0, 5).map(e => e.outerHTML.slice(0, 120))]"""
    )
    assert wide[0] <= wide[1], wide


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_hostile_text_runs_nothing_hides_nothing_and_breaks_no_layout(
    tabs: Tabs, served: Served, hostile: str, width: int
) -> None:
    tab = tabs(viewport={"width": width, "height": 740})
    page = tab.open()
    for route in ("", f"#/issue/{hostile}", "#/list", "#/activity", "#/agents"):
        page.goto(f"{served.origin}/{route}")
        page.wait_for_selector({"": "board-card", "#/list": "issue-list a", "#/activity": ".event", "#/agents": "agents-page a"}.get(
            route, ".comment"))  # fmt: skip
        unharmed(page)
        no_wider_than_the_window(page)
    page.goto(f"{served.origin}/#/issue/{hostile}")
    page.get_by_role("tab", name="History").click()
    page.wait_for_selector("issue-history li, issue-history .event")
    unharmed(page)
    heading = page.locator("issue-title h1").inner_text()
    assert "\u202e" not in page.locator("body").inner_text()
    assert "202e" in heading.lower()
    agent = served.world.store.get_issue(hostile)["author"]["id"]
    page.goto(f"{served.origin}/#/agents/{agent}")
    page.wait_for_selector("agent-trail")
    unharmed(page)
    no_wider_than_the_window(page)


def test_a_restarted_server_is_found_again_and_nothing_is_missed(tabs: Tabs, tmp_path: Path) -> None:
    world = World(tmp_path / "restarted")
    id = world.store.create_issue(world.ada, {"title": "Before the restart"})
    with world.serve() as first:
        tab = tabs(first)
        page = tab.open("#/activity")
        page.evaluate("window.same = true")
        expect(page.locator("activity-page .event")).to_have_count(1)
        first.stop()
        page.wait_for_selector('[data-live="connecting"]')
        world.store.comment(world.ada, id, "written meanwhile")
        new = world.store.create_issue(world.ada, {"title": "Born meanwhile"})
    with world.serve(port=first.port) as second:
        assert second.port == first.port
        page.wait_for_selector('[data-live="websocket"], [data-live="sse"]')
        expect(page.locator("activity-page .event")).to_have_count(3)
        world.store.comment(world.ada, new, "after it")
        expect(page.locator("activity-page .event")).to_have_count(4)
        assert page.evaluate("window.same") is True
        tab.context.close()
    tab.complaints = [
        text for text in tab.complaints if "ERR_CONNECTION_REFUSED" not in text and "WebSocket" not in text
    ]
    world.close()


NO_SOCKETS = """
window.WebSocket = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.onclose?.(new CloseEvent('close', { code: 1006 }))); }
  close() {}
};
"""


def test_without_websockets_it_listens_to_server_sent_events(tabs: Tabs, served: Served) -> None:
    tab = tabs()
    tab.page.add_init_script(NO_SOCKETS)
    page = tab.open(live="sse")
    id = served.world.store.create_issue(served.world.ada, {"title": "By the other road"})
    expect(page.locator(f'board-card[data-issue="{id}"]')).to_be_visible()


def test_a_rebuilt_index_is_read_again(tab: Tab, served: Served) -> None:
    page = tab.open()
    served.world.store.rebuild()
    id = served.world.store.create_issue(served.world.ada, {"title": "In a new epoch"})
    expect(page.locator(f'board-card[data-issue="{id}"]')).to_be_visible()
    served.world.store.update_issue(served.world.ada, id, {"title": "Still listening"})
    expect(page.locator(f'board-card[data-issue="{id}"]')).to_contain_text("Still listening")


def test_a_board_of_two_thousand_issues_stays_light(tabs: Tabs, tmp_path: Path) -> None:
    world = World(tmp_path / "many")
    plan = [
        {"title": f"Issue number {number} of a great many", "labels": ["bug", "later", f"area-{number % 7}"],
         "status": ("todo", "in-progress", "done")[number % 3]}
        for number in range(2000)
    ]  # fmt: skip
    for start in range(0, 2000, 200):
        world.store.create_issues(world.ada, plan[start : start + 200])
    with world.serve() as server:
        tab = tabs(server)
        page = tab.open()
        page.wait_for_selector("board-card")
        assert page.evaluate("document.getElementsByTagName('*').length") < 3000
        expect(page.locator("board-page .toolbar")).to_contain_text("2,000")
        id = world.store.create_issue(world.ada, {"title": "One more", "priority": 0})
        expect(page.locator(f'board-card[data-issue="{id}"]')).to_be_visible()
        page.goto(f"{server.origin}/#/activity")
        page.wait_for_selector(".event")
        assert page.evaluate("document.getElementsByTagName('*').length") < 6000
        tab.context.close()
    world.close()


def test_light_and_dark_follow_the_system_and_the_choice(tabs: Tabs, served: Served) -> None:
    def brightness(page: Page) -> float:
        colour = page.evaluate(
            """() => { const c = document.createElement('canvas').getContext('2d');
            c.fillStyle = getComputedStyle(document.body).backgroundColor; c.fillRect(0, 0, 1, 1);
            return [...c.getImageData(0, 0, 1, 1).data]; }"""
        )
        return sum(json.loads(json.dumps(colour))[:3]) / 3

    light, dark = tabs(color_scheme="light").open(), tabs(color_scheme="dark").open()
    assert brightness(light) > 200
    assert brightness(dark) < 60
    toggle = light.locator("theme-toggle button").first
    for _ in range(3):
        toggle.click()
        if brightness(light) < 60:
            break
    assert brightness(light) < 60
    light.reload()
    light.wait_for_selector("board-column")
    assert brightness(light) < 60

"""A real Chromium in front of a real server. Nothing here is faked: what a page would do wrong fails at its end."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.web.serving import Served

HOW = "no Chromium found: apt-get install chromium fonts-liberation, or set CHROMIUM=/path/to/it"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]  # fmt: skip
WAIT = 15_000  # milliseconds after which what a page should show has not come


def chromium() -> str | None:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(HOW)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield found
        found.close()


class Tab:
    """One page, and everything it should not have done."""

    def __init__(self, context: BrowserContext, server: Served) -> None:
        self.context, self.server = context, server
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        own = (self.server.origin, self.server.origin.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            self.foreign.append(request.url)

    def open(self, where: str = "", *, live: str = "websocket") -> Page:
        """Sign in with the printed address, then go to a route such as `#/issue/…`."""
        self.page.goto(self.server.url)
        self.page.wait_for_selector(f'[data-live="{live}"]')
        self.page.wait_for_selector("board-column")
        if where:
            self.page.goto(f"{self.server.origin}/{where}")
        return self.page

    def nothing_wrong(self) -> None:
        assert self.complaints == []
        assert self.foreign == []


Tabs = Callable[..., Tab]


@pytest.fixture
def tabs(browser: Browser, served: Served) -> Iterator[Tabs]:
    """Make tabs, each with a cookie jar of its own; at the end all must have behaved."""
    made: list[Tab] = []

    def make(server: Served = served, **options: object) -> Tab:
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        made.append(Tab(browser.new_context(**options), server))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for tab in made:
        tab.context.close()
    for tab in made:
        tab.nothing_wrong()


@pytest.fixture
def tab(tabs: Tabs) -> Tab:
    return tabs()

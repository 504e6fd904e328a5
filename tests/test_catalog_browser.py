"""The catalog's page as people see it, in a real browser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from apikit.catalog import Service, Settings, create_app
from tests.servers.many_services import ManyServices

# A browser is not instrumented, and what preloads a sanitizer would go into it.
pytestmark = pytest.mark.no_asan

NAMES = ("metrics", "images", "budget")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    with sync_playwright() as playwright:
        # No sandbox: the tests may be root's, and the pages are their own.
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def services() -> Iterator[ManyServices]:
    with ManyServices() as running:
        yield running


@pytest.fixture
def url(services: ManyServices) -> Iterator[str]:
    """Serve the catalog of three services."""
    urls = [Service(f"{services.url}/{name}") for name in NAMES]
    app = create_app(Settings(tuple(urls), title="api.example.org", interval=0.05))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    app.extensions["apikit.catalog"].stop()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """Open the page at a time of our own, with all services up; no error, no refused script."""
    context = browser.new_context()
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    opened.clock.install()
    opened.goto(url)
    while opened.locator("tr.up").count() < len(NAMES):
        opened.goto(url)
    yield opened
    context.close()
    assert problems == []


def shown_names(page: Page) -> list[str]:
    return page.locator("tbody tr:visible th a").all_inner_texts()


def test_search(page: Page) -> None:
    assert shown_names(page) == list(NAMES)
    page.get_by_label("Search").fill("ima UP")
    assert shown_names(page) == ["images"]
    expect(page.locator("output")).to_have_text("1 found")
    page.get_by_label("Search").fill("")
    assert shown_names(page) == list(NAMES)


def test_sorting(page: Page) -> None:
    page.get_by_role("button", name="Service").click()
    assert shown_names(page) == ["budget", "images", "metrics"]
    expect(page.locator("thead th").first).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Service").click()
    assert shown_names(page) == ["metrics", "images", "budget"]


def test_service_goes_down_and_comes_back(page: Page, services: ManyServices) -> None:
    page.get_by_role("button", name="Service").click()
    row = page.locator("tbody tr", has_text="images")
    expect(row).to_have_class("up")
    services.answers["images"] = (503, "text/plain", b"")
    asked = services.asked.count("images")
    services.wait_until_asked("images", asked + 2)
    page.clock.run_for(16_000)
    expect(row).to_have_class("down")
    expect(row).to_contain_text("it answers 503 Service Unavailable")
    expect(row).to_contain_text("0.0.1")
    assert shown_names(page) == ["budget", "images", "metrics"]  # the order stays as chosen
    services.answers.clear()
    asked = services.asked.count("images")
    services.wait_until_asked("images", asked + 2)
    page.clock.run_for(16_000)
    expect(row).to_have_class("up")


def test_whole_without_script(browser: Browser, page: Page, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(url)
    assert shown_names(plain) == list(NAMES)
    expect(plain.locator("#search")).to_be_hidden()
    expect(plain.locator("thead")).to_contain_text("Service")
    context.close()


def test_fits_a_phone(browser: Browser, page: Page, url: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    phone = context.new_page()
    phone.goto(url)
    widths = phone.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    assert shown_names(phone) == list(NAMES)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text_in_both_schemes(
    scheme: str, browser: Browser, page: Page, url: str
) -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3) for each kind of text on the page."""
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    coloured = context.new_page()
    coloured.goto(url)
    ratios = coloured.evaluate(
        """() => {
          const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
            .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
            .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
          const read = (text) => text.match(/[0-9.]+/g).map(Number);
          const back = read(getComputedStyle(document.body).backgroundColor);
          return ["body", "a", ".state", ".description", "caption"].map((name) => {
            const front = read(getComputedStyle(document.querySelector(name)).color);
            const [one, other] = [light(front), light(back)].sort((a, b) => b - a);
            return (one + 0.05) / (other + 0.05);
          });
        }"""
    )
    assert min(ratios) >= 4.5
    context.close()

"""What a browser refuses on the dashboard: injected scripts, frames, foreign addresses; and what no script can read."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from support.dashboard import open_page
from support.stack import Stack

# The page's own fixture takes a refusal by the policy for a fault; here it is what is wanted.
REPORTS = """() => { window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective)); }"""


@pytest.fixture
def quiet_page(context: BrowserContext) -> Iterator[Page]:
    """Give a page on which refusals are no faults."""
    made = context.new_page()
    yield made
    made.close()


@pytest.fixture
def elsewhere(plant: Stack) -> Iterator[str]:
    """Serve a page of another origin that frames the dashboard."""

    class Framing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'<!doctype html><iframe id="inner" src="{plant.address}/"></iframe>'.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Framing)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_injected_script_is_not_run_and_data_cannot_leave(quiet_page: Page, plant: Stack, elsewhere: str) -> None:
    page = quiet_page
    open_page(page, plant, "/")
    page.evaluate(REPORTS)
    page.evaluate("""() => {
        window.ran = [];
        const script = document.createElement("script");
        script.textContent = "window.ran.push('inline')";
        document.body.append(script);
        const button = document.createElement("button");
        button.setAttribute("onclick", "window.ran.push('handler')");
        document.body.append(button);
        button.click();
    }""")
    page.evaluate(
        """(address) => { const script = document.createElement("script"); script.src = address;
        document.body.append(script); return fetch(address).catch(() => null); }""",
        elsewhere,
    )
    page.wait_for_function("window.refused.includes('connect-src')")
    assert page.evaluate("window.ran") == []
    assert set(page.evaluate("window.refused")) >= {"script-src-elem", "script-src-attr", "connect-src"}


def test_code_made_from_text_is_not_run(quiet_page: Page, plant: Stack) -> None:
    page = quiet_page
    open_page(page, plant, "/")
    page.evaluate(REPORTS)
    # In a timer of the page's own: what the driver evaluates is not under the policy.
    page.evaluate(
        "() => { setTimeout(() => { try { window.made = eval('1 + 1'); } catch { window.made = 'refused'; } }) }"
    )
    page.wait_for_function("window.made !== undefined")
    assert page.evaluate("window.made") == "refused"


def test_dashboard_cannot_be_framed_by_another_page(quiet_page: Page, elsewhere: str) -> None:
    quiet_page.goto(elsewhere)
    quiet_page.wait_for_load_state("networkidle")
    inner = next(frame for frame in quiet_page.frames if frame.parent_frame is not None)
    assert inner.url == "chrome-error://chromewebdata/"


def test_tokens_are_where_no_script_finds_them_after_a_reload(page: Page, plant: Stack) -> None:
    open_page(page, plant, "/")
    kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "eyJ" not in kept
    assert "pulse_refresh" not in kept
    cookie = next(one for one in page.context.cookies() if one["name"] == "pulse_refresh")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert cookie["value"] not in kept
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0


def test_every_answer_that_a_browser_loads_carries_the_headers(page: Page, plant: Stack) -> None:
    seen: dict[str, dict[str, str]] = {}
    page.on("response", lambda answer: seen.setdefault(answer.url, answer.headers))
    open_page(page, plant, "/devices/")
    own = {url: headers for url, headers in seen.items() if url.startswith(plant.address)}
    assert len(own) > 10
    for url, headers in own.items():
        assert "default-src 'self'" in headers["content-security-policy"], url
        assert "unsafe-eval" not in headers["content-security-policy"], url
        assert headers["x-content-type-options"] == "nosniff", url
        assert headers["x-frame-options"] == "DENY", url
        assert headers["referrer-policy"] == "no-referrer", url
    assert {url for url in seen if not url.startswith(plant.address)} == set(), "something is loaded from elsewhere"

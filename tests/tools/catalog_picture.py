"""Makes the picture of the catalog in docs/: run with ``python -m tests.tools.catalog_picture``."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from apikit.catalog import Service, Settings, create_app
from tests.servers.many_services import GOOD, ManyServices
from tests.tools.project import ROOT

_SERVICES = {
    "metrics": ("2.4.0", "Values that the builds measured", "none"),
    "images": ("0.9.1", "Cut-outs of the survey's images", "bitly-proxy"),
    "budget": ("1.0.3", "What a job may use, and what it used", "basic"),
    "tickets": ("0.3.0", "Issues by project and state", "bitly-proxy"),
}


def make_picture(path: Path) -> None:
    """Write the page with three services up and one down."""
    with ManyServices() as services:
        for name, (version, description, auth) in _SERVICES.items():
            fields = {
                **GOOD,
                "name": f"uservice-{name}",
                "version": version,
                "description": description,
                "auth": auth,
                "repository": f"https://example.org/uservice-{name}",
            }
            services.answers[name] = (200, "application/json", json.dumps(fields).encode())
        listed = tuple(
            Service(f"https://api.example.org/{name}", f"{services.url}/{name}/metadata")
            for name in _SERVICES
        )
        app = create_app(
            Settings(listed, "api.example.org", "Services of the observatory", interval=0.2)
        )
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever).start()
        with sync_playwright() as playwright:
            program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1100, "height": 200})
            url = f"http://127.0.0.1:{server.server_port}/"
            page.goto(url)
            while page.locator("tr.up").count() < len(_SERVICES):
                page.goto(url)
            services.answers["tickets"] = (503, "text/plain", b"")
            while page.locator("tr.down").count() < 1:
                page.goto(url)
            page.screenshot(path=path, full_page=True)
            browser.close()
        server.shutdown()
        app.extensions["apikit.catalog"].stop()


if __name__ == "__main__":
    make_picture(ROOT / "docs" / "images" / "catalog.png")

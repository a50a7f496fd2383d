"""A real browser for tests: Chromium, driven over WebDriver by its own chromedriver.

Both come with the system (Debian: ``make tools``), never with a download of the test's: without
them the tests that need one are skipped, and say so.
"""

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

OPTIONS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-sandbox",
)
START_S = 30


class Browser:
    """A session of one window."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client, self._session = client, session

    def _say(self, method: str, path: str, **said: Any) -> Any:
        answer = self._client.request(
            method, f"/session/{self._session}/{path}", json=said if method == "POST" else None
        )
        value = answer.json()["value"]
        assert answer.is_success, value
        return value

    def open(self, url: str) -> None:
        """Load a page."""
        self._say("POST", "url", url=url)

    def resize(self, width: int, height: int = 1000) -> None:
        """Give the page so much room, in pixels; a window can't be so small."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._command("Emulation.setDeviceMetricsOverride", **size)

    def print(self, width: int) -> None:
        """Show the page as it is printed, on paper of so many pixels."""
        self.resize(width)
        self._command("Emulation.setEmulatedMedia", media="print")

    def _command(self, name: str, **said: Any) -> None:
        """Send a command of Chromium's own protocol."""
        self._say("POST", "goog/cdp/execute", cmd=name, params=said)

    def run(self, script: str, *values: Any) -> Any:
        """Return what a function's body in JavaScript returns for ``arguments``."""
        return self._say("POST", "execute/sync", script=script, args=values)

    def text(self) -> str:
        """Return what a reader sees."""
        return str(self.run("return document.body.innerText"))

    def wait(self, script: str, *values: Any, seconds: float = 20) -> Any:
        """Return what a script returns once that is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.run(script, *values):
                return found
            time.sleep(0.2)
        raise AssertionError(f"not within {seconds} s: {script} {values}\n{self.text()}")

    def click(self, text: str) -> None:
        """Click on the button that shows a text, as soon as it is there."""
        find = """return [...document.querySelectorAll("button, a")]
            .find(each => each.innerText.toLowerCase() === arguments[0].toLowerCase())"""
        element = self.wait(find, text)
        (name,) = element.values()
        self._say("POST", f"element/{name}/click")

    def errors(self) -> list[str]:
        """Return what the page complained of in the console since the last time."""
        entries = self._say("POST", "se/log", type="browser")
        return [each["message"] for each in entries if each["level"] == "SEVERE"]

    def picture(self) -> bytes:
        """Return a PNG of what the window shows."""
        return base64.b64decode(self._say("GET", "screenshot"))


@contextmanager
def browser(folder: Path, width: int = 1280, height: int = 1000) -> Iterator[Browser]:
    """Open a browser with a profile of its own in ``folder``; skip the test where there is none."""
    folder.mkdir()
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"NOT TESTED in a browser: no {', '.join(missing)}; `make tools` installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "chromedriver.log"
    driver = subprocess.Popen(
        [str(programs["chromedriver"]), f"--port={port}", f"--log-path={log}"],
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            _wait_for(http)
            arguments = [*OPTIONS, f"--user-data-dir={folder / 'profile'}"]
            chrome = {
                "binary": programs["chromium"],
                "args": [*arguments, f"--window-size={width},{height}"],
            }
            wishes = {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}
            answer = http.post("/session", json={"capabilities": {"alwaysMatch": wishes}})
            assert answer.is_success, answer.text
            session = answer.json()["value"]["sessionId"]
            try:
                yield Browser(http, session)
            finally:
                http.delete(f"/session/{session}")
    finally:
        driver.terminate()
        driver.wait(10)


def _wait_for(http: httpx.Client) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if http.get("/status").json()["value"]["ready"]:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("chromedriver did not become ready")

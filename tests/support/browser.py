"""A real headless browser, where there is one."""

import os
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """``dump`` gives the page's DOM after its scripts ran, ``messages`` what its console said."""

    def __init__(self, folder):
        found = next(filter(None, map(shutil.which, NAMES)), None)
        if found is None:
            pytest.skip("optional: no Chromium")
        self._folder = folder
        self._command = [
            found,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=5000",
            "--enable-logging=stderr",
        ]
        self.messages = []

    def dump(self, url):
        return self._run("--dump-dom", url)

    def picture(self, url, width, height):
        file = self._folder / f"{width}.png"
        self._run(f"--screenshot={file}", f"--window-size={width},{height}", url)
        return file

    def _run(self, *arguments):
        done = subprocess.run(
            [*self._command, *arguments],
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
            env={**os.environ, "HOME": str(self._folder), "DBUS_SESSION_BUS_ADDRESS": ""},
        )
        self.messages = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout

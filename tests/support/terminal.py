"""A command in a real pseudo-terminal, and its screen as a person sees it."""

import os
import re
import sys
import termios
import time
from pathlib import Path

import pexpect
import pyte

GOFLOW = str(Path(sys.executable).parent / "goflow")


def _environment():
    """Ours, but for what is said of another terminal: who runs tests side by side sets its size."""
    ours = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if name not in ours}


class Terminal:
    """Runs a command; what it writes is drawn on a screen of ``columns`` by ``rows``.

    ``with Terminal(["goflow", "run", …]) as terminal``: leaving kills what still runs.
    """

    def __init__(self, command, *, cwd=None, env=None, columns=100, rows=40, timeout=30):
        self.screen = pyte.HistoryScreen(columns, rows, history=5000)
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        self.code = None
        self.child = pexpect.spawn(
            str(command[0]),
            [str(word) for word in command[1:]],
            cwd=None if cwd is None else str(cwd),
            env={**_environment(), "TERM": "xterm-256color", **(env or {})},
            dimensions=(rows, columns),
            timeout=timeout,
            encoding="utf-8",
        )
        self.child.delaybeforesend = None
        self.child.logfile_read = self
        self._settings = termios.tcgetattr(self.child.child_fd)
        self.sane = False

    def write(self, text):
        """What pexpect reads is drawn."""
        self.raw += text
        self._stream.feed(text)

    def flush(self):
        """Asked for by pexpect."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.close(force=True)

    def wait_for(self, pattern):
        """Wait until the command has written what matches ``pattern``."""
        self.child.expect(pattern)

    def wait_until(self, holds, seconds=60):
        """Read until a function of this terminal holds."""
        deadline = time.monotonic() + seconds
        while not holds(self):
            assert time.monotonic() < deadline, f"it never held:\n{self.text}"
            if self.child.expect([pexpect.TIMEOUT, pexpect.EOF, r"(?s).+"], timeout=0.1) == 1:
                assert holds(self), f"it ended before it held:\n{self.text}"

    def resize(self, columns, rows):
        """Make the window this large."""
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def type(self, line):
        """Type a line and press enter."""
        self.child.send(line + "\r")

    def send(self, keys):
        """Type keys as they are."""
        self.child.send(keys)

    def finish(self):
        """Wait for the end; the lines of the screen, and the exit code as ``code``.

        ``sane`` says whether the cursor is shown and the terminal's settings are what they were.
        """
        self.child.expect(pexpect.EOF)
        settings = termios.tcgetattr(self.child.child_fd)
        self.sane = not self.screen.cursor.hidden and settings == self._settings
        self.child.close()
        self.code = self.child.exitstatus
        return self.text

    @property
    def visible(self):
        """The lines that are on the screen now."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def coloured(self):
        """Whether anything was written in a colour, bold or dim."""
        return re.search(r"\x1b\[[1-9][0-9;]*m", self.raw) is not None

    @property
    def text(self):
        """Everything that was shown, what has scrolled away too, without blanks at the ends."""
        above = ["".join(row[i].data for i in range(self.screen.columns)).rstrip()
                 for row in self.screen.history.top]  # fmt: skip
        lines = [*above, *(line.rstrip() for line in self.screen.display)]
        return re.sub(r"\n+\Z", "\n", "\n".join(lines))


def screen_of(*words, answers=(), **options):
    """What ``goflow WORDS`` shows on a terminal, given (pattern, line) to answer; and its code."""
    with Terminal([GOFLOW, *words], **options) as terminal:
        for pattern, line in answers:
            terminal.wait_for(pattern)
            terminal.type(line)
        text = terminal.finish()
        return text, terminal.code

"""The blocks of the pages in docs run, and print what stands beneath them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "connection-pool.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```\n\n^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("code", "printed"), BLOCKS)
def test_a_block_prints_what_stands_beneath_it(tmp_path, code, printed):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
    assert done.stderr == ""


def test_every_block_of_code_is_run():
    assert len(BLOCKS) == PAGE.count("```python") == 4

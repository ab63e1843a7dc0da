import pytest
from support.counted import Counted

import goflow


@pytest.fixture
def go():
    """Run a workflow's text in an engine of its own and give its result."""
    return lambda text, inputs=None, **options: goflow.run(text, inputs, **options)


@pytest.fixture
def counted(tmp_path):
    """A server whose starts and calls are counted."""
    return Counted(tmp_path / "counted")

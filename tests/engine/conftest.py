import pytest

import goflow


@pytest.fixture
def go():
    """Run a workflow's text in an engine of its own and give its result."""
    return lambda text, inputs=None, **options: goflow.run(text, inputs, **options)

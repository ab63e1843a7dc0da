"""What the session tests share."""

import pytest
from support.servers import faulty, group_exists

from goflow.servers.stdio import StdioSession


@pytest.fixture
def failing_call(run):
    """Connect to a faulty server, call a tool, and give the error; nothing is left of it then."""

    def failing_call(fault, error_class, **options):
        async def main():
            session = await StdioSession.connect(faulty(fault, **options))
            with pytest.raises(error_class) as caught:
                await session.call_tool("echo", {"text": "hello"})
            await session.close()
            assert not group_exists(session.pid)
            return caught.value

        return run(main())

    return failing_call

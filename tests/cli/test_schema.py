"""``goflow schema``: what an editor is given."""

import json


def test_the_schema_is_printed_as_one_json_document(cli):
    from goflow.workflow.schema import build

    done = cli("schema")
    assert done.code == 0
    assert done.err == ""
    assert json.loads(done.out) == build()

"""No secret is shown, whatever else is, and however the stream is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflow.servers import redaction
from goflow.servers.redaction import RedactingStream, Redactor

# A small alphabet, so that secrets overlap, contain and begin one another.
texts = st.text("abc", max_size=30)
secrets = st.lists(st.text("abc", min_size=1, max_size=6), max_size=4)


def oracle(text, secrets):
    """Left to right, the longest secret that fits is replaced."""
    shown, position = "", 0
    while position < len(text):
        found = [s for s in secrets if text.startswith(s, position)]
        if found:
            shown += "***"
            position += len(max(found, key=len))
        else:
            shown += text[position]
            position += 1
    return shown


@given(texts, secrets)
def test_every_secret_is_replaced(text, secrets):
    assert Redactor(secrets).text(text) == oracle(text, secrets)


@given(texts, secrets, st.lists(st.integers(0, 30), max_size=5))
def test_a_stream_is_redacted_alike_however_it_is_cut(text, secrets, cuts):
    redactor = Redactor(secrets)
    stream = RedactingStream(redactor)
    data, shown, position = text.encode(), b"", 0
    for cut in [*sorted(cuts), len(data)]:
        shown += stream.feed(data[position:cut])
        position = max(position, cut)
    whole = shown + redactor.data(stream._held)  # what is held back is not lost
    assert whole == oracle(text, secrets).encode()


def test_what_may_begin_a_secret_waits_and_the_rest_does_not():
    stream = RedactingStream(Redactor(["hunter2"]))
    assert stream.feed(b"pass hun") == b"pass "
    assert stream.feed(b"gry") == b"hungry"
    assert stream.feed(b"hunter") == b""
    assert stream.finish() == b"***"
    assert stream.feed(b"plain h") == b"plain "
    assert stream.finish() == b"h"


def test_what_is_learned_later_is_hidden_too(monkeypatch):
    monkeypatch.setattr(redaction, "_learned", ())
    redactor = Redactor(["first"])
    stream = RedactingStream(redactor)
    assert redactor.text("first second") == "*** second"
    redaction.learn(["second", "", "second"])
    assert redactor.text("first second") == "*** ***"
    assert redactor.value({"second": ["second"]}) == {"***": ["***"]}
    assert stream.feed(b"a secon") + stream.feed(b"d b") == b"a *** b"
    assert Redactor([]).secrets == [b"second"]
    redaction.learn(f"token {number}" for number in range(300))
    assert len(redaction._learned) == redaction._REMEMBERED
    assert redactor.text("first second token 299") == "*** second ***"


def test_strings_anywhere_in_a_value_are_redacted():
    value = {"a hunter2": ["x", {"k": "hunter2!"}], "n": 1, "none": None}
    assert Redactor(["hunter2"]).value(value) == {
        "a ***": ["x", {"k": "***!"}],
        "n": 1,
        "none": None,
    }
    assert Redactor([]).value(value) is value


@pytest.mark.parametrize("dumps", [json.dumps, lambda value: json.dumps(value, ensure_ascii=False)])
def test_a_secret_inside_json_text_is_redacted(dumps):
    secret = 'pa"ss\\wörd\n\U0001f600'
    assert Redactor([secret]).text(dumps({"key": f"<{secret}>"})) == '{"key": "<***>"}'
    assert Redactor([secret]).text(f"<{secret}>") == "<***>"


def test_a_value_too_deep_to_look_through_is_hidden():
    value = "hunter2"
    for _ in range(5000):
        value = [value]
    assert Redactor(["hunter2"]).value(value) == "***"


@pytest.mark.parametrize("text", ["", "é\ud800", "plain"])
def test_without_secrets_all_is_shown(text):
    assert Redactor([""]).text(text) == text

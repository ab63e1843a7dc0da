"""``goflow report``: one file that shows a run, whatever the run's values are."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.browser import Browser
from support.terminal import GOFLOW, Terminal
from support.workflows import loop, row, script, tool, transform, workflow

import goflow
from goflow.engine.definition import workflow_of
from goflow.history.runs import Runs
from goflow.report.page import page
from goflow.report.values import LONGEST

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"' & \x00\x1b[31m ]]> -->"
)
RETRY = {"max_attempts": 3, "initial_delay": 0.01, "jitter": False, "on": ["tool_error"]}
RICH = workflow(
    [
        transform("words", "word", output="said"),
        tool("retried", "flaky", retry=RETRY, key="k", failures=2, output="late"),
        loop("each", "range(3)", ["member"], item="i"),
        tool("member", "say", text="${word} ${i}", output="heard"),
        tool("broken", "flaky", key="never", failures=99, on_error="continue"),
        {**transform("skipped", "1"), "if": "false"},
    ],
    row("words", "retried", "each", "broken", "skipped"),
    variables=[{"name": "word", "default": "hi"}],
    result="${said}",
)


class Tags(HTMLParser):
    """What a page is made of: its tags, and everything that it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.fetched = []
        self.ids = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action") and not value.startswith("#"):
                self.fetched.append((tag, name, value))
            if name == "id":
                self.ids.append(value)
            assert not name.startswith("on")


def report_of(text, inputs=None):
    """The page of a run of a workflow's text."""
    goflow.run(text, inputs)
    with Runs() as runs:
        found = runs.show("last")
        return page(workflow_of(runs.kept("last").definition), found, runs.log("last"))


@pytest.fixture
def opened(tmp_path):
    """Have a page's DOM as it is after its scripts ran; nothing may complain."""

    def opened(text, fragment="", extra=""):
        file = tmp_path / "page.html"
        if extra:  # the page itself allows no other script
            text = re.sub(r'<meta http-equiv="Content[^>]*>', "", text)
            text = text.replace("</body>", f"<script>{extra}</script></body>")
        file.write_text(text)
        browser = Browser(tmp_path)
        dom = browser.dump(file.as_uri() + fragment)
        assert browser.messages == []
        return dom

    return opened


def test_a_report_has_the_graph_the_timeline_and_every_node_with_what_it_did():
    text = report_of(RICH)
    tags = Tags(text)
    ids = {"graph", "timeline", "nodes", "servers", "variables"}
    assert ids <= set(tags.ids)
    for node in ("start", "words", "retried", "each", "member", "broken", "skipped", "end"):
        assert f"node-{node}" in tags.ids
    assert text.count('class="b-retried"') == 2
    assert "retried: attempt 1 failed after" in text
    assert "its &#x27;if&#x27; is false" in text
    assert "member@2" in text
    assert "hi 2" in text
    assert "call 1" in text  # what the first attempt failed with
    assert re.search(r"<td>lab</td><td>stdio</td><td>7</td><td>1</td>(<td>[^<]+</td>){3}", text)


def test_a_report_fetches_nothing_and_holds_one_script():
    tags = Tags(report_of(RICH))
    assert tags.fetched == []
    assert tags.tags.count("script") == 1
    assert not {"link", "img", "iframe", "object"} & set(tags.tags)


def test_hostile_values_are_text():
    text = report_of(RICH, {"word": HOSTILE})
    tags = Tags(text)
    assert tags.tags.count("script") == 1
    assert "img" not in tags.tags
    assert "\x00" not in text
    assert "\x1b" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text


def test_known_secrets_are_not_in_a_report(monkeypatch):
    monkeypatch.setenv("GOFLOW_SECRET_DOOR", "swordfish-4711")
    server = script("lab", env={"KEY": "${secret.DOOR}"})
    flow = workflow(
        [tool("ask", "environment", name="KEY", output="x"),
         tool("say", "say", text="${x} it is", output="y")],
        row("ask", "say"),
        result="${y}",
        servers=[server],
    )  # fmt: skip
    text = report_of(flow)
    assert "swordfish" not in text
    assert "***" in text


def test_what_came_from_the_cache_is_told(cli, tmp_path):
    file = Path(__file__).parents[2] / "examples" / "order-summary.yaml"
    for _ in range(2):
        cli("run", file, "--cache", "use")
    cli("report", "last", "-o", "out.html")
    text = (tmp_path / "out.html").read_text()
    assert "3 of 3 results came from the cache, which saved" in text
    assert "<td>read</td><td>hit</td>" in text
    assert "s-cached" in text


def test_long_values_are_cut():
    text = report_of(workflow([tool("t", "large", size=60_000, output="x")], row("t")))
    assert "characters more" in text
    assert "x" * (LONGEST + 1) not in text


def test_a_failed_run_says_what_failed_at_its_top():
    text = report_of(workflow([tool("t", "flaky", key="k", failures=9)], row("t")))
    head = text[text.index("<header>") : text.index("</header>")]
    assert '<a href="#node-t">t</a>' in head
    assert "b-failed" in head


# -- in a browser ------------------------------------------------------------------------------


def test_a_browser_opens_the_node_that_a_link_names(opened):
    dom = opened(report_of(RICH, {"word": HOSTILE}), "#node-retried")
    found = dict(re.findall(r'<details class="node" id="node-(\w+)"([^>]*)>', dom))
    assert "open" in found["retried"]
    assert "open" not in found["each"]


def test_a_browser_filters_by_name_and_status(opened):
    dom = opened(
        report_of(RICH),
        extra="const search = document.querySelector('input'); search.value = 'e';"
        "search.dispatchEvent(new Event('input'));"
        "document.querySelector('[data-only=failed]').click();",
    )
    found = dict(re.findall(r'<details class="node" id="node-(\w+)"([^>]*)>', dom))
    assert [name for name, rest in found.items() if "hidden" not in rest] == ["broken"]
    assert "1 of 8</span>" in dom


def test_a_browser_zooms_the_graph(opened):
    dom = opened(report_of(RICH), extra="document.querySelector('[data-zoom=in]').click();")
    width, whole = re.search(r'class="gf" width="([\d.]+)".*?viewBox="0 0 (\d+)', dom).groups()
    assert float(width) > float(whole)


def test_a_run_of_a_thousand_nodes_is_one_page_that_a_browser_opens(opened):
    count = 1_000
    ids = [f"n{i}" for i in range(count)]
    flow = workflow(
        [transform(name, str(i), output=f"v{i}") for i, name in enumerate(ids)], row(*ids)
    )
    text = report_of(flow)
    assert len(text) < 5_000_000
    dom = opened(text, "#node-n999")
    assert dom.count('<details class="node"') == count + 2
    assert re.search(r'id="node-n999"[^>]* open', dom)


# -- the verb ----------------------------------------------------------------------------------

ONE = workflow([transform("a", "1", output="x")], row("a"), result="${x}")


def test_a_terminal_is_told_where_the_report_is(cli, write, tmp_path):
    cli("run", write(ONE))
    with Terminal([GOFLOW, "report", "last", "-o", "out.html"], cwd=tmp_path) as screen:
        assert screen.finish().strip() == "wrote out.html"
    assert screen.code == 0
    assert (tmp_path / "out.html").read_text().startswith("<!doctype html>")


def test_without_a_name_the_file_has_the_runs(cli, write, tmp_path):
    run = json.loads(cli("run", write(ONE), "--json").out)["id"]
    told = json.loads(cli("report", run[:6], "--json").out)
    assert told == {"run": run, "file": f"run-{run}.html"}
    assert (tmp_path / told["file"]).exists()


def test_a_report_can_go_to_standard_output(cli, write):
    cli("run", write(ONE))
    done = cli("report", "last", "-o", "-")
    assert done.out.startswith("<!doctype html>")
    assert done.err == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nope"], "there is no run 'nope'"),
        ([], "ID"),
        (["last", "-o", "no/such/file.html"], "cannot write no/such/file.html"),
        (["last", "-o", "-", "--json"], "exclude each other"),
    ],
)
def test_a_wrong_call_exits_with_2(cli, write, args, message):
    cli("run", write(ONE))
    done = cli("report", *args)
    assert done.code == 2
    assert message in done.err

"""Every verb on a real terminal: what a person sees, and what a wrong call says."""

import shutil
from pathlib import Path

import pytest
from support.terminal import GOFLOW, Terminal

from goflow.cli.app import VERBS

ROOT = Path(__file__).parents[2]
STORY = [
    ("init", "init report --template pipeline", ["report.yaml"]),
    ("templates", "templates", ["fan-out", "pipeline", "routing"]),
    ("list", "list", ["report.yaml", "ticket-routing.yaml"]),
    ("validate", "validate ticket-routing.yaml", ["ticket-routing.yaml: valid"]),
    ("run", "run ticket-routing.yaml", ["✓ read", '"team": "on-call"']),
    ("graph", "graph ticket-routing.yaml --run last", ["escalate", "end"]),
    ("record", "record ticket-routing.yaml -o c.yaml", ["recorded 1 call of 1 server"]),
    ("runs", "runs", ["ticket-routing", "completed"]),
    ("report", "report last -o run.html", ["wrote run.html"]),
    ("logs", "logs last", ["urgent", "completed"]),
    ("why", "why urgent --of last", ["urgent"]),
    ("resume", "resume last", ['"team": "on-call"']),
    ("servers", "servers add box -- goflow-toolbox", ["box"]),
    ("secrets", "secrets list", []),
    ("fmt", "fmt ticket-routing.yaml", ["0 of 1 files changed"]),
    ("export", "export ticket-routing.yaml -o shared.yaml", ["shared.yaml"]),
    ("import", "import shared.yaml -o taken.yaml", ["taken.yaml"]),
    ("doctor", "doctor", ["python"]),
    ("completion", "completion bash", ["complete"]),
    ("schema", "schema", ["GoFlow workflow"]),
    ("functions", "functions filter", ["filter(list, condition)"]),
    ("cache", "cache stats", ["1 result in"]),
    ("explain", "explain GF203", ["an edge names a node that does not exist"]),
]
WRONG = {
    "init": ("init report --template nonsense", "nonsense"),
    "templates": ("templates extra", "extra"),
    "list": ("list no-such-folder", "no-such-folder"),
    "validate": ("validate no-such.yaml", "no-such.yaml"),
    "run": ("run no-such.yaml", "no-such.yaml"),
    "graph": ("graph no-such.yaml", "no-such.yaml"),
    "record": ("record no-such.yaml -o c.yaml", "no-such.yaml"),
    "runs": ("runs show nonsense", "nonsense"),
    "report": ("report nonsense", "nonsense"),
    "logs": ("logs nonsense", "nonsense"),
    "why": ("why node --of nonsense", "nonsense"),
    "resume": ("resume nonsense", "nonsense"),
    "servers": ("servers show nonsense", "nonsense"),
    "secrets": ("secrets remove nonsense", "nonsense"),
    "fmt": ("fmt no-such.yaml", "no-such.yaml"),
    "export": ("export no-such.yaml", "no-such.yaml"),
    "import": ("import no-such.yaml", "no-such.yaml"),
    "doctor": ("doctor nonsense", "nonsense"),
    "completion": ("completion nonsense", "nonsense"),
    "schema": ("schema nonsense", "nonsense"),
    "functions": ("functions filtre", "filter"),
    "cache": ("cache nonsense", "nonsense"),
    "explain": ("explain GF999", "GF999"),
}


def screen(folder, words):
    with Terminal([GOFLOW, *words.split()], cwd=folder) as terminal:
        if words.startswith("init"):
            terminal.send("\r" * 9)  # what it asks is fine as it stands
        text = terminal.finish()
    assert terminal.sane
    return terminal.code, "\n".join(text) if isinstance(text, list) else text


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "here"
    shutil.copytree(ROOT / "examples" / "data", folder / "data")
    shutil.copy(ROOT / "examples" / "ticket-routing.yaml", folder)
    return folder


def test_every_verb_shows_a_person_what_it_did(folder, keyring_file):
    assert {verb for verb, _, _ in STORY} == set(VERBS)
    for verb, words, shown in STORY:
        code, text = screen(folder, words)
        assert code == 0, f"{verb}: {text}"
        assert [each for each in shown if each not in text] == [], f"{verb}: {text}"
        assert "Traceback" not in text


def test_every_verb_says_what_is_wrong_with_a_call(folder, keyring_file):
    assert set(WRONG) == set(VERBS)
    screen(folder, "run ticket-routing.yaml")
    for verb, (words, told) in WRONG.items():
        code, text = screen(folder, words)
        assert code in (1, 2), f"{verb}: {code} {text}"
        assert told in text, f"{verb}: {text}"
        assert "Traceback" not in text, text


def test_help_leads_to_every_verb_and_each_has_an_example(folder):
    _, text = screen(folder, "--help")
    for verb in VERBS:
        assert f"\n  {verb} " in text
        code, shown = screen(folder, f"{verb} --help")
        assert code == 0
        assert "Examples:" in shown, verb

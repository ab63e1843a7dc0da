"""The command ``goflow-bench`` and its verbs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from goflow import __version__
from goflow.bench import runner, tables
from goflow.bench.chart import svg
from goflow.bench.checkout import Checkout
from goflow.bench.compare import compare
from goflow.bench.go_format import go_text
from goflow.bench.markdown import markdown
from goflow.bench.report import report, rows, verdicts_in
from goflow.bench.results import parse, read
from goflow.errors import BadCall, GoFlowError

__all__ = ["app", "cli"]

LATEST = Path(".benchmarks") / "latest.json"
FORMATS = ("go", "json", "markdown", "svg")
_FILE = click.Path(path_type=Path)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 a benchmark failed or became slower than allowed, "
    "2 the call itself is wrong.",
)
@click.version_option(__version__, prog_name="goflow-bench")
@click.option("--checkout", type=_FILE, default=Path(), help="Where the benchmarks are.")
@click.pass_context
def cli(context: click.Context, checkout: Path) -> None:
    """Run GoFlow's benchmarks; compare and export what they find."""
    context.obj = checkout


def _checkout(context: click.Context) -> Checkout:
    return Checkout.around(context.obj.resolve())


@cli.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Name the categories and their benchmarks."""
    for category, names in runner.names(_checkout(context)).items():
        click.echo(category)
        for name in names:
            click.echo(f"  {name}")


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="Few samples, small sizes: under a minute.")
@click.option("--peers", is_flag=True, help="Compare with other packages too.")
@click.option("--mem", is_flag=True, help="Bytes and blocks an operation, in a pass of its own.")
@click.option("--profile", is_flag=True, help="Where the time goes, by function.")
@click.option("--processes", type=click.IntRange(1), default=1, help="Measure so many times.")
@click.option("--save", type=_FILE, help="Keep the results in this file.")
@click.option("--resume", is_flag=True, help="Measure only what the file of --save lacks.")
@click.pass_context
def run(
    context: click.Context,
    names: tuple[str, ...],
    quick: bool,
    peers: bool,
    mem: bool,
    profile: bool,
    processes: int,
    save: Path | None,
    resume: bool,
) -> None:
    """Run all benchmarks, or those of the NAMEs: categories, benchmarks, with or without [..].

    goflow-bench run cache_get --mem
    """
    if resume and save is None:
        raise BadCall("--resume needs --save FILE: that is where it goes on")
    options = runner.Options(quick, peers, mem, profile, processes)
    context.exit(_measure(_checkout(context), names, options, save, resume))


def _measure(
    checkout: Checkout,
    names: tuple[str, ...],
    options: runner.Options,
    save: Path | None,
    resume: bool,
) -> int:
    """Run, and print what comes; gives the exit code."""
    if save is not None and not save.resolve().parent.is_dir():
        raise BadCall(f"there is no folder {save.parent} to save into")
    chosen = runner.select(checkout, names)
    began, code = time.monotonic(), 0
    for outcome in runner.run(checkout, chosen, options, save, resume):
        took = time.monotonic() - began
        began = time.monotonic()
        click.echo(f"{outcome.category}, {took:.1f} s", err=True)
        if outcome.failed:
            code = 1
            click.echo(outcome.said.strip(), err=True)
        if outcome.content is not None and outcome.content["benchmarks"]:
            found = parse(outcome.content)
            click.echo(f"\n{tables.text(found.benchmarks.values())}\n")
        if options.profile:
            click.echo(outcome.said)
    return code


def _threshold(_context: object, _parameter: object, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        raise BadCall(f"{text!r} is no threshold", hint="write it as a percentage: 10%") from None
    if not 0 <= value < float("inf"):
        raise BadCall(f"{text!r} is no threshold: it must not be negative")
    return value / 100


@cli.command("compare")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option("--fail-above", callback=_threshold, metavar="PERCENT", help="Exit 1 past this.")
@click.pass_context
def compare_(context: click.Context, old: Path, new: Path, fail_above: float | None) -> None:
    """Say what became slower or faster from OLD to NEW: files of results, or folders of them.

    A change counts when it is significant and greater than what processes of the same program
    differ by; the rest is "indistinguishable".
    """
    found = compare(read(old), read(new))
    click.echo(tables.comparison(found, fail_above))
    if fail_above is not None and (past := found.past(fail_above)):
        names = ", ".join(change.name for change in past)
        click.echo(f"past {fail_above:.0%}: {names}", err=True)
        context.exit(1)


@cli.command()
@click.argument("results", type=_FILE)
@click.option("--format", "form", type=click.Choice(FORMATS), required=True)
@click.option("--output", type=_FILE, help="Write here, not to standard output.")
def export(results: Path, form: str, output: Path | None) -> None:
    """Print RESULTS in another form: Go's text for benchstat, JSON, Markdown, or a chart."""
    found = read(results)
    if form == "json":
        if results.is_dir():
            raise BadCall("a folder of results has no JSON of its own; name one of its files")
        text = results.read_text(encoding="utf-8")
    else:
        text = {"go": go_text, "markdown": markdown, "svg": svg}[form](found)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


@cli.command("report")
@click.option("--from", "source", type=_FILE, help="Results that are there, instead of measuring.")
@click.option("--resume", is_flag=True, help="Go on with a report that was cut off.")
@click.pass_context
def report_(context: click.Context, source: Path | None, resume: bool) -> None:
    """Measure everything, with peers, and write benchmarks/RESULTS.md and its chart."""
    checkout, code = _checkout(context), 0
    if source is None:
        source = checkout.root / LATEST
        source.parent.mkdir(exist_ok=True)
        code = _measure(checkout, (), runner.Options(peers=True), source, resume)
    found = read(source)
    page, chart = checkout.benchmarks / "RESULTS.md", checkout.benchmarks / "growth.svg"
    before = verdicts_in(page.read_text(encoding="utf-8")) if page.is_file() else {}
    promised = checkout.module("targets")
    targets, yardstick = promised.TARGETS, promised.YARDSTICK
    _write(page, report(targets, found, before, chart.name, yardstick))
    _write(chart, svg(found, bars=False))
    for row in rows(targets, found, before, yardstick):
        click.echo(f"{row.verdict:12}  {row.target.work}: {row.target.asked()}; {row.measured}")
    context.exit(code)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadCall(f"cannot write {path}: {error.strerror or error}") from None


def app() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(prog_name="goflow-bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except GoFlowError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        code = 2
    sys.exit(code or 0)

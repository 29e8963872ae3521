"""``gridwarden test``: the stories beside the rules, told in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gateway.cli import _junit
from gateway.cli._problems import sentence
from gateway.cli._say import say

if TYPE_CHECKING:
    from rules.trial import Result

_STORIES: Final = "*.test.yaml"
_STDOUT: Final = Path("-")


def _report_place(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Looked at before a long run. A device is no place: renaming would put a file over it."""
    if value is None or value == _STDOUT:
        return value
    if value.exists() and not value.is_file():
        raise click.BadParameter(say(f"{value} 不是普通文件", f"{value} is not a regular file"))
    if not value.resolve().parent.is_dir():
        folder = value.resolve().parent
        raise click.BadParameter(
            say(f"没有文件夹 {folder},请先创建", f"there is no folder {folder}; make it first")
        )
    return value


@click.command(
    "test",
    help=say(
        "在虚拟时间里运行规则测试 (*.test.yaml);不指定文件时测试自带的规则包。\n\n"
        "例:gridwarden test --junit report.xml /etc/gridwarden/rules",
        "Run rule tests (*.test.yaml, or the folders that hold them) in virtual time;"
        " without FILES those of the shipped packs.\n\n"
        "Example: gridwarden test --junit report.xml /etc/gridwarden/rules",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    callback=_report_place,
    help=say(
        "另写一份 JUnit XML 报告(Jenkins、GitLab 可读);- 表示标准输出",
        "Also write a JUnit XML report, as Jenkins and GitLab read it; - is the standard output.",
    ),
)
def command(files: tuple[Path, ...], junit: Path | None) -> int:
    """See the help text."""
    import rules
    from rules import trial

    aside = junit == _STDOUT  # the report has the standard output for itself
    told: list[tuple[Path, list[Result]]] = []
    for path in _stories(files or (Path(rules.__file__).parent / "packs",)):
        told.append((path, trial.run([path])))
        _show(told[-1][1], aside)
    results = [result for _, found in told for result in found]
    failed = sum(not result.passed for result in results)
    if told:
        total = len(results)
        summary = say(f"共 {total} 个测试,{failed} 个失败", f"{total} stories, {failed} failed")
        click.echo(summary, err=aside)
    else:
        click.echo(say("没有找到 *.test.yaml 文件", "no *.test.yaml file was found"), err=True)
    if junit is not None:  # an empty one too: the report of a run before would be taken for this
        _save(junit, _junit.report(told))
    return 1 if failed or not told else 0


def _show(results: list[Result], aside: bool) -> None:
    """A line for each story, as soon as its file is told."""
    for result in results:
        mark = "+" if result.passed else "!"
        click.echo(f"{mark} {Path(result.file).name}: {result.name}", err=aside)
        for problem in result.problems:
            click.echo(f"    {sentence(problem)}", err=aside)


def _save(place: Path, content: bytes) -> None:
    if place == _STDOUT:
        click.echo(content, nl=False)
    else:
        _junit.write(place, content)


def _stories(given: tuple[Path, ...]) -> list[Path]:
    """The story files named, and those inside the folders named, each once."""
    found: dict[Path, None] = {}
    for path in given:
        for story in sorted(path.rglob(_STORIES)) if path.is_dir() else [path]:
            found[story] = None
    return list(found)

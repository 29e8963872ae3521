"""``gridwarden test``: the stories beside the rules, told in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from gateway.cli._problems import sentence
from gateway.cli._say import say

_STORIES: Final = "*.test.yaml"


@click.command(
    "test",
    help=say(
        "在虚拟时间里运行规则测试 (*.test.yaml);不指定文件时测试自带的规则包。\n\n"
        "例:gridwarden test /etc/gridwarden/rules",
        "Run rule tests (*.test.yaml, or the folders that hold them) in virtual time;"
        " without FILES those of the shipped packs.\n\n"
        "Example: gridwarden test /etc/gridwarden/rules",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def command(files: tuple[Path, ...]) -> int:
    """See the help text."""
    import rules
    from rules import trial

    paths = _stories(files or (Path(rules.__file__).parent / "packs",))
    if not paths:
        click.echo(say("没有找到 *.test.yaml 文件", "no *.test.yaml file was found"), err=True)
        return 1
    results = trial.run(paths)
    failed = 0
    for result in results:
        failed += not result.passed
        click.echo(f"{'+' if result.passed else '!'} {Path(result.file).name}: {result.name}")
        for problem in result.problems:
            click.echo(f"    {sentence(problem)}")
    total = len(results)
    click.echo(say(f"共 {total} 个测试,{failed} 个失败", f"{total} stories, {failed} failed"))
    return 1 if failed else 0


def _stories(given: tuple[Path, ...]) -> list[Path]:
    """The story files named, and those inside the folders named, each once."""
    found: dict[Path, None] = {}
    for path in given:
        for story in sorted(path.rglob(_STORIES)) if path.is_dir() else [path]:
            found[story] = None
    return list(found)

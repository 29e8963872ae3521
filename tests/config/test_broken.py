"""Every broken sample, checked by the real command, gives exactly the lines beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli._problems import in_chinese

_FOLDER = Path(__file__).parent / "broken"
_ROOT = Path(__file__).parents[2]
_SAMPLES = sorted(_FOLDER.glob("*.yaml"))


def check(sample: Path, language: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", language, "check", sample.name],
        cwd=_FOLDER,
        env=os.environ | {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_there_are_enough_samples() -> None:
    assert len(_SAMPLES) >= 10


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda path: path.stem)
def test_the_command_prints_every_error_with_its_position(sample: Path) -> None:
    done = check(sample, "en")
    assert done.stderr == sample.with_suffix(".expected").read_text(encoding="utf-8")
    assert done.stdout == ""
    assert done.returncode == 1


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda path: path.stem)
def test_every_error_is_said_in_chinese_too(sample: Path) -> None:
    *lines, _ = sample.with_suffix(".expected").read_text(encoding="utf-8").splitlines()
    for line in lines:
        message = line.split(": ", 1)[1]
        assert in_chinese(message) != message


def test_a_chinese_reader_gets_chinese() -> None:
    done = check(_FOLDER / "tab.yaml", "zh")
    assert done.stderr == "tab.yaml:5:1: YAML 不允许用 Tab 缩进,请改用空格\n共 1 处错误\n"


def test_no_error_repeats_a_secret() -> None:
    assert "Tr0ub4dor" in (_FOLDER / "plain_secret.yaml").read_text(encoding="utf-8")
    assert "Tr0ub4dor" not in check(_FOLDER / "plain_secret.yaml", "zh").stderr
    assert "Tr0ub4dor" not in (_FOLDER / "plain_secret.expected").read_text(encoding="utf-8")

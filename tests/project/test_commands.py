"""What the READMEs, the Makefile and the set-up script promise to a stranger."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from tests.project.tree import ROOT

READMES = ("README.md", "README.zh-CN.md")
TARGETS = {
    *("help", "demo", "test", "crash", "lint"),
    *("bench", "bench-camera", "bench-rules", "vectors"),
}


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def code(readme: str) -> str:
    """Everything in ``readme`` that is set as code."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    words = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return "\n".join([*blocks, *words])


def test_makefile_has_its_everyday_commands() -> None:
    assert targets() == TARGETS


def test_make_help_names_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+)", shown.stdout, re.MULTILINE)) == TARGETS


@pytest.mark.parametrize("readme", READMES)
def test_readme_names_only_commands_that_exist(readme: str) -> None:
    text = code(readme)
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets()
    assert set(re.findall(r"\bgridwarden ([a-z]+)", text)) <= set(COMMANDS)


@pytest.mark.parametrize("readme", READMES)
def test_readme_links_only_to_what_is_there(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (
        set(re.findall(r"^(?:make|\.venv/bin/gridwarden) .*?(?= {2,}|$)", code(readme), re.M))
        for readme in READMES
    )
    assert english == chinese


@pytest.mark.parametrize(("failing", "code"), [("", 0), ("lint", 1), ("test", 1)])
def test_continuous_integration_runs_the_readmes_test_command(
    tmp_path: Path, failing: str, code: int
) -> None:
    """Beside a Makefile that only says what it was asked for."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    shutil.copy(ROOT / "README.md", tmp_path)
    rules = "".join(
        f"{name}:\n\t@echo made {name}\n\t@{'false' if name == failing else 'true'}\n"
        for name in ("lint", "test")
    )
    (tmp_path / "Makefile").write_text(rules, encoding="utf-8")
    run = subprocess.run(
        [tmp_path / ".ci" / "run"], capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == code, run.stderr
    assert re.findall(r"^made (\w+)$", run.stdout, re.MULTILINE) == ["lint", "test"]


class TestSetUpScript:
    """deploy/setup.sh on machines that lack something: one line, exit code 1."""

    @pytest.fixture
    def clone(self, tmp_path: Path) -> Path:
        """A project without a virtual environment, as fresh as after git clone."""
        (tmp_path / "deploy").mkdir()
        shutil.copy(ROOT / "deploy" / "setup.sh", tmp_path / "deploy")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, tmp_path)
        (tmp_path / "bin").mkdir()
        tools = "cat chmod cksum dirname env grep id mktemp rm sh tail"
        for name in tools.split():
            (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
        return tmp_path

    def program(self, clone: Path, name: str, script: str) -> None:
        file = clone / "bin" / name
        file.unlink(missing_ok=True)  # it may be a link, and what it leads to is the machine's own
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def set_up(self, clone: Path, what: str) -> subprocess.CompletedProcess[str]:
        """Run the script where PATH holds only the clone's own bin."""
        script = (clone / "deploy" / "setup.sh").read_text(encoding="utf-8")
        script = script.replace("\nPATH=", "\n: PATH=")  # the machine's own sbin stays out
        script = script.replace("/usr/sbin/policy-rc.d", str(clone / "policy-rc.d"))
        (clone / "deploy" / "setup.sh").write_text(script, encoding="utf-8")
        return subprocess.run(
            [clone / "bin" / "sh", "deploy/setup.sh", what],
            cwd=clone,
            env={"PATH": str(clone / "bin"), "HOME": str(clone)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def said(self, run: subprocess.CompletedProcess[str]) -> str:
        """The one line that says what is missing."""
        assert run.returncode == 1, run
        (line,) = run.stderr.splitlines()
        return line

    def test_old_python_is_named(self, clone: Path) -> None:
        self.program(clone, "python3", '[ "$1" = -V ] && echo "Python 3.9.2"; exit 1')
        line = self.said(self.set_up(clone, "demo"))
        assert line == "setup: Python 3.11 or newer is needed; python3 here is Python 3.9.2"

    def test_missing_servers_without_apt_are_named(self, clone: Path) -> None:
        line = self.said(self.set_up(clone, "test"))
        assert line.startswith("setup: install mosquitto influxdb victoria-metrics chromium")
        assert "there is no apt-get here" in line

    def test_apt_without_network_is_told_with_its_reason(self, clone: Path) -> None:
        self.program(clone, "apt-get", 'echo "E: Failed to fetch http://deb.example" >&2; exit 100')
        self.program(clone, "sudo", '[ "$1" = -n ] && shift; exec "$@"')
        line = self.said(self.set_up(clone, "test"))
        assert line.startswith("setup: apt-get could not install mosquitto")
        assert "Failed to fetch" in line
        assert not (clone / "policy-rc.d").exists()

    def test_missing_sudo_is_named(self, clone: Path) -> None:
        self.program(clone, "apt-get", "exit 0")
        self.program(clone, "id", "echo 1000")
        line = self.said(self.set_up(clone, "test"))
        assert "there is no sudo here" in line

    def test_failing_pip_is_told(self, clone: Path) -> None:
        self.program(
            clone,
            "python3",
            'if [ "$2" = venv ]; then\n'
            "  /bin/mkdir -p .venv/bin\n"
            '  printf "#!/bin/sh\\n[ \\"\\$3\\" != install ]\\n" >.venv/bin/python\n'
            "  /bin/chmod 755 .venv/bin/python\n"
            "fi",
        )
        line = self.said(self.set_up(clone, "demo"))
        assert "pip could not install" in line

    def test_nothing_is_done_twice(self, clone: Path) -> None:
        wanted = subprocess.run(
            "cat pyproject.toml constraints.txt | cksum",
            shell=True,
            cwd=clone,
            capture_output=True,
            text=True,
            check=True,
        )
        (clone / ".venv" / "bin").mkdir(parents=True)
        self.program(clone, "gridwarden", "exit 0")
        shutil.copy(clone / "bin" / "gridwarden", clone / ".venv" / "bin" / "gridwarden")
        (clone / ".venv" / ".gridwarden-demo").write_text(wanted.stdout, encoding="utf-8")
        run = self.set_up(clone, "demo")
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")

    def test_wrong_usage_is_code_2(self, clone: Path) -> None:
        assert self.set_up(clone, "everything").returncode == 2

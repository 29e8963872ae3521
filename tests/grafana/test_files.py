"""File provisioning: files that name each other, and nobody's work overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples

from dashboards.grafana.files import End, provisioning, write
from dashboards.grafana.source import Source
from tests.grafana.boards import BOARDS, WALL, Board, board

SOURCE = Source("http://127.0.0.1:8086", user="grafana")
SECRET = "/etc/grafana/influxdb-password"


def files(folder: Path, boards: list[Board] = BOARDS, source: Source = SOURCE) -> dict[str, str]:
    return provisioning(boards, source, "zh", seen_at=str(folder), secret_at=SECRET)


def wrote(folder: Path, boards: list[Board] = BOARDS, **options: Any) -> dict[str, End]:
    return {each.name: each.end for each in write(folder, files(folder, boards), **options)}


def test_the_files_parse_and_name_each_other(tmp_path: Path) -> None:
    boards = [*BOARDS, board("gw-fleet", "网关", "运维")]
    assert set(wrote(tmp_path, boards).values()) == {End.written}
    (source,) = yaml.safe_load((tmp_path / "datasources/gridwarden.yaml").read_text())[
        "datasources"
    ]
    providers = yaml.safe_load((tmp_path / "dashboards/gridwarden.yaml").read_text())["providers"]
    assert [each["folder"] for each in providers] == ["社区安全", "运维"]
    assert len({each["folderUid"] for each in providers}) == 2
    found = []
    for provider in providers:
        for path in sorted(Path(provider["options"]["path"]).iterdir()):
            stored = json.loads(path.read_text(encoding="utf-8"))
            assert path.name == f"{stored['uid']}.json"
            (variable, *_) = stored["templating"]["list"]
            assert variable["current"] == {"text": source["name"], "value": source["uid"]}
            found.append((provider["folder"], stored["uid"]))
    assert found == [("社区安全", "gw-fire"), ("社区安全", "gw-wall"), ("运维", "gw-fleet")]


def test_no_secret_is_written_only_where_grafana_finds_it(tmp_path: Path) -> None:
    wanted = files(tmp_path)["datasources/gridwarden.yaml"]
    (source,) = yaml.safe_load(wanted)["datasources"]
    assert source["secureJsonData"] == {"password": f"$__file{{{SECRET}}}"}
    token = files(tmp_path, source=SOURCE._replace(version=3))["datasources/gridwarden.yaml"]
    (source,) = yaml.safe_load(token)["datasources"]
    assert source["secureJsonData"] == {"httpHeaderValue1": f"Token $__file{{{SECRET}}}"}
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"


def test_a_dollar_is_a_dollar_for_grafana(tmp_path: Path) -> None:
    made = provisioning(
        [board("gw-a", "a", "价$格")], SOURCE._replace(database="a$b"), "zh",
        seen_at="/srv/$x", secret_at="",
    )  # fmt: skip
    (source,) = yaml.safe_load(made["datasources/gridwarden.yaml"])["datasources"]
    assert source["jsonData"]["dbName"] == "a$$b"
    (provider,) = yaml.safe_load(made["dashboards/gridwarden.yaml"])["providers"]
    assert provider["folder"] == "价$$格"
    assert provider["options"]["path"].startswith("/srv/$$x/")


def test_a_container_sees_its_own_path(tmp_path: Path) -> None:
    made = provisioning(BOARDS, SOURCE, "zh", seen_at="/etc/grafana/provisioning", secret_at="")
    (provider,) = yaml.safe_load(made["dashboards/gridwarden.yaml"])["providers"]
    assert provider["options"]["path"] == (
        "/etc/grafana/provisioning/dashboards/gridwarden/gridwarden-zh"
    )


def test_the_second_time_nothing_is_touched(tmp_path: Path) -> None:
    wrote(tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.json")}
    assert set(wrote(tmp_path).values()) == {End.unchanged}
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*.json")} == before
    assert list(tmp_path.rglob("*.part")) == []


def test_an_edited_file_stays_with_ours_beside_it(tmp_path: Path) -> None:
    wrote(tmp_path)
    name = "datasources/gridwarden.yaml"
    (tmp_path / name).write_text("mine", encoding="utf-8")
    for _ in range(2):
        assert wrote(tmp_path)[name] is End.beside
        assert (tmp_path / name).read_text(encoding="utf-8") == "mine"
    ours = files(tmp_path)[name]
    assert (tmp_path / f"{name}.new").read_text(encoding="utf-8") == ours
    assert wrote(tmp_path, overwrite=True)[name] is End.written
    assert (tmp_path / name).read_text(encoding="utf-8") == ours
    assert not (tmp_path / f"{name}.new").exists()


def test_a_file_that_was_there_before_us_stays(tmp_path: Path) -> None:
    path = tmp_path / "dashboards" / "gridwarden.yaml"
    path.parent.mkdir()
    path.write_text("somebody's", encoding="utf-8")
    assert wrote(tmp_path)["dashboards/gridwarden.yaml"] is End.beside
    assert path.read_text(encoding="utf-8") == "somebody's"


def test_only_what_we_wrote_and_nobody_edited_is_removed(tmp_path: Path) -> None:
    third = board("gw-old", "旧的")
    wrote(tmp_path, [*BOARDS, third])
    home = tmp_path / "dashboards/gridwarden/gridwarden-zh"
    (home / "mine.json").write_text("{}", encoding="utf-8")
    (home / "gw-fire.json").write_text("{}", encoding="utf-8")
    ends = wrote(tmp_path, [WALL])
    assert ends["dashboards/gridwarden/gridwarden-zh/gw-old.json"] is End.removed
    assert sorted(path.name for path in home.iterdir()) == [
        "gw-fire.json", "gw-wall.json", "mine.json",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["../outside.json", "/etc/x.json", "datasources/gridwarden.yaml"])
def test_a_forged_list_removes_nothing_outside_our_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "provisioning"
    wrote(folder)
    outside = tmp_path / "outside.json"
    outside.write_text("{}", encoding="utf-8")
    listed = folder / "dashboards/gridwarden/written"
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of {}
    listed.write_text(f"{digest}  {name}\nnonsense\n", encoding="utf-8")
    wrote(folder, [WALL])
    assert outside.exists()
    assert (folder / "datasources/gridwarden.yaml").exists()


def test_a_dry_run_writes_nothing_and_says_the_same(tmp_path: Path) -> None:
    said = wrote(tmp_path, dry=True)
    assert list(tmp_path.iterdir()) == []
    assert said == wrote(tmp_path)


ALL = files(Path("/etc/grafana/provisioning"))
FEWER = files(Path("/etc/grafana/provisioning"), [WALL])
_STEPS = lists(
    tuples(sampled_from(["write", "write fewer", "edit", "delete"]), integers(0, 3)), max_size=12
)


@settings(max_examples=25, deadline=None)
@given(steps=_STEPS)
def test_in_any_sequence_no_edit_is_lost_and_the_end_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("provisioning")
    sets = {"write": ALL, "write fewer": FEWER}
    names = sorted(ALL)
    edits: dict[str, str] = {}
    for number, (step, which) in enumerate(steps):
        path = folder / names[which]
        if step == "edit" and path.exists():
            edits[names[which]] = f"mine {number}"
            path.write_text(edits[names[which]], encoding="utf-8")
        elif step == "delete" and path.exists():
            path.unlink()
            edits.pop(names[which], None)
        elif step in sets:
            list(write(folder, sets[step]))
            again = {each.end for each in write(folder, sets[step], dry=True)}
            assert again <= {End.unchanged, End.beside}
            for name, text in sets[step].items():
                ours = f"{name}.new" if name in edits else name
                assert (folder / ours).read_text(encoding="utf-8") == text
        for name, text in edits.items():
            assert (folder / name).read_text(encoding="utf-8") == text

"""Pushing boards into a Grafana in which people work."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

import dashboards
from dashboards.grafana.finish import finished
from dashboards.grafana.push import CHANGES, End, Push, Told, Whose, decide
from dashboards.grafana.server import Server
from dashboards.grafana.source import Source
from dashboards.grafana.trouble import Away
from tests.grafana.boards import BOARDS, FIRE, WALL, Board, board
from tests.grafana.server import TOKEN, Grafana, running, said

SOURCE = Source("http://127.0.0.1:8086", user="reader")
COPY = "gw-wall-new"


each_conflict = pytest.mark.parametrize("wordless", [False, True], ids=["412", "409"])


def push(
    server: Server, boards: Sequence[Board] = BOARDS, secret: str = "", **options: Any
) -> dict[str, End]:
    """Name -> how it ended."""
    way = Push(server, options.pop("source", SOURCE), language="zh", **options)
    return {each.name: each.end for each in way.run(boards, secret, ready=False)}


def changed(name: str, boards: Sequence[Board] = BOARDS) -> list[Board]:
    """The next version of ours, in which one board is another."""
    return [
        each if each.uid != name else each._replace(json=each.json | {"refresh": "30s"})
        for each in boards
    ]


# --- the table -----------------------------------------------------------------------------


@pytest.mark.parametrize(("there", "beside"), list(product(Whose, Whose)))
def test_what_a_person_edited_is_replaced_only_by_overwriting(there: Whose, beside: Whose) -> None:
    for overwrite in (False, True):
        act = decide(there, beside, overwrite)
        if there is Whose.edited and not overwrite:
            assert act.save != "board"
        if there is Whose.provisioned:
            assert act.save == ""
        if beside in (Whose.edited, Whose.provisioned):
            assert act.save != "beside"
            assert not act.remove_beside
        assert bool(act.save) == (act.end in CHANGES)


# --- what is made --------------------------------------------------------------------------


def test_the_first_push_makes_source_folder_and_boards(server: Server, grafana: Grafana) -> None:
    made = push(server, secret="reads-only")
    assert set(made.values()) == {End.created}
    assert list(made) == ["Gridwarden InfluxDB", "社区安全", "指挥大屏", "消防"]
    assert grafana.folders == {"gridwarden-zh": "社区安全"}
    stored = grafana.boards["gw-wall"]
    assert (stored.folder, stored.version, stored.json["title"]) == ("gridwarden-zh", 1, "指挥大屏")
    assert stored.json["tags"] == ["gridwarden", "wall", "zh"]
    (variable, _) = stored.json["templating"]["list"]
    assert variable["current"]["value"] == "gridwarden-influxdb"
    source = grafana.sources["gridwarden-influxdb"]
    assert (source["url"], source["user"], source["access"]) == (SOURCE.url, "reader", "proxy")
    assert source["jsonData"]["dbName"] == "gridwarden"
    assert grafana.secrets["gridwarden-influxdb"] == {"password": "reads-only"}


def test_the_second_push_changes_nothing(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.asked.clear()
    assert set(push(server).values()) == {End.unchanged}
    assert grafana.changed == []


def test_a_new_password_reaches_grafana_though_nothing_else_changed(
    server: Server, grafana: Grafana
) -> None:
    push(server, secret="old")
    assert push(server, secret="new")["Gridwarden InfluxDB"] is End.sent
    assert grafana.secrets["gridwarden-influxdb"] == {"password": "new"}
    assert push(server)["Gridwarden InfluxDB"] is End.unchanged
    assert grafana.secrets["gridwarden-influxdb"] == {"password": "new"}


def test_a_new_version_of_ours_replaces_ours(server: Server, grafana: Grafana) -> None:
    push(server)
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.updated
    assert grafana.boards["gw-wall"].json["refresh"] == "30s"
    assert grafana.boards["gw-fire"].version == 1


@pytest.mark.parametrize(
    ("version", "paged"), [("11.6.0", False), ("11.6.14", True), ("12.1.0", True)]
)
def test_histories_of_every_grafana_are_read(version: str, paged: bool) -> None:
    started = running(Grafana(version=version, paged=paged))
    with started as grafana, Server(grafana.url, TOKEN) as server:
        assert server.version() == version
        push(server)
        grafana.edit("gw-wall", title="我的")
        ends = push(server)
        assert (ends["指挥大屏"], ends["消防"]) == (End.beside, End.unchanged)


def test_two_folders_have_two_uids(server: Server, grafana: Grafana) -> None:
    push(server, [WALL, board("gw-fleet", "网关", "运维")])
    assert grafana.folders == {"gridwarden-zh": "社区安全", "gridwarden-zh-2": "运维"}
    assert grafana.boards["gw-fleet"].folder == "gridwarden-zh-2"


def test_a_token_of_influxdb_2_is_a_header_that_grafana_keeps_secret(
    server: Server, grafana: Grafana
) -> None:
    push(server, source=SOURCE._replace(version=2, user="", database="week"), secret="t0ken")
    source = grafana.sources["gridwarden-influxdb"]
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert grafana.secrets["gridwarden-influxdb"] == {"httpHeaderValue1": "Token t0ken"}
    assert "t0ken" not in str(source)


# --- what people did -----------------------------------------------------------------------


def test_an_edited_board_stays_and_ours_goes_beside_it(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.edit("gw-wall", "bigger numbers", refresh="5s")
    edited = grafana.boards["gw-wall"].json
    assert push(server)["指挥大屏"] is End.beside
    assert push(server)["指挥大屏"] is End.beside_unchanged
    assert grafana.boards["gw-wall"].json == edited
    assert grafana.boards[COPY].json["title"] == "指挥大屏(新版)"
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.beside
    assert grafana.boards[COPY].json["refresh"] == "30s"


def test_both_edited_both_stay(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.edit("gw-wall", refresh="5s")
    push(server)
    grafana.edit(COPY, refresh="6s")
    before = {uid: each.json for uid, each in grafana.boards.items()}
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.both_edited
    assert {uid: each.json for uid, each in grafana.boards.items()} == before


def test_a_restored_version_is_an_edit(server: Server, grafana: Grafana) -> None:
    push(server)
    push(server, changed("gw-wall"))
    grafana.restore("gw-wall", 1)
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.beside
    assert grafana.boards["gw-wall"].version == 3


def test_an_edit_that_was_undone_is_none(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.edit("gw-wall", refresh="5s")
    grafana.restore("gw-wall", 1)
    assert push(server)["指挥大屏"] is End.unchanged
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.updated


def test_overwrite_takes_back_and_tidies_up(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.edit("gw-wall", refresh="5s")
    push(server)
    assert push(server, overwrite=True)["指挥大屏"] is End.taken_back
    assert COPY not in grafana.boards
    wall = grafana.boards["gw-wall"]
    assert [json.get("refresh") for json, _ in wall.history] == [None, "5s", None]
    assert set(push(server).values()) == {End.unchanged}


def test_a_moved_board_stays_where_it_was_moved(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.move("gw-wall", "夜班")
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.updated
    assert grafana.boards["gw-wall"].folder == "夜班"


def test_a_renamed_folder_keeps_its_name(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.folders["gridwarden-zh"] = "大屏"
    assert push(server)["社区安全"] is End.unchanged
    assert grafana.folders == {"gridwarden-zh": "大屏"}


@each_conflict
def test_who_saves_between_our_look_and_our_save_loses_nothing(
    server: Server, grafana: Grafana, wordless: bool
) -> None:
    grafana.wordless = wordless
    push(server)

    def faster(uid: str) -> None:
        grafana.before_save = None
        grafana.edit(uid, refresh="1m")

    grafana.before_save = faster
    assert push(server, changed("gw-wall"))["指挥大屏"] is End.beside
    assert grafana.boards["gw-wall"].json["refresh"] == "1m"


@each_conflict
def test_a_board_that_never_holds_still_is_declined_and_the_others_go_on(
    server: Server, grafana: Grafana, wordless: bool
) -> None:
    grafana.wordless = wordless
    push(server)
    grafana.before_save = lambda uid: uid.startswith("gw-wall") and grafana.edit("gw-wall")
    way = Push(server, SOURCE, language="zh", overwrite=True)
    grafana.edit("gw-wall")
    boards = changed("gw-fire", changed("gw-wall"))
    told = {each.name: each for each in way.run(boards, "", ready=False)}
    assert told["指挥大屏"].end is End.declined
    assert told["指挥大屏"].because is not None
    assert "somebody has just changed it" in told["指挥大屏"].because.en
    assert told["消防"].end is End.updated


def test_what_is_no_longer_in_the_set_is_named_and_removed_only_when_asked(
    server: Server, grafana: Grafana
) -> None:
    push(server)
    grafana.save_as("gw-fire", "mine", "我的消防")  # a copy has our tag and is not ours
    assert push(server, [WALL])["消防"] is End.old
    assert "gw-fire" in grafana.boards
    ends = push(server, [WALL], prune=True)
    assert ends["消防"] is End.removed
    assert "我的消防" not in ends
    assert sorted(grafana.boards) == ["gw-wall", "mine"]


def test_an_edited_board_is_not_pruned(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.edit("gw-fire", refresh="5s")
    assert "消防" not in push(server, [WALL], prune=True)
    assert "gw-fire" in grafana.boards


def test_a_board_of_grafanas_own_files_stays(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.boards["gw-wall"].provisioned = True
    assert push(server, changed("gw-wall"), overwrite=True)["指挥大屏"] is End.provisioned
    assert grafana.boards["gw-wall"].version == 1


@pytest.mark.parametrize("edited", [{"url": "http://10.0.0.9:8086"}, {"dbName": "mine"}])
def test_an_edited_data_source_stays_until_overwritten(
    server: Server, grafana: Grafana, edited: dict[str, str]
) -> None:
    push(server)
    source = grafana.sources["gridwarden-influxdb"]
    (source["jsonData"] if "dbName" in edited else source).update(edited)
    before = str(source)
    assert push(server)["Gridwarden InfluxDB"] is End.source_edited
    assert push(server, secret="x")["Gridwarden InfluxDB"] is End.source_edited
    assert str(grafana.sources["gridwarden-influxdb"]) == before
    assert push(server, overwrite=True)["Gridwarden InfluxDB"] is End.updated
    source = grafana.sources["gridwarden-influxdb"]
    assert (source["url"], source["jsonData"]["dbName"]) == (SOURCE.url, SOURCE.database)


def test_our_own_change_of_the_data_source_is_no_edit(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.sources["gridwarden-influxdb"]["name"] = "值班库"  # a name is the site's to choose
    moved = SOURCE._replace(url="http://10.0.0.2:8086")
    assert push(server, source=moved)["Gridwarden InfluxDB"] is End.updated
    assert push(server, source=moved)["Gridwarden InfluxDB"] is End.unchanged
    assert grafana.sources["gridwarden-influxdb"]["name"] == "值班库"


def test_a_provisioned_data_source_stays(server: Server, grafana: Grafana) -> None:
    push(server)
    grafana.sources["gridwarden-influxdb"]["readOnly"] = True
    ends = push(server, source=SOURCE._replace(url="http://other:1"), overwrite=True)
    assert ends["Gridwarden InfluxDB"] is End.source_provisioned


def test_somebody_elses_data_source_is_used_and_never_touched(
    server: Server, grafana: Grafana
) -> None:
    mine = {"uid": "P1", "name": "Influx", "type": "influxdb", "url": "http://x:1", "version": 4}
    grafana.sources["P1"] = dict(mine)
    grafana.role = "Editor"
    used = SOURCE._replace(uid="P1", name="P1")
    told = list(Push(server, used, language="zh").run(BOARDS, "", ready=True))
    assert told[0] == Told("P1", End.used)
    assert grafana.sources == {"P1": mine}
    assert {each.end for each in told[1:]} == {End.created}
    assert server.source_trouble("P1") is None
    missing = server.source_trouble("P2")
    assert missing is not None
    assert "Data source not found" in missing.en


def test_a_dry_run_says_the_same_and_changes_nothing(server: Server, grafana: Grafana) -> None:
    dry = push(server, dry=True)
    assert grafana.changed == []
    assert dry == push(server)
    grafana.edit("gw-wall")
    grafana.asked.clear()
    options: dict[str, Any] = {"overwrite": True, "prune": True}
    dry = push(server, [WALL], dry=True, **options)
    assert grafana.changed == []
    assert dry == push(server, [WALL], **options)


def test_a_push_that_was_cut_off_is_finished_by_the_next(server: Server, grafana: Grafana) -> None:
    grafana.faults["POST", "/api/dashboards/db"] = said(500, "database is locked")
    with pytest.raises(Away, match=r"HTTP 500: database is locked"):
        push(server)
    grafana.faults.clear()
    ends = push(server)
    assert ends["社区安全"] is End.unchanged
    assert (ends["指挥大屏"], ends["消防"]) == (End.created, End.created)


# --- any sequence --------------------------------------------------------------------------


class Life(RuleBasedStateMachine):
    """Pushes of three versions of ours between whatever people do in Grafana."""

    def __init__(self) -> None:
        super().__init__()
        self.grafana = Grafana()
        self.running = running(self.grafana)
        self.running.__enter__()
        self.server = Server(self.grafana.url, TOKEN).__enter__()
        self.edits: dict[str, tuple[int, dict[str, Any]]] = {}
        """Uid -> version and content of a person's newest save that nobody replaced on purpose."""
        self.moved: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        self.server.__exit__(None, None, None)
        self.running.__exit__(None, None, None)

    def boards(self, version: int) -> list[Board]:
        title = WALL.json | {"refresh": f"{version}m"}
        return [WALL._replace(json=title)] if version == 3 else [WALL._replace(json=title), FIRE]

    @rule(version=sampled_from([1, 2, 3]), prune=booleans())
    def pushes(self, version: int, prune: bool) -> None:
        push(self.server, self.boards(version), prune=prune)
        before = self.picture()
        self.grafana.asked.clear()
        push(self.server, self.boards(version), prune=prune)
        assert self.grafana.changed == []
        assert self.picture() == before
        self.newest_is_there(version)

    def newest_is_there(self, version: int) -> None:
        """Under its uid, or beside an edited one, unless that was edited too."""
        self.moved &= set(self.grafana.boards)
        for each in self.boards(version):
            wanted = finished(each, SOURCE, "zh")
            copy = {"uid": f"{each.uid}-new", "title": f"{each.title}(新版)"}
            whole = wanted if each.uid not in self.edits else wanted | copy
            if whole["uid"] not in self.edits:
                stored = self.grafana.boards[whole["uid"]].json
                assert stored == {key: value for key, value in whole.items() if key != "id"}

    @rule(version=sampled_from([1, 2]))
    def overwrites(self, version: int) -> None:
        push(self.server, self.boards(version), overwrite=True)
        for each in self.boards(version):
            self.edits.pop(each.uid, None)
        self.newest_is_there(version)

    @precondition(lambda self: self.grafana.boards)
    @rule(uid=sampled_from(["gw-wall", "gw-fire", "gw-wall-new", "gw-fire-new"]))
    def edits_a_board(self, uid: str) -> None:
        if uid in self.grafana.boards:
            self.count += 1
            self.grafana.edit(uid, note=self.count)
            stored = self.grafana.boards[uid]
            self.edits[uid] = (stored.version, stored.json)

    @rule(uid=sampled_from(["gw-wall", "gw-wall-new"]), version=integers(1, 3))
    def restores_a_board(self, uid: str, version: int) -> None:
        if uid in self.grafana.boards and version <= self.grafana.boards[uid].version:
            self.grafana.restore(uid, version)
            stored = self.grafana.boards[uid]
            ours = [json for json, message in stored.history if message.startswith("gridwarden ")]
            if ours[-1] == stored.json:
                self.edits.pop(uid, None)
            else:
                self.edits[uid] = (stored.version, stored.json)

    @rule(uid=sampled_from(["gw-wall", "gw-wall-new"]))
    def moves_a_board(self, uid: str) -> None:
        if uid in self.grafana.boards:
            self.grafana.move(uid, "夜班")
            self.moved.add(uid)
            if uid in self.edits:
                stored = self.grafana.boards[uid]
                self.edits[uid] = (stored.version, stored.json)

    @rule(uid=sampled_from(["gw-wall", "gw-fire", "gw-wall-new"]))
    def deletes_a_board(self, uid: str) -> None:
        self.grafana.boards.pop(uid, None)
        self.edits.pop(uid, None)
        self.moved.discard(uid)

    def picture(self) -> dict[str, tuple[int, str]]:
        return {uid: (b.version, b.history[-1][1]) for uid, b in self.grafana.boards.items()}

    @invariant()
    def no_edit_is_lost(self) -> None:
        for uid, (version, json) in self.edits.items():
            stored = self.grafana.boards[uid]
            assert (stored.version, stored.json) == (version, json)
        for uid in self.moved & set(self.grafana.boards):
            assert self.grafana.boards[uid].folder == "夜班"


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=20,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


# --- the real boards -----------------------------------------------------------------------


def test_both_languages_of_all_boards_stand_side_by_side(server: Server, grafana: Grafana) -> None:
    console = "http://127.0.0.1:8080"
    sets = {word: dashboards.all(language=word, console=console) for word in ("zh", "en")}
    for word, boards in sets.items():
        told = list(Push(server, SOURCE, language=word, prune=True).run(boards, "", ready=False))
        assert {each.end for each in told[1:]} == {End.created}
    assert set(grafana.boards) == {board.uid for boards in sets.values() for board in boards}
    assert list(grafana.folders) == ["gridwarden-zh", "gridwarden-en"]
    for stored in grafana.boards.values():
        chosen = stored.json["templating"]["list"][0]
        assert (chosen["type"], chosen["current"]["value"]) == ("datasource", SOURCE.uid)
    grafana.asked.clear()
    for word, boards in sets.items():
        list(Push(server, SOURCE, language=word, prune=True).run(boards, "", ready=False))
    assert grafana.changed == []

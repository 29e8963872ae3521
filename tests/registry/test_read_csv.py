"""The registry's CSV files: what is read, and every error by row and column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document import Problem, Problems
from gateway.model import SECOND, Site
from gateway.registry import digest, read_csv

PLACES = """\
code,parent,level,name,address,latitude,longitude
130903,,district,云河区,,38.30,116.85
130903001,130903,community,水月寺社区,水月寺大街,,
13090300101,130903001,grid,一号网格,,,
13090300101A3,13090300101,building,3 号楼,,,
"""
DEVICES = """\
id,driver,address,kind,name,place,model,floor,flat,max_silence,ranges,contact,state,tags
smoke-1,zigbee,0x01,smoke,301 烟感,13090300101A3,RA02A,3,301,26h,temperature:-40..125;\
density:0..30,张三,accepted,closed_area; 厨房;
cover-1,lora,dc413-1,manhole,井盖 1,13090300101,,,,,,,
"""
PEOPLE = """\
id,name,grid,role,phone,language,channels
p1,李明,13090300101,assistant,+86 138 0000 0001,zh,phone;log
p2,王芳,13090300101,officer,,,
p3,赵强,130903,supervisor,,en,log
"""

Write = Callable[..., tuple[Path, Path, Path]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the three files, each replaceable by text or bytes."""

    def writer(
        places: str | bytes = PLACES,
        devices: str | bytes = DEVICES,
        people: str | bytes = PEOPLE,
    ) -> tuple[Path, Path, Path]:
        named = {"places": places, "devices": devices, "people": people}
        for name, content in named.items():
            raw = content.encode() if isinstance(content, str) else content
            (tmp_path / f"{name}.csv").write_bytes(raw)
        return tmp_path / "places.csv", tmp_path / "devices.csv", tmp_path / "people.csv"

    return writer


def said(paths: tuple[Path, Path, Path]) -> list[str]:
    """The problems as ``file:row:column: message``, without the folder."""
    with pytest.raises(Problems) as caught:
        read_csv(*paths, notifiers=["phone", "log"])
    return [str(p._replace(file=Path(p.file).name)) for p in caught.value.problems]


def test_every_column_arrives(write: Write) -> None:
    site = read_csv(*write(), notifiers=["phone", "log"])
    device = site.devices["smoke-1"]
    assert (device.kind, device.place, device.flat) == ("smoke", "13090300101A3", "301")
    assert device.max_silence == 26 * 3600 * SECOND
    assert device.ranges == {"temperature": (-40.0, 125.0), "density": (0.0, 30.0)}
    assert device.tags == ("closed_area", "厨房")
    assert site.devices["cover-1"].state == "accepted"
    assert site.devices["cover-1"].tags == ()
    assert site.devices["cover-1"].max_silence == 0
    assert site.people["p1"].channels == ("phone", "log")
    assert site.people["p3"].language == "en"
    assert site.places["130903"].latitude == 38.30
    assert site.level("13090300101A3", "community") == "130903001"
    assert site.root() == "130903"


CHINESE = (
    "编码,上级,级别,名称\n1309,,社区,云河\n130901,1309,网格,一号\n130901A,130901,楼栋,甲楼\n",
    "编号,驱动,地址,种类,名称,地点,最长静默,合理范围,状态,标签\n"
    "s1,zigbee,0x01,烟感,客厅,130901A,26小时,temperature：-40..125；density：0..30,已验收,"
    "厨房；疏散、closed_area\n",
    "姓名,编号,网格,角色,渠道\n张三,a,1309,协管员,phone、log\n李四,b,1309,网格员,\n王五,c,1309,督导员,\n",
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_chinese_words_and_encodings_are_read(write: Write, encoding: str) -> None:
    site = read_csv(*write(*(text.encode(encoding) for text in CHINESE)))
    assert site.places["130901A"].level == "building"
    assert site.devices["s1"].kind == "smoke"
    assert site.devices["s1"].max_silence == 26 * 3600 * SECOND
    assert site.devices["s1"].ranges["density"] == (0.0, 30.0)
    assert site.devices["s1"].tags == ("厨房", "疏散", "closed_area")
    assert site.people["a"] == site.in_charge("130901A", "assistant")
    assert site.people["a"].channels == ("phone", "log")


def test_as_many_and_as_long_tags_as_are_allowed_are_read(write: Write) -> None:
    tags = tuple(chr(ord("a") + n) * 40 for n in range(16))
    row = f"d,m,x,smoke,n,130903,,,,,,,,{'; '.join(tags)}\n"
    assert read_csv(*write(devices=DEVICES + row)).devices["d"].tags == tags


def test_columns_stand_in_any_order_with_blank_rows_between(write: Write) -> None:
    people = "role,grid,name,id\n\n,,,\nassistant,130903,甲,a\nofficer,130903,乙,b\r\n"
    people += "supervisor,130903,丙,c\n"
    assert set(read_csv(*write(people=people)).people) == {"a", "b", "c"}


def test_a_building_may_hang_below_a_community(write: Write) -> None:
    places = "code,parent,level,name\n1,,community,甲\n12,1,building,乙\n"
    devices = "id,driver,address,kind,name,place\n"
    people = "id,name,grid,role\na,甲,1,officer\n"
    assert read_csv(*write(places, devices, people)).places["12"].parent == "1"


PLACE_FAULTS = [
    ("130903002,130904,community,甲", "1:2", "there is no place '130904'; did you mean '130903'?"),
    ("130999,130903001,grid,甲", "1:1", "'130999' does not extend its parent's code '130903001'"),
    ("130903002,130903,city,甲", "1:3", "a city can not lie below a district"),
    ("130903002,130903,comunity,甲", "1:3", "unknown level 'comunity'; did you mean 'community'?"),
    ("130903001,130903,community,甲", "1:1", "code '130903001' is already in row 3"),
    ("130904,,district,甲", "1:2", "'130904' has no parent, but '130903' is the root"),
    ("130903002,130903,community,", "1:4", "name is empty"),
    (",130903,community,甲", "1:1", "code is empty"),
    ("13 09,130903,community,甲", "1:1", "'13 09' is no code: letters, digits and '_', '-'"),
    ("1.30903E+11,130903,community,甲", "1:1", "the spreadsheet has rounded it to 1.30903E+11"),
    ("130903002,130903,community,甲,,38.3,", "1:7", "longitude is missing; give both or neither"),
    ("130903002,130903,community,甲,,95,116", "1:6", "95 is not within -90..90"),
    ("130903002,130903,community,甲,,x,116", "1:6", "'x' is no number"),
    ("130903002,130903,community,甲,,nan,116", "1:6", "nan is not within -90..90"),
    ("130903002,130903,community,甲,,,,extra", "1:8", "a cell without a column name above it"),
]


@pytest.mark.parametrize(("row", "where", "message"), PLACE_FAULTS)
def test_a_wrong_place_is_named_by_row_and_column(
    write: Write, row: str, where: str, message: str
) -> None:
    column = where.split(":")[1]
    found = said(write(places=PLACES + row + "\n"))
    assert any(line.startswith(f"places.csv:6:{column}: {message}") for line in found), found


DEVICE_FAULTS = [
    ("d,m,x,smok,n,1309030", "6", "there is no place '1309030'"),
    ("d,m,x,smok,n,130903", "4", "unknown kind 'smok'; did you mean 'smoke'?"),
    ("smoke-1,m,x,smoke,n,130903", "1", "id 'smoke-1' is already in row 2"),
    ("d,zigbee,0x01,smoke,n,130903", "3", "zigbee '0x01' is already in row 2"),
    ("d,m,,smoke,n,130903", "3", "address is empty"),
    ("d,m,x,smoke,n,130903,,,,26", "10", "'26' is no duration"),
    ("d,m,x,smoke,n,130903,,,,0s", "10", "0s is not within 1ms..366d"),
    ("d,m,x,smoke,n,130903,,,,,densty:0..1", "11", "smoke has no number 'densty'; did you mean"),
    ("d,m,x,smoke,n,130903,,,,,alarm:0..1", "11", "smoke has no number 'alarm'"),
    ("d,m,x,smoke,n,130903,,,,,density:5..1", "11", "'density:5..1' is no range"),
    ("d,m,x,smoke,n,130903,,,,,density:0..inf", "11", "'density:0..inf' is no range"),
    ("d,m,x,smoke,n,130903,,,,,density", "11", "'density' is no range; write name:low..high"),
    ("d,m,x,smoke,n,130903,,,,,,,acepted", "13", "unknown state 'acepted'; did you mean"),
    ("d,m,x,smoke,n,130903,,,,,,,,a;b;a;b", "14", "tag 'a' stands there twice"),
    ("d,m,x,smoke,n,130903,,,,,,,,a;" + "x" * 41, "14", "a tag longer than 40 characters"),
    ("d,m,x,smoke,n,130903,,,,,,,,a" + ";" * 800 + "b", "14", "longer than 672 characters"),
    ("d,m,x,smoke,n,130903,,,,,,,,a\0b", "14", "holds characters that can not be printed"),
    (
        "d,m,x,smoke,n,130903,,,,,,,," + ";".join(f"t{n}" for n in range(17)),
        *("14", "more than 16 tags"),
    ),
    ("d," + "x" * 201 + ",x,smoke,n,130903", "2", "longer than 200 characters"),
    ("d,m,a\0b,smoke,n,130903", "3", "holds characters that can not be printed"),
]


@pytest.mark.parametrize(("row", "column", "message"), DEVICE_FAULTS)
def test_a_wrong_device_is_named_by_row_and_column(
    write: Write, row: str, column: str, message: str
) -> None:
    found = said(write(devices=DEVICES + row + "\n"))
    assert any(line.startswith(f"devices.csv:4:{column}: {message}") for line in found), found


PEOPLE_FAULTS = [
    ("p9,甲,130904,officer", "3", "there is no place '130904'"),
    ("p9,甲,130903,oficer", "4", "unknown role 'oficer'; did you mean 'officer'?"),
    ("p1,甲,130903,officer", "1", "id 'p1' is already in row 2"),
    ("p9,甲,130903,officer,hunter2", "5", "no phone number; write digits"),
    ("p9,甲,130903,officer,,fr", "6", "unknown language 'fr'"),
    ("p9,甲,130903,officer,,,phon", "7", "there is no notifier 'phon'; did you mean 'phone'?"),
]


@pytest.mark.parametrize(("row", "column", "message"), PEOPLE_FAULTS)
def test_a_wrong_person_is_named_by_row_and_column(
    write: Write, row: str, column: str, message: str
) -> None:
    found = said(write(people=PEOPLE + row + "\n"))
    assert any(line.startswith(f"people.csv:5:{column}: {message}") for line in found), found
    assert not any("hunter2" in line for line in found)


def test_a_grid_without_a_role_is_named(write: Write) -> None:
    people = "\n".join(line for line in PEOPLE.splitlines() if "officer" not in line)
    assert said(write(people=people)) == [
        "places.csv:4:1: grid '13090300101' (一号网格) has no officer, nor has a place above it"
    ]


def test_a_root_without_a_person_is_named(write: Write) -> None:
    people = PEOPLE.replace("p3,赵强,130903,", "p3,赵强,130903001,")
    assert said(write(people=people)) == [
        "people.csv:1:1: nobody is named for '130903' (云河区), the root: one person must be"
    ]


def test_errors_of_all_files_come_at_once(write: Write) -> None:
    found = said(write(PLACES + "x,,grid,甲\n", DEVICES + "d,,,smok,,\n", PEOPLE + "p9,,1,boss\n"))
    assert {line.split(":")[0] for line in found} == {"places.csv", "devices.csv", "people.csv"}
    assert len([line for line in found if line.startswith("devices.csv:4:")]) >= 4


def test_a_faulty_place_does_not_make_its_devices_homeless(write: Write) -> None:
    found = said(write(places=PLACES.replace("grid,一号网格", "gird,一号网格")))
    assert found == ["places.csv:4:3: unknown level 'gird'; did you mean 'grid'?"]


HEADER_FAULTS = [
    (b"", "1:1: empty; the first row names the columns id, driver,"),
    (b"id;driver;address;kind;name;place\n", "1:1: the columns must be separated by commas"),
    (b"id,driver,address,knd,name,place\n", "1:4: unknown column 'knd'; did you mean 'kind'?"),
    (b"id,id,driver,address,kind,name,place\n", "1:2: column 'id' is already column 1"),
    (b"id,driver,address,kind,name\n", "1:1: column 'place' (地点) is missing"),
    (b"\xff\xfei\x00d\x00", "1:1: UTF-16; save it as CSV UTF-8"),
    (b"id,driver\n\xff\xff\xff\n", "2:1: neither UTF-8 nor GBK; save it as CSV UTF-8"),
    (b'id,driver,address,kind,name,place\n"a', "2:1: not CSV: unexpected end of data"),
    (b"x" * 20_000_001, "1:1: larger than 20,000,000 bytes; split it"),
]


@pytest.mark.parametrize(("raw", "message"), HEADER_FAULTS, ids=range(len(HEADER_FAULTS)))
def test_a_file_that_is_no_table_is_one_clear_line(write: Write, raw: bytes, message: str) -> None:
    found = said(write(devices=raw))
    assert any(line.startswith(f"devices.csv:{message}") for line in found), found


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, write: Write) -> None:
    places, _, people = write()
    assert said((places, tmp_path / "nothing.csv", people)) == ["nothing.csv:1:1: no such file"]
    assert said((places, tmp_path, people)) == [f"{tmp_path.name}:1:1: no such file"]


def test_a_thousand_errors_are_a_hundred_lines(write: Write) -> None:
    rows = "".join(f"d{n},m,a{n},smok,n,130903\n" for n in range(1000))
    found = said(write(devices=DEVICES + rows))
    assert len(found) == 101
    assert found[-1].endswith("… and 900 more problems")


def test_the_digest_changes_with_any_byte_and_with_the_order(write: Write) -> None:
    paths = write()
    first = digest(paths)
    assert first == digest(paths)
    assert first != digest(paths[::-1])
    assert first != digest(write(people=PEOPLE + "\n"))


_CELLS = st.sampled_from(
    [
        *(
            "code",
            "parent",
            "level",
            "name",
            "编码",
            "上级",
            "级别",
            "名称",
            "id",
            "driver",
            "kind",
        ),
        *("address", "place", "grid", "role", "ranges", "max_silence", "smoke", "assistant", "1"),
        *("11", "111", "网格", "", '"', "\0", "\n", "\r", "density:0..1", "9" * 400 + "d", "1e999"),
        *("NaN", "；", "：..", "a:b..c", "-" * 300),
    ]
)
_TABLE = st.lists(st.lists(_CELLS, max_size=8).map(",".join), max_size=6).map("\n".join)
_CONTENT = st.one_of(st.binary(max_size=200), _TABLE.map(str.encode), st.text().map(str.encode))


def _headed(header: str) -> st.SearchStrategy[bytes]:
    return st.one_of(_CONTENT, _CONTENT.map(lambda rest: header.encode() + b"\n" + rest))


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    _headed("code,parent,level,name,latitude,longitude"),
    _headed("id,driver,address,kind,name,place,max_silence,ranges,state,tags"),
    _headed("id,name,grid,role,phone,channels"),
)
def test_any_bytes_give_problems_or_a_site(
    write: Write, places: bytes, devices: bytes, people: bytes
) -> None:
    outcome: Site | list[Problem]
    try:
        outcome = read_csv(*write(places, devices, people), notifiers=[])
    except Problems as error:
        outcome = error.problems
    assert outcome

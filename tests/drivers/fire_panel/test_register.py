from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fire_panel.address import read_address
from drivers.fire_panel.register import Register, load, read
from gateway.model import DeviceSeen

SITE = """address,kind,name,place
000000001001/1-1/12-3,smoke,,3号楼2层走廊
1001/1-1/12-4,panic,手报4,3号楼2层
1001/1-1,,,3号楼
1001,panel,传输装置,值班室
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_register_is_read_in_both_encodings(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "site.csv"
    file.write_bytes(SITE.encode(encoding))
    register = load(file)
    assert register.problems == ()
    assert register.seen() == [
        DeviceSeen("000000001001/1-1/12-3", "smoke", "", "3号楼2层走廊"),
        DeviceSeen("000000001001/1-1/12-4", "panic", "", "3号楼2层 手报4"),
        DeviceSeen("000000001001/1-1", "", "", "3号楼"),
        DeviceSeen("000000001001", "panel", "", "值班室 传输装置"),
    ]
    assert len(register.of("000000001001")) == 4


def test_chinese_columns_in_any_order() -> None:
    register = read("位置,地址,类别\n走廊,1/1-1/1-2,smoke\n".encode("gbk"))
    assert register.problems == ()
    assert register.seen() == [DeviceSeen("000000000001/1-1/1-2", "smoke", "", "走廊")]


def test_everything_wrong_is_told_at_once_and_sound_rows_count() -> None:
    register = read(
        b"address,kind,colour\n1/1-1/1-2,smoke\nnowhere,smoke\n1/1-1/1-3,smok\n"
        b"1/1-1/1-2,heat\n1/1-1/70000-1,heat\n"
    )
    assert list(register.rows) == ["000000000001/1-1/1-2"]
    assert list(register.problems) == [
        "row 1: unknown column 'colour'",
        "row 3: 'nowhere' is no address like 000000001001/1-1/12-3",
        "row 4: unknown kind 'smok'; did you mean 'smoke'?",
        "row 5: 000000000001/1-1/1-2 stands there twice",
        "row 6: '1/1-1/70000-1': systems go to 255-255, components to 65535-65535",
    ]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "empty"),
        (b"kind,name\nsmoke,a\n", "there is no column address"),
        (b"\xff\xff\xff", "neither UTF-8 nor GBK"),
    ],
)
def test_file_that_is_no_register(raw: bytes, problem: str) -> None:
    register = read(raw)
    assert register.rows == {}
    assert problem in register.problems[-1]


def test_missing_file_is_one_problem(tmp_path: Path) -> None:
    assert load(tmp_path / "none.csv") == Register(
        {}, ("can not be read: No such file or directory",)
    )


def test_problems_are_bounded() -> None:
    assert len(read(b"address\n" + b"x\n" * 500).problems) == 51


@given(st.binary(max_size=300))
def test_any_bytes_are_a_register_or_problems(raw: bytes) -> None:
    register = read(b"address,kind,name,place\n" + raw)
    assert len(register.problems) <= 51
    for device, row in register.rows.items():
        assert str(row.address) == device


@given(st.integers(0, 2**48 - 1), st.integers(0, 255), st.integers(0, 65535))
def test_written_address_is_read_again(unit: int, system: int, point: int) -> None:
    for text in (f"{unit:012x}", f"{unit:012x}/{system}-1", f"{unit:012x}/{system}-1/9-{point}"):
        assert str(read_address(text)) == text

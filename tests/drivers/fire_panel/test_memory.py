from drivers._momentary import Holds
from drivers.fire_panel import memory
from drivers.fire_panel.decode import Reset
from drivers.fire_panel.memory import Memory, Supervision
from gateway.model import SECOND, DeviceSeen, Reading
from tests.virtual import VirtualClock


def fresh() -> Memory:
    return Memory(Holds(VirtualClock()))


def alarm(device: str, on: bool = True, kind: str = "smoke") -> Reading:
    return Reading(device, kind, {"alarm": on})


def test_reset_ends_what_alarms_below_its_address_and_nothing_beside_it() -> None:
    kept = fresh()
    kept.items([alarm("u/1-1/1-1"), alarm("u/1-10/1-1"), alarm("u/1-1"), alarm("u/1-1/1-2")])
    kept.items([alarm("u/1-1/1-2", on=False)])
    ended = kept.items([Reset("u/1-1", 5, "7-a-0")])
    assert ended == [
        Reading("u/1-1/1-1", "smoke", {"alarm": False}, None, "7-a-0-reset"),
        Reading("u/1-1", "smoke", {"alarm": False}, None, "7-a-0-reset"),
    ]
    assert kept.items([Reset("u/1-1", 5, "")]) == []


def test_end_is_never_before_its_alarm() -> None:
    kept = fresh()
    kept.items(
        [Reading("u/a", "smoke", {"alarm": True}, 9), Reading("u/b", "smoke", {"alarm": True}, 3)]
    )
    ended = kept.items([Reset("u", 5, "")])
    assert [item.observed_at for item in ended if isinstance(item, Reading)] == [9, 5]


def test_reset_ends_what_the_alarm_is_called_of_other_kinds() -> None:
    kept = fresh()
    kept.items([Reading("u/1-1/1-1", "manhole", {"alarm": True, "open": True})])
    (ended,) = kept.items([Reset("u", None, "")])
    assert ended == Reading("u/1-1/1-1", "manhole", {"alarm": False, "open": False})


def test_alarm_in_the_same_frame_after_the_reset_stays() -> None:
    kept = fresh()
    kept.items([alarm("u/1-1/1-1")])
    off, on = kept.items([Reset("u/1-1", None, ""), alarm("u/1-1/1-1")])
    assert isinstance(off, Reading)
    assert off.values == {"alarm": False}
    assert on == alarm("u/1-1/1-1")


def test_announcement_without_its_name_takes_nothing_back() -> None:
    kept = fresh()
    named, nameless = DeviceSeen("a", "smoke", "42", "走廊"), DeviceSeen("a", "smoke", "42")
    assert kept.items([named, nameless, named]) == [named]


def test_what_is_remembered_is_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(memory, "_MOST", 3)
    kept = fresh()
    kept.items([alarm(f"u/{n}") for n in range(10)])
    assert len(kept.items([Reset("u", None, "")])) == 3
    for n in range(10):
        kept.items([DeviceSeen(f"d{n}", "smoke")])
    assert len(kept._announced) == 3


def test_silence_is_said_once() -> None:
    watch = Supervision(60.0, ["a"])
    watch.begin(0)
    assert watch.due() == 60 * SECOND
    assert watch.heard("a", 10 * SECOND)
    assert not watch.heard("a", 20 * SECOND)
    assert watch.silent(79 * SECOND) == []
    assert watch.silent(80 * SECOND) == ["a"]
    assert watch.silent(99 * SECOND) == []
    assert watch.due() is None
    assert watch.heard("a", 100 * SECOND)


def test_silence_while_nobody_listened_is_not_the_devices() -> None:
    watch = Supervision(60.0, [])
    watch.heard("a", 0)
    watch.begin(500 * SECOND)
    assert watch.silent(500 * SECOND) == []
    assert watch.due() == 560 * SECOND


def test_supervised_devices_are_bounded() -> None:
    watch = Supervision(None, [])
    assert sum(watch.heard(str(n), 0) for n in range(2_000)) == 1_000
    assert watch.silent(10**18) == []


def test_after_a_reset_a_first_alarm_begins_anew() -> None:
    """What alarmed before this program started stands in the journal, and would hide it."""
    memory = Memory(Holds(VirtualClock()))
    memory.items([Reset("u/1-1", 100, "r")])
    alarm = Reading("u/1-1/2-3", "smoke", {"alarm": True}, 200, "k")
    ended, begun = memory.items([alarm])
    assert begun == alarm
    assert ended == Reading("u/1-1/2-3", "smoke", {"alarm": False}, 100)
    assert memory.items([alarm]) == [alarm]


def test_without_a_reset_a_first_alarm_is_what_it_says() -> None:
    memory = Memory(Holds(VirtualClock()))
    memory.items([Reset("u/1-1", 100, "r")])
    for device in ("u/1-2/2-3", "v/1-1/2-3"):
        alarm = Reading(device, "smoke", {"alarm": True}, 200, "k")
        assert memory.items([alarm]) == [alarm]

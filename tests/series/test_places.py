"""What places and devices are called, as points."""

from __future__ import annotations

from gateway.model import Device, Place
from gateway.model.series import SERIES, SERIES_FIELDS
from gateway.series import samples

AT = 1_767_225_600_000_000_000


def test_a_place_says_its_name_and_where_it_is() -> None:
    point = samples.place(Place("130903", "1309", "district", "运河区", "", 38.3, 116.8), AT)
    assert point.measurement == "place"
    assert point.tags == {"place": "130903", "level": "district"}
    assert point.fields == {
        "name": "运河区", "label": "130903 运河区", "parent": "1309", "n": 1.0,
        "latitude": 38.3, "longitude": 116.8,
    }  # fmt: skip
    assert set(point.tags) == set(SERIES["place"])
    assert set(point.fields) <= SERIES_FIELDS


def test_a_topmost_place_without_position_has_neither() -> None:
    point = samples.place(Place("1309", "", "city", "沧州市"), AT)
    assert point.fields == {"name": "沧州市", "label": "1309 沧州市", "n": 1.0}


def test_a_device_says_its_name_and_where_it_stands_in_its_life() -> None:
    known = Device("s-1", "x", "s-1", "smoke", "一楼烟感", "130903", state="installed")
    point = samples.device(known, samples.Heard(5.0, None), AT)
    assert (point.fields["name"], point.fields["state"]) == ("一楼烟感", "installed")
    assert set(point.fields) <= SERIES_FIELDS

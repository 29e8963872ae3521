import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.detect import Detector, shrink, zone_map
from drivers.camera.episode import Episode, Sight

STILL = np.full((90, 160), 100, np.uint8)
LEFT = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
RIGHT = [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]


def block(x: int, y: int = 40, size: int = 12, grey: int = 200) -> np.ndarray:
    picture = STILL.copy()
    picture[y : y + size, x : x + size] = grey
    return picture


def learnt(**options) -> Detector:
    detector = Detector(**options)
    for _ in range(25):
        assert detector.look(STILL, 0.2).area == 0
    return detector


def test_block_is_seen_with_its_size():
    seen = learnt().look(block(50), 0.2)
    assert seen.area == pytest.approx(144 / STILL.size, rel=0.2)
    assert seen.score == pytest.approx(100 / 255, rel=0.05)


def test_small_thing_and_faint_thing_are_not_seen():
    assert learnt().look(block(50, size=3), 0.2).area == 0
    assert learnt().look(block(50, grey=115), 0.2).area == 0


def test_region_limits_and_names():
    regions = [("left", LEFT), ("right", RIGHT)]
    assert learnt(regions=regions).look(block(20), 0.2).zone == "left"
    assert learnt(regions=regions).look(block(120), 0.2).zone == "right"
    assert learnt(regions=regions[:1]).look(block(120), 0.2).area == 0


def test_mask_is_blind():
    assert learnt(masks=[RIGHT]).look(block(120), 0.2).area == 0
    assert learnt(masks=[RIGHT]).look(block(20), 0.2).area > 0


def test_light_switched_on_is_no_motion():
    detector = learnt()
    seen = detector.look(np.full_like(STILL, 220), 0.2)
    assert (seen.area, seen.relearnt) == (0, True)
    assert detector.look(np.full_like(STILL, 220), 0.2).area == 0


def patterned() -> np.ndarray:
    """A wall with a pattern, and a plain part."""
    y, x = np.mgrid[0:90, 0:160]
    wall = 90 + 30 * ((x // 6 + y // 5) % 2)
    wall[:, 120:] = 100
    return wall.astype(float)


def seen_after(change, *, pictures: int = 40) -> int:
    """How many pictures show something after a minute of the wall and then ``change``."""
    random = np.random.default_rng(1)
    detector, count = Detector(), 0
    for number in range(300 + pictures):
        picture = patterned() if number < 300 else change(patterned(), number - 300)
        noisy = np.clip(picture + random.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        count += detector.look(noisy, 0.2).area > 0 and number >= 300
    return count


def lamp(wall: np.ndarray, _number: int) -> np.ndarray:
    y, x = np.mgrid[0:90, 0:160]
    return wall * (1 + 0.9 * np.exp(-(((x - 40) / 30) ** 2) - ((y - 40) / 30) ** 2))


def test_light_that_keeps_the_pattern_is_no_motion():
    assert seen_after(lamp) == 0
    assert seen_after(lambda wall, _: wall * 0.6) == 0
    assert seen_after(lambda wall, n: wall * (1 - n / 80)) == 0
    assert seen_after(lambda wall, _: 255 * (wall / 255) ** 0.5) == 0


def test_somebody_is_seen_while_the_light_changes():
    def walking(wall: np.ndarray, number: int) -> np.ndarray:
        dimmed = wall * (1 - number / 80)
        dimmed[40:60, 10 + number : 20 + number] = 220
        return dimmed

    assert seen_after(walking) >= 38


def test_light_that_jumps_again_and_again_does_not_hide_motion():
    def close(wall: np.ndarray, number: int) -> np.ndarray:
        wall = wall * (0.6 if number % 4 < 2 else 1.0)
        wall[20:80, 10 + number : 60 + number] = 230
        return wall

    assert seen_after(close) > 20  # of 40: three seconds at the most count as a switch


def test_somebody_before_a_plain_wall_is_seen():
    def there(wall: np.ndarray, number: int) -> np.ndarray:
        wall[30:60, 130:142] = 160
        return wall

    assert seen_after(there) == 40


def test_what_flickers_for_long_becomes_usual():
    detector = learnt()
    areas = [detector.look(block(50) if n % 2 else STILL, 0.2).area for n in range(300)]
    assert max(areas[:10]) > 0
    assert max(areas[-50:]) == 0


def test_new_resolution_is_learnt_anew():
    assert learnt().look(np.full((60, 80), 250, np.uint8), 0.2).area == 0


@pytest.mark.parametrize(
    "shape", [(720, 1280), (576, 768), (240, 320), (144, 200), (90, 120), (1080, 1920, 3), (7, 999)]
)
def test_shrunken_picture_is_at_most_160_wide(shape):
    small = shrink(np.zeros(shape, np.uint8))
    assert small.shape[1] == min(160, shape[1])


def test_first_region_wins_where_two_overlap():
    whole = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert zone_map([("a", LEFT), ("b", whole)], [], 160, 90)[10, 10] == 1
    assert zone_map([("b", whole), ("a", LEFT)], [], 160, 90)[10, 10] == 1


def play(hits: str, *, fps: float = 5, minimum: float = 0.6, quiet: float = 1.0, learn: float = 0):
    """Each character is a picture: ``.`` nothing, a letter a sighting in that zone."""
    episode = Episode(fps, minimum, quiet, learn)
    turns = []
    for number, char in enumerate(hits):
        sight = Sight(0.0, "", 0.0) if char == "." else Sight(0.01, char, 0.5)
        if (turn := episode.feed(sight, number / fps)) is not None:
            turns.append((number, turn.what, turn.zone))
    return turns


def test_episode_begins_after_three_of_five_and_ends_after_quiet():
    assert play("..a.a.a........") == [(6, "began", "a"), (11, "ended", "a")]


def test_two_blinks_are_no_episode():
    assert play("a.......a......a...") == []


def test_another_zone_is_told_once():
    assert play("aaabab") == [(2, "began", "a"), (3, "moved", "b")]


def test_nothing_is_told_while_learning():
    assert play("aaaaaaaaaa", learn=1.6) == []


@given(hits=st.text("ab.", max_size=80))
def test_beginnings_and_ends_take_turns(hits):
    told = [what for _, what, _ in play(hits) if what != "moved"]
    assert told == ["began", "ended"] * (len(told) // 2) + ["began"] * (len(told) % 2)

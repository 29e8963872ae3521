"""The rules that a site starts from: they load, and do what their stories say."""

from __future__ import annotations

from pathlib import Path

from rules import trial

SAMPLE = Path(__file__).parents[2] / "deploy" / "sample" / "rules"


def test_the_stories_of_the_sample_site_go_as_written() -> None:
    results = trial.run(sorted(SAMPLE.glob("*.test.yaml")))
    assert len(results) >= 3
    assert [str(problem) for result in results for problem in result.problems] == []

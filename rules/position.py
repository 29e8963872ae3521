"""Where a character of a YAML text value stands in the file it was read from."""

from __future__ import annotations


def place_in_yaml(source: str, start: tuple[int, int], value: str, at: int) -> tuple[int, int]:
    """Line and column (from 1) of ``value[at]``, ``value`` being the scalar at ``start``.

    Follows the value through the source, so that quotes, folded lines and indented blocks are
    passed over. Escapes in double quotes are followed as nearly as can be.
    """
    lines = source.splitlines(keepends=True)
    line, column = start
    here = sum(len(text) for text in lines[: line - 1]) + column - 1
    if source[here : here + 1] in ("|", ">"):
        here = source.find("\n", here) + 1
    for character in value[: at + 1]:
        if character.isspace():
            continue
        found = source.find(character, here)
        if found < 0:
            return start
        here = found + 1
    here -= 1
    if at >= len(value):
        here += 1
    before = source[: max(here, 0)].splitlines(keepends=True)
    if before and before[-1].endswith(("\n", "\r", "\x85", "\u2028", "\u2029")):
        return len(before) + 1, 1
    return max(len(before), 1), len(before[-1]) + 1 if before else 1

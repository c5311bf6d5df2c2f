"""What is remembered is bounded: its keys come from callers."""

from __future__ import annotations

from cds_service.terminology.memory import LONGEST, MOST, WIDEST, Memory, remembered


def test_what_is_kept_is_found_again() -> None:
    memory: Memory[int] = Memory()
    assert memory.keep(("a", None), 1) == 1
    assert memory.get(("a", None)) == 1


def test_long_texts_and_wide_keys_are_not_kept() -> None:
    memory: Memory[int] = Memory()
    for key in (("x" * (LONGEST + 1),), ("x",) * (WIDEST + 1), (("x" * (LONGEST + 1),),)):
        assert memory.keep(key, 1) == 1
    assert not memory
    memory.keep(("x" * LONGEST,) * WIDEST, 1)
    assert memory


def test_a_full_memory_begins_anew() -> None:
    memory: Memory[int] = Memory()
    for number in range(MOST + 1):
        memory.keep((str(number),), number)
    assert len(memory) == 1


def test_a_short_text_is_worked_out_once_and_a_long_one_each_time() -> None:
    asked = []

    @remembered
    def size(text: str) -> int:
        asked.append(text)
        return len(text)

    long = "x" * (LONGEST + 1)
    assert [size("x"), size("x"), size(long), size(long)] == [1, 1, LONGEST + 1, LONGEST + 1]
    assert asked == ["x", long, long]

"""What is remembered is bounded: its keys come from callers."""

from __future__ import annotations

from cds_service.terminology.memory import LARGEST, LONGEST, MOST, PART, Memory, remembered


def test_what_is_kept_is_found_again() -> None:
    memory: Memory[int] = Memory()
    assert memory.keep(("a", None), 1) == 1
    assert memory.get(("a", None)) == 1


def test_a_key_that_takes_much_room_is_not_kept() -> None:
    """However it comes by it: one long text, many parts, or many sites of a few parts each."""
    memory: Memory[int] = Memory()
    many = LARGEST // PART
    for key in (("x" * LARGEST,), (None,) * (many + 1), ((("x",) * 4,) * (many // 4))):
        assert memory.keep(key, 1) == 1
    assert not memory
    memory.keep(("x" * (LARGEST - PART),), 1)
    memory.keep((("a wording", "system", "code", "display") * 3,), 1)
    assert len(memory) == 2


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

"""How `bench.night` compares two programs, and what it calls too little."""

from __future__ import annotations

from bench.night import Figure, shortfalls


def figure(program: str, *times: float) -> Figure:
    return Figure(program, minutes=2.0, solved=len(times), times=times, area=0.5, share=0.5, spent=180.0)


def test_programs_are_compared_at_as_many_proofs_as_both_find() -> None:
    ours = figure("ours", 10.0, 20.0, 90.0)
    assert ours.sooner(figure("at c", 5.0, 50.0)) == 2.5
    assert ours.sooner(figure("at c", 5.0, 10.0, 45.0, 50.0)) == 0.5
    assert ours.sooner(figure("at c")) == 0.0


def test_only_what_falls_short_is_told() -> None:
    ours, other = figure("ours", 10.0, 20.0), figure("at c", 10.0, 30.0)
    assert shortfalls([ours, other], {2.0: {"ours": 0.96, "best fixed plan": 1.0}}) == []
    assert len(shortfalls([ours, figure("at c", 10.0, 22.0)], {2.0: {"ours": 0.9, "best fixed plan": 1.0}})) == 2

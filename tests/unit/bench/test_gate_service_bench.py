"""What the bench of the gate's service asks and counts."""

from __future__ import annotations

import asyncio

from bench.gate_service import ROOT, measured, patches


def test_each_patch_fills_one_sorry_of_the_examples() -> None:
    found = list(patches(ROOT / "examples"))
    assert len(found) == len(set(found)) >= 24
    for patch in found:
        removed = [line for line in patch.splitlines() if line.startswith("-") and not line.startswith("---")]
        assert any(word in "".join(removed) for word in ("sorry", "admit", "stop"))


async def test_clients_share_the_verdicts_and_wrong_ones_are_counted() -> None:
    asked: dict[str, list[str]] = {}

    async def judge(client: str, patch: str) -> bool:
        asked.setdefault(client, []).append(patch)
        await asyncio.sleep(0)
        return patch != "bad"

    found = await measured("service", judge, 2, ["a", "bad", "b", "c"])
    assert (found.verdicts, found.wrong, found.clients) == (4, 1, 2)
    assert sorted(patch for each in asked.values() for patch in each) == ["a", "b", "bad", "c"]
    assert set(asked) == {"client 0", "client 1"}

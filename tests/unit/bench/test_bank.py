"""The bank of goals: its loader's rules, and that the bank we ship keeps them."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.bank import (
    BANK_PATH,
    FAMILIES_PATH,
    BankGoal,
    Split,
    assign_splits,
    load_bank,
    parse_goal,
    source,
    split_by_name,
)
from orchestrator.errors import ConfigError

RECORD: dict[str, object] = {
    "id": "nat-001",
    "context": "def twice (n : Nat) : Nat := n + n",
    "statement": "theorem nat_001 (n : Nat) : twice n = 2 * n",
    "proof": "by\n  unfold twice\n  omega",
    "difficulty": 0.25,
    "tags": ["nat", "unfold"],
    "premises": [],
    "split": "tune",
    "author": "ours",
}


@pytest.fixture(scope="module")
def bank() -> tuple[BankGoal, ...]:
    return load_bank()


def record(**changes: object) -> str:
    return json.dumps({**RECORD, **changes})


def made(identifier: str, *, tag: str = "nat", difficulty: float = 0.5) -> BankGoal:
    return parse_goal(
        record(
            id=identifier,
            statement=f"theorem {identifier.replace('-', '_')} : True",
            tags=[tag],
            difficulty=difficulty,
        )
    )


class TestParsing:
    def test_every_field_arrives(self) -> None:
        goal = parse_goal(record(imports=["Std"], premises=["Nat.add_comm"]))
        assert goal == BankGoal(
            id="nat-001",
            context="def twice (n : Nat) : Nat := n + n",
            statement="theorem nat_001 (n : Nat) : twice n = 2 * n",
            proof="by\n  unfold twice\n  omega",
            difficulty=0.25,
            tags=("nat", "unfold"),
            split=Split.TUNE,
            imports=("Std",),
            premises=("Nat.add_comm",),
            author="ours",
        )
        assert goal.name == "nat_001"

    def test_a_goal_cannot_be_changed(self) -> None:
        with pytest.raises(FrozenInstanceError):
            parse_goal(record()).proof = "by simp"  # type: ignore[misc]

    @pytest.mark.parametrize("field", list(RECORD))
    def test_a_missing_field_is_named(self, field: str) -> None:
        text = json.dumps({name: value for name, value in RECORD.items() if name != field})
        with pytest.raises(ConfigError, match=f"'{field}' is missing"):
            parse_goal(text)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"colour": "red"}, "unknown field 'colour'"),
            ({"id": "Nat 1"}, "'id' must be"),
            ({"id": "nat-002"}, "must begin with 'theorem nat_002'"),
            ({"statement": "theorem nat_0010 : True"}, "must begin with 'theorem nat_001'"),
            ({"statement": "lemma nat_001 : True"}, "must begin with 'theorem nat_001'"),
            ({"statement": "theorem nat_001 : True\n"}, "'statement' must be"),
            ({"proof": "rfl"}, "must begin with 'by'"),
            ({"proof": "by sorry"}, "the proof contains 'sorry'"),
            ({"proof": "by native_decide"}, "the proof contains 'native_decide'"),
            ({"context": "axiom cheat : False"}, "the context contains 'axiom'"),
            ({"difficulty": 1.5}, "'difficulty' must be"),
            ({"difficulty": True}, "'difficulty' must be"),
            ({"difficulty": float("nan")}, "'difficulty' must be"),
            ({"tags": []}, "'tags' must be"),
            ({"tags": ["nat", 3]}, "'tags' must be"),
            ({"tags": ["nat", "nat"]}, "a tag is given twice"),
            ({"premises": "Nat.add_comm"}, "'premises' must be"),
            ({"split": "test"}, "'split' must be"),
            ({"split": ["tune"]}, "'split' must be"),
            ({"imports": None}, "'imports' must be"),
            ({"author": ""}, "'author' must be"),
        ],
    )
    def test_a_broken_rule_is_named(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(ConfigError, match=re.escape(message)) as caught:
            parse_goal(record(**changes), where="bank.jsonl:7")
        assert caught.value.where == "bank.jsonl:7"

    @pytest.mark.parametrize("text", ["", "{", "[]", '"goal"', "null"])
    def test_what_is_no_record_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError):
            parse_goal(text)

    @given(
        st.dictionaries(
            st.sampled_from([*RECORD, "imports", "colour"]),
            st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=9), st.lists(st.text(max_size=3))),
        )
    )
    def test_any_object_parses_or_is_refused(self, changes: dict[str, object]) -> None:
        try:
            goal = parse_goal(record(**changes))
        except ConfigError:
            return
        assert 0 <= goal.difficulty <= 1
        assert goal.statement.startswith(f"theorem {goal.name}")


class TestLoading:
    def test_blank_lines_are_passed_over_and_order_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "bank.jsonl"
        second = record(id="nat-000", statement="theorem nat_000 : True")
        path.write_text(f"{record()}\n\n{second}\n", encoding="utf-8")
        assert [goal.id for goal in load_bank(path)] == ["nat-001", "nat-000"]

    def test_an_id_used_twice_is_refused_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "bank.jsonl"
        path.write_text(f"{record()}\n{record(proof='by rfl')}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="used twice") as caught:
            load_bank(path)
        assert caught.value.where == f"{path}:2"

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read"):
            load_bank(tmp_path / "none.jsonl")

    def test_a_file_that_is_not_text(self, tmp_path: Path) -> None:
        path = tmp_path / "bank.jsonl"
        path.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match="cannot be read"):
            load_bank(path)


class TestSource:
    def test_the_default_is_the_goal_left_open(self) -> None:
        assert source(parse_goal(record())) == (
            "def twice (n : Nat) : Nat := n + n\n\ntheorem nat_001 (n : Nat) : twice n = 2 * n := sorry\n"
        )

    def test_imports_come_first_and_an_empty_context_leaves_no_gap(self) -> None:
        goal = parse_goal(record(imports=["Std", "Lean"], context=""))
        assert source(goal, goal.proof) == (
            "import Std\nimport Lean\n\ntheorem nat_001 (n : Nat) : twice n = 2 * n := by\n  unfold twice\n  omega\n"
        )


class TestSplits:
    def test_one_third_of_every_area_is_held_out(self) -> None:
        goals = [made(f"{tag}-{number:03}", tag=tag) for tag in ("int", "nat") for number in range(30)]
        splits = assign_splits(goals)
        for tag in ("int", "nat"):
            assert sum(splits[goal.id] is Split.HELD_OUT for goal in goals if goal.tags[0] == tag) == 10

    @given(st.permutations([made(f"nat-{number:03}", difficulty=number / 20) for number in range(20)]))
    def test_the_order_of_the_file_does_not_matter(self, goals: list[BankGoal]) -> None:
        assert assign_splits(goals) == assign_splits(sorted(goals, key=lambda goal: goal.id))


class TestCanonical:
    @pytest.mark.parametrize(
        ("statement", "same"),
        [
            ("theorem nat_002 (k : Nat) :  twice k = 2 * k", True),
            ("theorem nat_002 (k : Nat) :\n    twice k = 2 * k", True),
            ("theorem nat_002 (k : Nat) : twice k = k * 2", False),
            ("theorem nat_002 (k : Int) : twice k = 2 * k", False),
        ],
    )
    def test_only_names_and_spacing_are_forgotten(self, statement: str, same: bool) -> None:
        other = parse_goal(record(id="nat-002", statement=statement))
        assert (canonical(other) == canonical(parse_goal(record()))) is same


class TestOurBank:
    def test_it_is_large_enough(self, bank: tuple[BankGoal, ...]) -> None:
        assert len(bank) >= 220

    def test_the_recorded_splits_are_the_assigned_ones(self, bank: tuple[BankGoal, ...]) -> None:
        assert {goal.id: goal.split for goal in bank} == assign_splits(bank)

    @pytest.mark.parametrize("floor", [0.0, 0.3, 0.5])
    def test_a_third_is_held_out_at_every_difficulty(self, bank: tuple[BankGoal, ...], floor: float) -> None:
        chosen = [goal for goal in bank if goal.difficulty >= floor]
        held_out = sum(goal.split is Split.HELD_OUT for goal in chosen)
        assert abs(held_out / len(chosen) - 1 / 3) < 0.06

    def test_no_statement_appears_twice(self, bank: tuple[BankGoal, ...]) -> None:
        seen = Counter(canonical(goal) for goal in bank)
        assert [text for text, count in seen.items() if count > 1] == []

    def test_known_proofs_are_short(self, bank: tuple[BankGoal, ...]) -> None:
        assert [goal.id for goal in bank if len(goal.proof.split("\n")) > 16] == []

    def test_easy_and_hard_are_both_there(self, bank: tuple[BankGoal, ...]) -> None:
        shares = [sum(low <= goal.difficulty < high for goal in bank) / len(bank) for low, high in ((0, 0.5), (0.5, 1))]
        assert all(0.3 < share < 0.7 for share in shares)

    def test_the_areas_are_many_and_none_rules(self, bank: tuple[BankGoal, ...]) -> None:
        areas = Counter(goal.tags[0] for goal in bank)
        assert len(areas) >= 12
        assert areas.most_common(1)[0][1] <= len(bank) / 4

    def test_premises_are_names_that_stand_in_the_proof(self, bank: tuple[BankGoal, ...]) -> None:
        strays = [
            (goal.id, premise)
            for goal in bank
            for premise in goal.premises
            if premise.rsplit(".", 1)[-1] not in re.split(r"[^\w'!?₁₂]+", goal.proof)
        ]
        assert strays == []

    def test_the_file_is_plain_json_lines(self) -> None:
        text = BANK_PATH.read_text(encoding="utf-8")
        assert text.endswith("}\n")
        assert "\r" not in text


class TestFamilies:
    def test_they_are_many_and_a_third_of_each_is_held_out(self) -> None:
        families = load_bank(FAMILIES_PATH)
        areas = Counter(goal.tags[0] for goal in families)
        held_out = Counter(goal.tags[0] for goal in families if goal.split is Split.HELD_OUT)
        assert set(areas) == {"number", "structure", "classical"}
        assert all(areas[area] >= 50 and abs(held_out[area] / areas[area] - 1 / 3) < 0.1 for area in areas)

    def test_the_name_alone_says_what_is_held_out(self) -> None:
        assert all(goal.split is split_by_name(goal.id) for goal in load_bank(FAMILIES_PATH))

    def test_no_statement_appears_twice(self, bank: tuple[BankGoal, ...]) -> None:
        seen = Counter(canonical(goal) for goal in (*bank, *load_bank(FAMILIES_PATH)))
        assert [text for text, count in seen.items() if count > 1] == []


def canonical(goal: BankGoal) -> str:
    """Context and statement with the theorem's own name, the names of its variables and all spacing taken out."""
    statement = goal.statement.removeprefix(f"theorem {goal.name}")
    groups = [
        *re.findall(r"[({⦃]([^():{}]+?) :", statement),
        *re.findall(r"(?:∀|∃|fun)\s+([\w'\s]+?)\s*(?:[:,∈<≤]|=>)", statement),
    ]
    names = {name for group in groups for name in group.split()}
    order: dict[str, str] = {}
    tokens = re.findall(r"[\w'.]+|[^\w'.\s]+", statement)
    for token in tokens:
        head = token.split(".", 1)[0]
        if head in names:
            order.setdefault(head, f"#{len(order)}")
    renamed = [
        ".".join([order.get(token.split(".", 1)[0], token.split(".", 1)[0]), *token.split(".")[1:]]) for token in tokens
    ]
    return " ".join([*goal.context.split(), *renamed])

"""Theorems of Lean's library that proofs over a domain need again and again, whatever the goal is. Pure.

Retrieval finds what reads like the goal; these are what a step in the middle needs: how a successor moves through a
sum, that products and powers are monotone, how divisibility goes through sums. A name that the Lean at hand does not
have is found out when it is first used, and left out from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LibraryLemmas:
    """Full names for one goal.

    Attributes:
        rewriting: equations that bring a successor, a power or a product into normal form; they end as `simp` rules.
        commuting: what orders sums and products, for `simp` once more.
        facts: for `grind` and `solve_by_elim`.
    """

    rewriting: tuple[str, ...] = ()
    commuting: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    def without(self, missing: frozenset[str]) -> LibraryLemmas:
        """The same without some names."""
        return LibraryLemmas(
            tuple(name for name in self.rewriting if name not in missing),
            tuple(name for name in self.commuting if name not in missing),
            tuple(name for name in self.facts if name not in missing),
        )


@dataclass(frozen=True, slots=True)
class _Pack:
    when: re.Pattern[str]
    lemmas: LibraryLemmas


def _names(prefix: str, words: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{word}" for word in words.split())


_PACKS = (
    _Pack(
        re.compile(r"\bNat\b|\.(?:length|size|toNat|count|sum)\b"),
        LibraryLemmas(
            rewriting=_names("Nat", "succ_add add_assoc pow_succ succ_mul mul_succ add_le_add mul_le_mul"),
            commuting=_names("Nat", "add_comm add_left_comm mul_comm mul_left_comm mul_assoc mul_add add_mul"),
            facts=_names("Nat", "succ_add pow_succ mul_le_mul pow_le_pow_left pow_le_pow_right mul_pos"),
        ),
    ),
    _Pack(
        re.compile(r"\bInt\b"),
        LibraryLemmas(
            rewriting=_names("Int", "add_assoc pow_succ"),
            commuting=_names("Int", "add_comm add_left_comm mul_comm mul_left_comm mul_assoc mul_add add_mul"),
            facts=_names("Int", "pow_succ mul_nonneg mul_pos mul_le_mul_of_nonneg_left mul_le_mul_of_nonneg_right"),
        ),
    ),
    _Pack(
        re.compile(r"(?:\bNat\b[\s\S]*)(?: ∣ |\bgcd\b|\blcm\b)|\bNat\.(?:gcd|lcm)"),
        LibraryLemmas(
            facts=_names(
                "Nat",
                "dvd_add dvd_sub dvd_mul_left dvd_mul_right dvd_mul_left_of_dvd dvd_mul_right_of_dvd dvd_trans dvd_gcd "
                "dvd_add_right gcd_dvd_left gcd_dvd_right",
            )
        ),
    ),
    _Pack(
        re.compile(r"\bInt\b[\s\S]* ∣ "),
        LibraryLemmas(
            facts=_names(
                "Int",
                "dvd_add dvd_sub dvd_mul_left dvd_mul_right dvd_mul_of_dvd_left dvd_mul_of_dvd_right dvd_trans",
            )
        ),
    ),
    _Pack(
        re.compile(r"\bString\b"),
        LibraryLemmas(
            rewriting=_names("String", "append_assoc toList_append length_append"),
            facts=_names("String", "length_append"),
        ),
    ),
    _Pack(
        re.compile(r"\bFin\b"),
        LibraryLemmas(rewriting=_names("Fin", "ext_iff le_def lt_def"), facts=_names("Fin", "ext_iff")),
    ),
    _Pack(
        re.compile(r"\bBitVec\b"),
        LibraryLemmas(
            commuting=_names("BitVec", "add_comm add_assoc mul_comm"),
            facts=_names("BitVec", "add_assoc add_comm eq_of_toNat_eq lt_def le_def"),
        ),
    ),
    _Pack(
        re.compile(r"\bOption\b"),
        LibraryLemmas(
            rewriting=_names("Option", "map_eq_some_iff bind_eq_some_iff"), facts=_names("Option", "map_eq_some_iff")
        ),
    ),
    _Pack(re.compile(r"\bArray\b"), LibraryLemmas(facts=("Array.ext_iff", "Array.foldl_toList", "Array.foldr_toList"))),
)


def library_lemmas(text: str) -> LibraryLemmas:
    """The lemmas of the domains that a goal's text speaks of."""
    chosen = [pack.lemmas for pack in _PACKS if pack.when.search(text)]
    return LibraryLemmas(
        tuple(name for pack in chosen for name in pack.rewriting),
        tuple(name for pack in chosen for name in pack.commuting),
        tuple(name for pack in chosen for name in pack.facts),
    )


_NO_PATTERN = re.compile(r"invalid `grind` theorem|is a reducible definition, `grind` automatically unfolds")


def is_refused_by_grind(error: str) -> bool:
    """Whether `grind` did not even begin, for a theorem that it cannot use or a definition that it unfolds anyway."""
    return _NO_PATTERN.search(error) is not None


_UNKNOWN = re.compile(r"[Uu]nknown (?:constant|identifier) [`'‘](?P<name>[^`'’]+)[`'’]")


def unknown_names(error: str) -> frozenset[str]:
    """The names that Lean says it does not know."""
    return frozenset(match["name"] for match in _UNKNOWN.finditer(error))

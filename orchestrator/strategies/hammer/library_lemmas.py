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
        kinds = (self.rewriting, self.commuting, self.facts)
        return LibraryLemmas(*(tuple(name for name in kind if name not in missing) for kind in kinds))


_TABLE = (
    (
        r"\bNat\b|\.(?:length|size|toNat|count|sum)\b",
        "Nat",
        "succ_add add_assoc pow_succ succ_mul mul_succ add_le_add mul_le_mul",
        "add_comm add_left_comm mul_comm mul_left_comm mul_assoc mul_add add_mul",
        "succ_add pow_succ mul_le_mul pow_le_pow_left pow_le_pow_right mul_pos",
    ),
    (
        r"\bInt\b",
        "Int",
        "add_assoc pow_succ",
        "add_comm add_left_comm mul_comm mul_left_comm mul_assoc mul_add add_mul",
        "pow_succ mul_nonneg mul_pos mul_le_mul_of_nonneg_left mul_le_mul_of_nonneg_right",
    ),
    (
        r"(?:\bNat\b[\s\S]*)(?: ∣ |\bgcd\b|\blcm\b)|\bNat\.(?:gcd|lcm)",
        "Nat",
        "",
        "",
        "dvd_add dvd_sub dvd_mul_left dvd_mul_right dvd_mul_left_of_dvd dvd_mul_right_of_dvd dvd_trans dvd_gcd "
        "dvd_add_right gcd_dvd_left gcd_dvd_right",
    ),
    (
        r"\bInt\b[\s\S]* ∣ ",
        "Int",
        "",
        "",
        "dvd_add dvd_sub dvd_mul_left dvd_mul_right dvd_mul_of_dvd_left dvd_mul_of_dvd_right dvd_trans",
    ),
    (r"\bString\b", "String", "append_assoc toList_append length_append", "", "length_append"),
    (r"\bFin\b", "Fin", "ext_iff le_def lt_def", "", "ext_iff"),
    (
        r"\bBitVec\b",
        "BitVec",
        "",
        "add_comm add_assoc mul_comm",
        "add_assoc add_comm eq_of_toNat_eq lt_def le_def",
    ),
    (r"\bOption\b", "Option", "map_eq_some_iff bind_eq_some_iff", "", "map_eq_some_iff"),
    (r"\bArray\b", "Array", "", "", "ext_iff foldl_toList foldr_toList"),
)
"""What a goal of the domain speaks of, its namespace, and the names in it: rewriting, commuting, facts."""


def library_lemmas(text: str) -> LibraryLemmas:
    """The lemmas of the domains that a goal's text speaks of."""
    chosen = [row[1:] for row in _TABLE if re.search(row[0], text)]
    return LibraryLemmas(
        *(tuple(f"{space}.{name}" for space, *kinds in chosen for name in kinds[kind].split()) for kind in range(3))
    )


_NO_PATTERN = re.compile(r"invalid `grind` theorem|is a reducible definition, `grind` automatically unfolds")


def is_refused_by_grind(error: str) -> bool:
    """Whether `grind` did not even begin, for a theorem that it cannot use or a definition that it unfolds anyway."""
    return _NO_PATTERN.search(error) is not None


_UNKNOWN = re.compile(r"[Uu]nknown (?:constant|identifier) [`'‘](?P<name>[^`'’]+)[`'’]")


def unknown_names(error: str) -> frozenset[str]:
    """The names that Lean says it does not know."""
    return frozenset(match["name"] for match in _UNKNOWN.finditer(error))

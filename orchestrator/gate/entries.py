"""What a file gives others beside constants: attributes, and entries of environment extensions. Pure.

The process that elaborated the patch says it, so it is a second look at what the syntax trees have shown already.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from orchestrator.lean.protocol import ExportReply

_OF_EVERY_PROOF = re.compile(
    r"(?:_private\..+\.0\.)?(?:"
    r"Lean\.(?:declRangeExt|docStringExt|versoDocStringExt|namespacesExt|extraModUses|indirectModUseExt|defeqAttr|"
    r"isExtraRevModUseExt|protectedExt|noncomputableExt|sparseCasesOnExt|privateConstKindsExt)|"
    r"Lean\.Meta\.(?:Match\.Extension\.extension|congrKindsExt|funIndInfoExt|sparseCasesOnInfoExt)|"
    r"Lean\.Compiler\.(?:LCNF\..*|inlineAttrs)|Lean\.IR\.declMapExt|Lean\..*eqnInfoExt|"
    r"reducibilityCore|reducibilityExtra|recExt|symbolFrequency|sineQueNon)"
)
"""Extensions that Lean fills for every proof: what it compiles, where it stands, what it uses. Reducibility and
`protected`, which Lean sets for what it makes by itself, are compared by declaration."""
_SEEN_BY_OTHERS = frozenset({"simp", "instance", "class", "extern", "export", "init", "deprecated"})


_OF_LEAN = frozenset(
    f"Lean.{name}"
    for name in (
        *("classExtension", "aliasExtension", "externAttr", "exportAttr", "regularInitAttr", "Linter.deprecatedAttr"),
        *("Meta.instanceExtension", "Meta.defaultInstanceExtension", "Meta.simpExtension", "Meta.congrExtension"),
        *("Meta.unificationHintExtension", "Meta.coeExt", "Meta.Ext.extExtension", "Compiler.implementedByAttr"),
        *("Compiler.CSimp.ext", "Parser.parserExtension", "Elab.macroAttribute", "Elab.Term.termElabAttribute"),
        *("Elab.Tactic.tacticElabAttribute", "Elab.Command.commandElabAttribute"),
    )
)
"""Extensions that change what others see, by the names that releases have in common."""


def entry_changes(
    original: ExportReply, patched: ExportReply, kept: Collection[str], *, known_alone: bool = False
) -> tuple[str, ...]:
    """How the attributes and entries of a patched file differ from the original's, each in words.

    `kept` are exact names of the declarations that the patch leaves as they are: they keep all of their attributes,
    others must not have one more or fewer of those that others see. With `known_alone`, extensions that are not known
    do not count: which of them Lean and packages fill for every proof differs from release to release.
    """
    return (*_attributes(original, patched, kept), *_entries(original, patched, known_alone))


def _attributes(original: ExportReply, patched: ExportReply, kept: Collection[str]) -> Iterator[str]:
    before = {one.name: set(one.attributes) for one in original.attributes}
    after = {one.name: set(one.attributes) for one in patched.attributes}
    for name in sorted({*before, *after}):
        had, has = before.get(name, set()), after.get(name, set())
        if name not in kept:
            had, has = had & _SEEN_BY_OTHERS, has & _SEEN_BY_OTHERS
        if more := sorted(has - had):
            yield f"`{name}` is {', '.join(more)} now"
        if fewer := sorted(had - has):
            yield f"`{name}` is not {', '.join(fewer)} any more"


def _entries(original: ExportReply, patched: ExportReply, known_alone: bool) -> Iterator[str]:
    before = {one.name: one.entries for one in original.entries}
    after = {one.name: one.entries for one in patched.entries}
    for name in sorted({*before, *after}):
        had, has = before.get(name, 0), after.get(name, 0)
        counts = name in _OF_LEAN if known_alone else not _OF_EVERY_PROOF.fullmatch(name)
        if had != has and counts:
            yield f"the file gives `{name}` {has} entries and gave {had}"

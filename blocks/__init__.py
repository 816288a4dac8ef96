"""Prefect blocks: what to work on, how, and where things are. Declarations only."""

from __future__ import annotations

from blocks.language_model import LanguageModel
from blocks.lean_project import LeanProject
from blocks.ledger_database import LedgerDatabase
from blocks.prover import Prover
from blocks.source_host import SourceHost

BLOCKS = (LeanProject, Prover, LedgerDatabase, LanguageModel, SourceHost)

__all__ = ["BLOCKS", "LanguageModel", "LeanProject", "LedgerDatabase", "Prover", "SourceHost"]

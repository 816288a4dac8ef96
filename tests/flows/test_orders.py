"""From blocks, by their names, to what a run is asked to do."""

from __future__ import annotations

import pytest
from pydantic import HttpUrl, SecretStr

from blocks import LanguageModel, LeanProject, LedgerDatabase, Prover
from orchestrator.config import Profile, load_settings
from orchestrator.errors import ConfigError
from tasks.request import read_request

pytestmark = pytest.mark.usefixtures("prefect_server")


async def test_blocks_name_one_another_and_secrets_are_not_printed() -> None:
    url = HttpUrl("http://127.0.0.1:8000/v1")
    model = LanguageModel(base_url=url, model="prover", api_key=SecretStr("key-7"), max_tokens=99)
    await model.asave("orders", overwrite=True)
    await LedgerDatabase(url=SecretStr("postgresql://me:word-8@host/ledger")).asave("orders", overwrite=True)
    await Prover(profile=2, language_model="orders").asave("orders", overwrite=True)
    await LeanProject(repo="/r", prover="orders", ledger="orders").asave("orders", overwrite=True)
    request = await read_request({}, "orders")
    settings = load_settings({}, **request.settings)
    assert settings.profile is Profile.THOROUGH
    assert settings.ledger_url == "postgresql://me:word-8@host/ledger"
    chat = settings.chat
    assert chat is not None
    assert (chat.url, chat.model, chat.key, chat.max_tokens) == (str(url), "prover", "key-7", 99)
    assert not [word for word in ("key-7", "word-8") if word in f"{request}{settings}"]


async def test_what_a_prover_leaves_empty_is_as_the_worker_has_it() -> None:
    await Prover(max_heavy=3).asave("orders-little", overwrite=True)
    await LeanProject(repo="/r", prover="orders-little").asave("orders-little", overwrite=True)
    request = await read_request({}, "orders-little")
    settings = load_settings({"ORCH_MAX_LIGHT": "5", "ORCH_MAX_HEAVY": "7", "ORCH_PROFILE": "2"}, **request.settings)
    assert (settings.max_light, settings.max_heavy, settings.profile) == (5, 3, Profile.THOROUGH)


async def test_a_block_that_is_not_there_is_named() -> None:
    await Prover(language_model="nowhere").asave("orders-wrong", overwrite=True)
    await LeanProject(repo="/r", prover="orders-wrong").asave("orders-wrong", overwrite=True)
    with pytest.raises(ConfigError, match="there is no block language-model/nowhere"):
        await read_request({}, "orders-wrong")

"""The MCP server over a scripted service, asked by the official client: what agents see, and what errors teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client, MCPError
from mcp_types import Implementation
from scripted_service import ScriptedService

from orchestrator.errors import BusyError
from orchestrator.run.service.mcp_server import OneToken, make_mcp_server
from orchestrator.run.service.opening import Results
from orchestrator.run.service.service import ProofService

TOOLS = {
    *("list_goals", "goal", "try_tactics", "search_premises", "refute", "verify", "submit_proof"),
    *("list_tickets", "claim_ticket", "complete_ticket", "request_lemma", "blueprint_status"),
}


def connected(service: ScriptedService, results: Path, access: OneToken | None = None) -> Client:
    async def opened() -> ProofService:
        return cast(ProofService, cast(Any, service))

    server = make_mcp_server(opened, Results(results, results / "data", "repo"), access or OneToken(""))
    return Client(server, client_info=Implementation(name="tester", version="1"))


async def test_an_agent_finds_tools_resources_and_prompts_that_say_what_they_are_for(tmp_path: Path) -> None:
    async with connected(ScriptedService(), tmp_path) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        assert all(tool.description and tool.output_schema for tool in tools)
        for tool in tools:
            assert all("description" in one or "default" in one for one in tool.input_schema["properties"].values())
        kept = {tool.name for tool in tools if tool.annotations and not tool.annotations.read_only_hint}
        assert kept == {"submit_proof", "claim_ticket", "complete_ticket", "request_lemma"}
        templates = (await client.list_resource_templates()).resource_templates
        assert {one.uri_template for one in templates} == {"lean://source/{+path}", "lean://results/{name}"}
        prompts = (await client.list_prompts()).prompts
        assert {one.title for one in prompts} == {"Close this goal", "Formalise the next node"}
        assert client.instructions is not None
        assert "Nothing here writes to the repository" in client.instructions


async def test_answers_are_data_and_the_client_is_known_by_its_name(tmp_path: Path) -> None:
    service = ScriptedService()
    async with connected(service, tmp_path) as client:
        found = await client.call_tool("list_goals", {})
        assert found.structured_content is not None
        assert found.structured_content["goals"][0]["declaration"] == "foo"
        tried = await client.call_tool("try_tactics", {"goal_id": "g1", "scripts": ["rfl"]})
        assert tried.structured_content is not None
        assert tried.structured_content["result"][0]["closes"] is True
    assert service.asked == [("tester", "g1", "rfl")]


async def test_errors_say_what_to_do_next(tmp_path: Path) -> None:
    async with connected(ScriptedService(), tmp_path) as client:
        for tool, arguments, words in (
            ("try_tactics", {"goal_id": "g2", "scripts": ["rfl"]}, "Did you mean foo?"),
            ("try_tactics", {"goal_id": "g1", "scripts": ["busy"]}, "Ask again in a minute"),
            ("verify", {}, "Give a goal's id and a proof of it"),
            ("try_tactics", {"goal_id": "g1", "scripts": ["rfl"], "seconds": 1000}, "less than or equal to 120"),
        ):
            answer = await client.call_tool(tool, arguments)
            assert answer.is_error
            assert words in answer.content[0].text  # type: ignore[union-attr]
        with pytest.raises(MCPError, match=r"There is A\.lean"):
            await client.read_resource("lean://source/B.lean")
        with pytest.raises(MCPError, match="Run `orchestrator prove`"):
            await client.read_resource("lean://results/report.md")


async def test_only_reports_are_shown_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("all is well", encoding="utf-8")
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    async with connected(ScriptedService(), tmp_path) as client:
        shown = await client.read_resource("lean://results/report.md")
        assert shown.contents[0].text == "all is well"  # type: ignore[union-attr]
        for name in ("secret", "..%2Fsecret"):
            with pytest.raises(MCPError):
                await client.read_resource(f"lean://results/{name}")


async def test_calls_that_are_used_up_are_refused(tmp_path: Path) -> None:
    class Used(OneToken):
        def client(self, token: str) -> str:
            raise BusyError("this goal's 2 calls are used up", hint="End here")

    async with connected(ScriptedService(), tmp_path, Used("")) as client:
        answer = await client.call_tool("list_goals", {})
        assert "End here" in answer.content[0].text  # type: ignore[union-attr]

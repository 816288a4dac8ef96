"""WHERE proofs are published: the host of a repository."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from orchestrator.run.request import HostKind


class SourceHost(Block):
    """The host that a repository lies on, with a token that may push branches and open pull requests."""

    _block_type_name = "Source host"
    _block_type_slug = "source-host"
    _description = "The host that a repository lies on, with a token that may push and open pull requests."

    kind: HostKind = Field(default=HostKind.GITHUB, description="Whose API it speaks: github or gitlab.")
    repository: str = Field(pattern=r"^[^/\s]+(/[^/\s]+)+$", description="owner/name, or a GitLab path.")
    token: SecretStr = Field(default=SecretStr(""), description="Token for the API and for pushing over https.")
    api_url: HttpUrl | None = Field(default=None, description="The API, where it is not that of github.com/gitlab.com.")
    push_url: str = Field(default="", description="Where branches are pushed; the repository itself if empty.")

"""Repositories: checkout, mirror, branches, pushing, and the hosts (GitHub, GitLab) that take pull requests."""

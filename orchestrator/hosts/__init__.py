"""Hosts of repositories: GitHub and GitLab, by their HTTP APIs, and a twin in memory."""

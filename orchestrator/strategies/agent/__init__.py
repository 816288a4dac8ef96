"""An agent of the user: any program that speaks MCP, started for each goal."""

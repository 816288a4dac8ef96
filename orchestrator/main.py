"""`python -m orchestrator.main`: the command line, as `orchestrator` is."""

from orchestrator.cli.main import main

if __name__ == "__main__":
    main()

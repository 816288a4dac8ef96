CREATE DATABASE ledger OWNER orchestrator;

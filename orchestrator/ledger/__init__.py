"""The record of every run, goal, attempt and proof."""

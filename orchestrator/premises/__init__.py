"""Premises: the constants a goal can see, and which of them are likely to help."""

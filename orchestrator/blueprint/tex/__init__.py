"""The TeX of a blueprint, read as leanblueprint reads it."""

"""Which strategy is tried next: the bandit, and the order learned beforehand."""

"""From verified proofs to something a maintainer can merge: commits, a branch, a pull request."""

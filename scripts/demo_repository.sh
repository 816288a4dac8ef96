#!/usr/bin/env bash
# Make, or bring up to date, a git repository with the files of a folder: demo_repository.sh SOURCE TARGET
set -euo pipefail
source=$1
target=$2
mkdir -p "$target"
# Everything but the history is replaced, so that an edited example shows up and nothing else lingers.
find "$target" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
cp -R "$source/." "$target/"
cd "$target"
[ -d .git ] || git init --quiet
git add --all
if git diff --cached --quiet 2>/dev/null && git rev-parse --verify --quiet HEAD >/dev/null; then
  echo "    unchanged: $(git rev-parse --short HEAD)"
else
  git -c user.name=demo -c user.email=demo@example.invalid -c commit.gpgsign=false commit --quiet --message "The examples"
  echo "    committed: $(git rev-parse --short HEAD)"
fi

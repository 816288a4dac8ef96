"""A small program that speaks the REPL's protocol, and notes what it is asked in the file that its argument names.

Every `sorry` is a goal `True`. Of tactics it knows `die`, `hang`, `recovered` (an error behind which it goes on),
`step` (one more state) and `trivial`; others fail.
"""

import json
import os
import re
import sys
import time

log = open(sys.argv[1], "a", encoding="utf-8")  # noqa: SIM115 - until the process ends
made = states = 0
log.write("start\n")


def reply(value: dict) -> None:
    sys.stdout.write(json.dumps(value, indent=1) + "\n\n")
    sys.stdout.flush()


for block in iter(lambda: "".join(iter(sys.stdin.readline, "\n")), ""):
    request = json.loads(block)
    log.write(json.dumps(request) + "\n")
    log.flush()
    if "cmd" in request:
        text, sorries = request["cmd"], []
        for found in re.finditer("sorry", text):
            line, column = (
                text.count("\n", 0, found.start()) + 1,
                found.start() - text.rfind("\n", 0, found.start()) - 1,
            )
            start, end = {"line": line, "column": column}, {"line": line, "column": column + 5}
            sorries.append({"pos": start, "endPos": end, "goal": "⊢ True", "proofState": states})
            states += 1
        tactics = (
            [{**one, "goals": one["goal"], "tactic": "sorry"} for one in sorries] if request.get("allTactics") else []
        )
        reply({"env": made, **({"sorries": sorries} if sorries else {}), **({"tactics": tactics} if tactics else {})})
        made += 1
        continue
    tactic = request["tactic"].strip("()\n ")
    if tactic == "die":
        os._exit(1)
    if tactic == "hang":
        time.sleep(600)
    answers = {
        "trivial": {"goals": [], "proofStatus": "Completed"},
        "step": {"goals": ["⊢ True"], "proofStatus": "Incomplete: open goals remain"},
        "recovered": {
            "goals": ["⊢ True"],
            "proofStatus": "Incomplete: contains sorry",
            "messages": [{"severity": "error", "pos": {"line": 1, "column": 0}, "data": "unknown identifier"}],
        },
    }
    if tactic in answers:
        reply({"proofState": states, **answers[tactic]})
        states += 1
    else:
        reply({"message": "Lean error:\nno such tactic"})

#!/usr/bin/python3
"""guide.py GUIDE DIR: the commands of a guide, as files that a shell can run.

Each command of a fenced `sh` block becomes DIR/NNN.sh, with its line in the guide
in its first line, a comment. What a `text` block after it shows becomes
DIR/NNN.want, for the last command before it.

guide.py --shows WANT OUTPUT: is each line of WANT in OUTPUT, in that order? Digits
are any digits, and any space is one; a line may go on.
"""

import re
import sys


def commands(lines, first):
    """(line number, text) of each command: whole heredocs, continued lines."""
    here, text, begun = None, [], first
    for number, line in enumerate(lines, first):
        if not text:
            begun = number
        text.append(line)
        if here is None:
            found = re.search(r"<<'?(\w+)'?", line)
            here = found[1] if found else None
        elif line == here:
            here = None
        if here is None and not line.endswith("\\"):
            yield begun, "\n".join(text)
            text = []


def split(guide, folder):
    lines = open(guide, encoding="utf-8").read().split("\n")
    count, at = 0, 0
    while at < len(lines):
        fence = re.fullmatch(r"```(\w*)", lines[at])
        if not fence:
            at += 1
            continue
        end = lines.index("```", at + 1)
        block = lines[at + 1:end]
        if fence[1] == "sh":
            for number, text in commands(block, at + 2):
                count += 1
                with open(f"{folder}/{count:03}.sh", "w", encoding="utf-8") as f:
                    f.write(f"# {number}: {text.splitlines()[0]}\n{text}\n")
        elif fence[1] == "text":
            with open(f"{folder}/{count:03}.want", "w", encoding="utf-8") as f:
                f.write("\n".join(block) + "\n")
        at = end + 1


def plain(text):
    return [re.sub(r"\d+", "0", " ".join(line.split())) for line in text.splitlines()]


def shows(want, output):
    rest = iter(plain(open(output, encoding="utf-8", errors="replace").read()))
    for line in plain(open(want, encoding="utf-8").read()):
        if not any(line in has for has in rest):
            return False
    return True


if sys.argv[1] == "--shows":
    sys.exit(0 if shows(*sys.argv[2:]) else 1)
split(*sys.argv[1:])

"""What the source checks share: the project's files, and how they report."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True

SKIP_DIRS = {".git", "build", "build-asan", "build-clang", "build-tsan",
             "__pycache__"}


class Tree:
    """The files of a source tree, and the findings about them."""

    def __init__(self, root=None):
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.root = os.path.abspath(root or here)
        self.found = []
        self.looked_at = 0

    def files(self, *suffixes, under=""):
        """Paths relative to the root: tracked by git, or new and not ignored.
        Without git (a tarball, a test's sample) all that is not built."""
        names = self._git_files()
        if names is None:
            names = self._all_files()
        return [n for n in sorted(names)
                if n.startswith(under) and (not suffixes or n.endswith(suffixes))
                and os.path.isfile(os.path.join(self.root, n))]

    def _git_files(self):
        if not os.path.exists(os.path.join(self.root, ".git")):
            return None
        # The clone may belong to another user than root, who runs the tests.
        out = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z",
             "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, check=True).stdout
        return set(out.decode().split("\0")) - {""}

    def _all_files(self):
        for folder, dirs, names in os.walk(self.root):
            dirs[:] = [d for d in dirs if d not in SKIP_DIRS]
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def text(self, path):
        self.looked_at += 1
        with open(os.path.join(self.root, path), encoding="utf-8",
                  errors="replace") as f:
            return f.read()

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def bad(self, path, line, what):
        self.found.append(f"{path}:{line}: {what}" if line else f"{path}: {what}")

    def finish(self):
        """Tells the findings; the exit status. Nothing to look at is an error:
        a check that sees no file would pass for ever."""
        if not self.looked_at:
            print(f"{self.root}: no file to look at")
            return 2
        for line in self.found:
            print(line)
        return 1 if self.found else 0


def without_comments(text):
    """C source with comments blanked; line numbers stay, strings too."""
    out, i = [], 0
    while i < len(text):
        two = text[i:i + 2]
        if two == "/*":
            end = text.find("*/", i + 2)
            end = len(text) if end < 0 else end + 2
            out.append("".join("\n" if c == "\n" else " " for c in text[i:end]))
            i = end
        elif two == "//":
            end = text.find("\n", i)
            i = len(text) if end < 0 else end
        elif text[i] in "\"'":
            quote, end = text[i], i + 1
            while end < len(text) and text[end] not in (quote, "\n"):
                end += 2 if text[end] == "\\" else 1
            out.append(text[i:end + 1])
            i = end + 1
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# `tree.py SUFFIX...` names the files, for the checks that are shell scripts.
if __name__ == "__main__":
    print("\n".join(Tree().files(*sys.argv[1:])))

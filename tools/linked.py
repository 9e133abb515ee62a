"""What a program is linked with, and which Debian packages that is of."""

import os
import re
import subprocess
import sys


def run(*command, check=True):
    return subprocess.run(command, check=check, stdout=subprocess.PIPE,
                          stderr=None if check else subprocess.DEVNULL, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def libraries(program):
    """Paths of all that is loaded with it."""
    return re.findall(r"=> (/\S+)", run("ldd", program))


def names_of(path):
    """dpkg knows a file by the name it was installed under."""
    real = os.path.realpath(path)
    return [real, path, "/usr" + path, real.removeprefix("/usr")]


def packages_of(paths):
    """The package of each of these files, by its path. dpkg is asked once."""
    asked = sorted({name for path in paths for name in names_of(path)})
    owner = {}
    # it fails as soon as one name is unknown, and most are
    for line in run("dpkg-query", "-S", *asked, check=False).splitlines():
        package, _, name = line.partition(": ")
        owner[name] = package.split(",")[0]
    found = {}
    for path in paths:
        names = [name for name in names_of(path) if name in owner]
        if not names:
            sys.exit(f"{path} is of no package")
        found[path] = owner[names[0]]
    return found

"""Where a program can be made to fail: the table that fault.c keeps, read and written."""
import ctypes
import functools
import mmap
import os
import subprocess

SITES_MAX, MODULES_MAX, FRAMES_MAX = 16384, 64, 14
OFF, NOTE, FAIL = range(3)
FIRST, FORKED = 1, 2  # whose calls: the first process's, or those's that it forks
BOTH = FIRST | FORKED


class Module(ctypes.Structure):
    _fields_ = [("base", ctypes.c_uint64), ("begin", ctypes.c_uint64), ("end", ctypes.c_uint64),
                ("path", ctypes.c_char * 232)]


class Site(ctypes.Structure):
    _fields_ = [("key", ctypes.c_uint64), ("count", ctypes.c_uint32), ("n_frames", ctypes.c_uint32),
                ("roles", ctypes.c_uint32), ("name", ctypes.c_char * 24), ("module", ctypes.c_uint8 * 16),
                ("frames", ctypes.c_uint64 * FRAMES_MAX), ("order", ctypes.c_uint32)]


class Layout(ctypes.Structure):
    _fields_ = [("phase", ctypes.c_uint32), ("roles", ctypes.c_uint32), ("target", ctypes.c_uint64),
                ("failed", ctypes.c_uint32), ("n_sites", ctypes.c_uint32), ("lost", ctypes.c_uint32),
                ("n_modules", ctypes.c_uint32), ("modules", Module * MODULES_MAX), ("sites", Site * SITES_MAX)]


@functools.lru_cache(None)
def symbols(path):
    """[(address, name)] of a file's functions, by address."""
    run = subprocess.run(["nm", "-n", "--defined-only", path], capture_output=True, text=True, check=False)
    if not run.stdout:
        run = subprocess.run(["nm", "-n", "-D", "--defined-only", path], capture_output=True, text=True, check=False)
    rows = (line.split() for line in run.stdout.splitlines())
    return [(int(r[0], 16), r[2].partition("@")[0]) for r in rows if len(r) == 3 and r[1] in "tTwWi"]


def function(path, offset):
    name = "?"
    for at, symbol in symbols(path):
        if at >= offset:
            break
        name = symbol
    return name.partition(".")[0]


class Place:
    """One site, as it was noted."""

    def __init__(self, site, modules, program):
        self.key, self.name, self.order = site.key, site.name.decode(), site.order
        frames = [(modules[m] if m != 255 else "?", f)
                  for m, f in zip(site.module[:site.n_frames], site.frames[:site.n_frames])]
        self.ours = [f for m, f in frames if m == program]
        self.frames = frames

    def way(self):
        """From the call outwards."""
        names = [function(m, f) if m != "?" else "?" for m, f in self.frames]
        files = [os.path.basename(m).partition(".so")[0] for m, _ in self.frames]
        told = []
        for name, file in zip(names, files):
            one = name if name != "?" else file + "?"
            if not told or told[-1] != one:
                told.append(one)
        return " < ".join(told)

    def __str__(self):
        return f"{self.name} < {self.way()}"


class Table:
    def __init__(self, path, library, program):
        self.path, self.library, self.program = path, library, program
        with open(path, "wb") as f:
            f.truncate(ctypes.sizeof(Layout))
        os.chmod(path, 0o666)
        with open(path, "r+b") as f:
            self.at = Layout.from_buffer(mmap.mmap(f.fileno(), 0))

    def environment(self):
        """For who is to fail; what else it starts is left alone."""
        return dict(os.environ, LD_PRELOAD=self.library, FAULT_TABLE=self.path,
                    FAULT_PROGRAM=os.path.basename(self.program))

    def note(self, roles):
        """From now on sites are noted; those from before are forgotten."""
        self.at.phase = OFF
        ctypes.memset(ctypes.addressof(self.at) + Layout.sites.offset, 0, Layout.sites.size)
        self.at.n_sites = self.at.lost = 0
        self.at.roles, self.at.phase = roles, NOTE

    def fail(self, place, roles):
        self.at.phase = OFF
        self.at.target, self.at.failed, self.at.roles = place.key, 0, roles
        self.at.phase = FAIL

    def off(self):
        """No more. True: one has failed."""
        self.at.phase = OFF
        return self.at.failed > 0

    def places(self):
        """Those noted, in the order of their first call."""
        if self.at.lost:
            raise OverflowError(f"{self.at.lost} calls found no place in the table of sites")
        modules = [m.path.decode() or self.program for m in self.at.modules[:self.at.n_modules]]
        found = [Place(s, modules, self.program) for s in self.at.sites if s.key]
        return sorted(found, key=lambda p: p.order)


def spread(places):
    """In an order of which any beginning has something of everything: first one of each call
    from each line of the program's own, then another of each ..."""
    rounds, seen = {}, {}
    for p in places:
        of = (p.name, p.ours[0] if p.ours else None)
        seen[of] = seen.get(of, -1) + 1
        rounds.setdefault(seen[of], []).append(p)
    return [p for _, some in sorted(rounds.items()) for p in some]

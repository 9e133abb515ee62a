#!/usr/bin/python3
"""A program on a terminal, for tests: screen.py ROWS COLUMNS COMMAND...

Reads a line each and answers "yes" or "no":

  shows REGEX    the screen shows it, now or within 15 s (lines end with \\n)
  hides REGEX    it does not, now or within 15 s
  send KEYS      with the escapes of a string of Python
  size ROWS COLUMNS
  signal NAME    to the program: STOP, TERM, ...
  save FILE      the screen, as text
  ended STATUS   it ended with that, within 15 s, and gave the screen back
"""
import codecs, fcntl, os, pty, re, select, signal, struct, sys, termios, time

import pyte

# Unbuffered: what is left of it is what select() sees.
sys.stdin = open(0, "rb", buffering=0)
rows, columns = int(sys.argv[1]), int(sys.argv[2])


class Screen(pyte.Screen):
    """What pyte leaves out: a region is scrolled from anywhere."""

    def scroll(self, change, n):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        change(n)
        self.cursor.x, self.cursor.y = x, y

    def scroll_up(self, n=1):
        self.scroll(self.delete_lines, n)

    def scroll_down(self, n=1):
        self.scroll(self.insert_lines, n)


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, S="scroll_up", T="scroll_down")
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}


screen = Screen(columns, rows)
stream = Stream(screen)
seen = b""
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])


def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    screen.resize(rows, columns)


def read_some(seconds):
    """False: there is nothing more to come."""
    global seen
    if not select.select([terminal], [], [], seconds)[0]:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    seen = (seen + data)[-65536:]
    stream.feed(data)
    return bool(data)


def soon(condition):
    end = time.monotonic() + 15
    while not condition():
        left = end - time.monotonic()
        if left <= 0 or not read_some(min(left, 0.5)):
            return condition()
    return True


def text():
    return "\n".join(line.rstrip() for line in screen.display) + "\n"


def ended(status):
    while read_some(15):
        if not select.select([terminal], [], [], 15)[0]:
            return False
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status and b"\x1b[?1049l" in seen


def run(word, rest):
    if word == "shows":
        return soon(lambda: re.search(rest, text(), re.M))
    if word == "hides":
        return soon(lambda: not re.search(rest, text(), re.M))
    if word == "send":
        os.write(terminal, codecs.decode(rest, "unicode_escape").encode())
    elif word == "size":
        resize(*map(int, rest.split()))
    elif word == "signal":
        os.kill(pid, getattr(signal, "SIG" + rest))
    elif word == "save":
        while select.select([terminal], [], [], 0)[0] and read_some(0):
            pass
        with open(rest, "w") as f:
            f.write(text())
    elif word == "ended":
        return ended(int(rest))
    return True


def next_line():
    """What the program writes meanwhile is read, or it would stand still."""
    waiting = [sys.stdin, terminal]
    while True:
        ready = select.select(waiting, [], [])[0]
        if sys.stdin in ready:
            return sys.stdin.readline()
        if not read_some(0):
            waiting.remove(terminal)


resize(rows, columns)
while line := next_line():
    word, _, rest = line.decode().rstrip("\n").partition(" ")
    print("yes" if run(word, rest) else "no", flush=True)

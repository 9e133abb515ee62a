"""What is tried: a program's start, and what a running one is asked, each with one call that fails."""
import os
import re
import select
import signal
import subprocess
import time

import sites

LIMIT_S = 60  # far more than anything needs: who is not done then hangs
CRASHED = re.compile(r"^crash: |worker died|watchdog: |BUG|Assertion|double free|corrupt", re.M)


def until(ask, seconds=LIMIT_S):
    """What ask() gives, once that is something; None: it was nothing for so long."""
    end = time.monotonic() + seconds
    while not (got := ask()) and time.monotonic() < end:
        select.select([], [], [], 0.005)
    return got or None


def kernel_objects(*folders):
    """Pins, namespaces and sockets that are there."""
    found = set()
    for top in ("/sys/fs/bpf", "/run/netns") + folders:
        for at, inside, names in os.walk(top):
            found.update(os.path.join(at, n) for n in inside + names
                         if top not in folders or n.endswith(".sock"))
    return found


class Program:
    """One that runs, and what it says."""

    def __init__(self, command, log, env):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)

    def ended(self):
        return self.process.poll() is not None

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def crashed(self):
        m = CRASHED.search(self.said())
        return m and self.said()[m.start():].splitlines()[0]

    def end(self):
        """None, or what is wrong about how it does."""
        if not self.ended():
            self.process.terminate()
        try:
            status = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "does not end when it is told to"
        return None if status == 0 else f"ends with {status} when it is told to"


class Start:
    """A program's start. A subclass says what it is (command, is_ready, wrong, folders)."""

    roles = sites.BOTH
    started = False  # was it ready, the last time

    def __init__(self, world, table):
        self.world, self.table = world, table

    def sites(self):
        self.table.note(self.roles)
        problem = self.once()
        self.table.off()
        if problem or not self.started:
            with open(self.world.log, encoding="utf-8") as f:
                raise AssertionError(f"without any fault: {problem or 'it does not start'}: {f.read()}")
        return self.table.places()

    def attempt(self, place):
        """(whether it failed, what is wrong or None)"""
        self.table.fail(place, self.roles)
        problem = self.once()
        return self.table.off(), problem

    def once(self):
        before = kernel_objects(*self.folders())
        program = Program(self.command(), self.world.log, self.table.environment())
        there = until(lambda: program.ended() or self.is_ready())
        self.table.at.phase = sites.OFF
        ended, problem = program.ended(), None
        self.started = there and not ended
        if not there:
            problem = "hangs"
            program.process.send_signal(signal.SIGKILL)
            program.process.wait()
        elif ended:
            status = program.process.returncode
            if status < 0:
                problem = f"dies of signal {-status}"
            elif status == 0:
                problem = "does not start, and ends with 0"
            elif not program.said().strip():
                problem = "ends without a word"
        else:
            problem = self.wrong()
        problem = program.crashed() or problem
        if there and not ended:
            problem = problem or program.end()
            program.end()
        self.after()
        left = kernel_objects(*self.folders()) - before - self.may_stay()
        return problem or (left and f"leaves {', '.join(sorted(left))}")

    def after(self):
        pass

    def may_stay(self):
        return set()


class Asked:
    """What a running program is asked to change. A subclass says what it is: start(), end(),
    state(), actions [(name, do, undo)], log_problem()."""

    roles = sites.BOTH

    def __init__(self, world, table):
        self.world, self.table = world, table
        self.places = []

    def do(self, action):
        """None, or the text of who refused it."""
        return action()

    def sites(self):
        found = []
        for action in self.actions():
            self.do(action.undo)  # of a first time: not everything was there
            before = self.state()
            self.table.note(self.roles)
            problem = self.do(action.do)
            self.table.off()
            if problem:
                raise AssertionError(f"without any fault: {action.name}: {problem}")
            action.old, action.new = before, self.state()
            for p in self.table.places():
                p.action = action
                found.append(p)
            self.back(action)
        return found

    def back(self, action):
        problem = self.do(action.undo)
        if problem:
            raise AssertionError(f"cannot undo {action.name}: {problem}")

    def attempt(self, place):
        action = place.action
        self.table.fail(place, self.roles)
        refused = self.do(action.do)
        failed = self.table.off()
        wrong = self.program_wrong()
        if wrong:
            self.restart()
            return failed, wrong
        state = self.state()
        if refused and refused.startswith("not built: "):
            # it is asked for, and is not in force
            state = {k: action.old.get(k) if v is None else v for k, v in state.items()}
        if state not in (action.old, action.new):
            wrong = f"neither old nor new: {different(state, action.old, action.new)}"
        elif refused is None and state != action.new:
            wrong = "said to be done, and is not"
        elif refused is not None and state != action.old and refused != "":
            wrong = f"refused, but done: {refused}"
        try:
            again = state != action.new and self.do(action.do)
            if again:
                wrong = wrong or f"then refused without a fault: {again}"
            elif self.state() != action.new:
                wrong = wrong or f"then not done: {different(self.state(), action.old, action.new)}"
            self.back(action)
            if self.state() != action.old:
                wrong = wrong or f"then not undone: {different(self.state(), action.new, action.old)}"
        except AssertionError as e:
            wrong = wrong or str(e)
        if wrong:
            self.restart()
        return failed, wrong

    def restart(self):
        self.end()
        self.start()


class Action:
    def __init__(self, name, do, undo):
        self.name, self.do, self.undo = name, do, undo
        self.old = self.new = None


def different(state, old, new):
    """Where a state is another than both; short."""
    for what in new:
        if state is None or state.get(what) not in (old.get(what), new[what]):
            return f"{what} is {str(state and state.get(what))[:300]}"
    for what in new:
        if state.get(what) != new[what]:
            return f"only some is new; not {what}"
    return "another"

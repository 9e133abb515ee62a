#!/bin/bash
# tools/check counts what it should, and lets nothing pass unseen.
. "$(dirname "$0")/lib.sh"

check() { "$SRC/tools/check" --root "$sample" -t 20 "$@"; }

script() { # a test of the sample tree, its text on stdin
    { echo '#!/bin/bash'; cat; } | write tests/lint/a.sh
    chmod +x "$sample/tests/lint/a.sh"
}
wanted() { # NAME LAST-LINE: runs; the exit status must fit the last line too
    local output status=0 want=1
    output=$(check lint 2>&1) || status=$?
    [[ $2 != *" 0 failed"* ]] || want=0
    [ "$(tail -n 1 <<<"$output")" = "$2" ] && [ "$status" = "$want" ]
    point $? "$1"
    [ "$status" = "$want" ] || comment <<<"exit $status: $output"
}

script <<<$'echo 1..2; echo ok 1 - a; echo ok 2 - b'
wanted "all well" "2 passed, 0 failed, 0 skipped"
script <<<$'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'
wanted "a failed point" "1 passed, 1 failed, 0 skipped"
script <<<$'echo 1..2; echo not ok 1 - a; echo ok 2 - b'
wanted "a failed point and exit 0" "1 passed, 1 failed, 0 skipped"
script <<<$'echo 1..2; echo ok 1 - a; echo "ok 2 - b # SKIP no vsock"'
wanted "a skipped point" "1 passed, 0 failed, 1 skipped"
script <<<$'echo 1..1; echo "not ok 1 # SKIP b"'
wanted "a skipped point as cmocka writes it" "0 passed, 0 failed, 1 skipped"
script <<<$'echo "1..0 # SKIP probe act_pedit: not there"'
wanted "a skipped file" "0 passed, 0 failed, 1 skipped"
check lint | grep -q 'lint/a: probe act_pedit: not there'
point $? "its reason is told"
script <<<$'echo 1..3; echo ok 1 - a; echo "# before"; echo not ok 2 - b; echo "# behind"; echo ok 3 - c; echo "# late"'
check lint | tail -n 5 | head -n 4 | grep -v late | tr -d ' ' | tr '\n' ' ' | grep -q '^failed: lint/a:notok2-b lint/a:#before lint/a:#behind $'
point $? "of a failed point the last lines tell what was said around it"
script <<<$'echo 1..0'
wanted "a file skipped without a reason" "0 passed, 1 failed, 0 skipped"
script <<<$'echo ok 1 - a'
wanted "no plan" "1 passed, 1 failed, 0 skipped"
script <<<''
wanted "no output" "0 passed, 1 failed, 0 skipped"
script <<<$'echo 1..3; echo ok 1 - a'
wanted "fewer points than planned" "1 passed, 1 failed, 0 skipped"
script <<<$'echo 1..1; echo ok 1 - a; echo ok 2 - b'
wanted "more points than planned" "2 passed, 1 failed, 0 skipped"
script <<<$'echo 1..2; echo ok 1 - a; echo ok 1 - a'
wanted "the same point twice" "2 passed, 1 failed, 0 skipped"
script <<<$'echo 1..1; echo ok 1 - a; kill -SEGV $$'
wanted "a crash" "1 passed, 1 failed, 0 skipped"
script <<<$'echo 1..1; echo ok 1 - a; exit 3'
wanted "an exit status without a failed point" "1 passed, 1 failed, 0 skipped"
script <<<$'echo 1..1; echo ok 1 - a; echo "Bail out! no disk"'
wanted "bail out" "1 passed, 1 failed, 0 skipped"
# The runner's own deadline; the test would wait for ever, its trap must run.
script <<'S'
trap 'touch "$SRC/cleaned"; exit 1' TERM
echo 1..1; echo ok 1 - a
tail -f /dev/null & wait
S
output=$("$SRC/tools/check" --root "$sample" -t 1 lint 2>&1)
[ "$(tail -n 1 <<<"$output")" = "1 passed, 1 failed, 0 skipped" ] &&
    grep -q 'ran out of time' <<<"$output"
point $? "out of time"
[ -e "$sample/cleaned" ]
point $? "out of time: its trap has run"

script <<<$'echo 1..1; echo ok 1 - a; tail -f /dev/null & echo $! >"$SRC/pid"'
wanted "a process left behind" "1 passed, 1 failed, 0 skipped"
! grep -q '^State:[[:space:]][^ZX]' "/proc/$(cat "$sample/pid")/status" 2>/dev/null
point $? "a process left behind is ended"
script <<'S'
echo 1..1; echo ok 1 - a
python3 -c '
import os, time
child = os.fork()
if child == 0:
    os._exit(0)
os.setpgid(0, 0)
print(os.getpid(), file=open(os.environ["SRC"] + "/pid", "w"), flush=True)
time.sleep(60)' &
while [ ! -s "$SRC/pid" ]; do sleep 0.02; done
S
rm "$sample/pid"
wanted "one that has ended and that nobody waited for" "1 passed, 0 failed, 0 skipped"
kill "$(cat "$sample/pid")"

script <<<$'echo 1..1; echo ok 1 - a; ./a.out 2>/dev/null; true'
gcc -g -fsanitize=address -x c -o "$sample/a.out" - <<'S'
#include <stdlib.h>
int main(void)
{
	volatile char *p = malloc(1);
	free((void *)p);
	return p[0];
}
S
wanted "a sanitizer's finding nobody looked at" "1 passed, 1 failed, 0 skipped"

# What fails beside others and passes alone: by a file that its first run leaves.
script <<'S'
echo 1..2
echo ok 1 - a
[ -e "$SRC/$(basename "$TEST_DIR").was" ] && echo ok 2 - b || echo not ok 2 - b
touch "$SRC/$(basename "$TEST_DIR").was"
S
wanted "one that passes the second time" "2 passed, 0 failed, 0 skipped"
rm "$sample"/*.was
check lint >"$sample/out" 2>&1
[ "$(tail -n 3 "$sample/out" | head -n 2)" = $'passed only alone, wants to be mended:\n     lint/a: not ok 2 - b' ] &&
    grep -qx 'not ok 2 - b' "$sample/build/check/lint-a.first.log" && ! grep -q '^not' "$sample/build/check/lint-a.log"
point $? "it is told in the last lines, and both outputs are kept"
script <<<$'echo 1..1; echo not ok 1 - a'
check lint >"$sample/out" 2>&1
[ "$(tail -n 3 "$sample/out" | head -n 2)" = $'failed:\n     lint/a: not ok 1 - a' ] && [ "$(grep -c '^FAIL' "$sample/out")" = 2 ]
point $? "one that fails twice has failed, and the last lines tell what"
for name in b c d e f g; do cp "$sample/tests/lint/a.sh" "$sample/tests/lint/$name.sh"; done
check lint >"$sample/out" 2>&1
[ "$(grep -c '^FAIL' "$sample/out")" = 7 ]
point $? "where many fail, none is run again"
rm "$sample"/tests/lint/[b-g].sh
script <<<$'echo 1..1; echo not ok 1 - a; kill -SEGV $$'
check lint >"$sample/out" 2>&1
[ "$(grep -c '^FAIL' "$sample/out")" = 1 ]
point $? "nor one that dies"

script <<<'echo 1..1; echo ok 1'
chmod -x "$sample/tests/lint/a.sh"
wanted "a test that cannot be run" "0 passed, 2 failed, 0 skipped"
fresh
wanted "no tests at all" "0 passed, 1 failed, 0 skipped"
flags "a test that does not exist" 'no such test' check lint/gone
flags "a kind that does not exist" 'no such kind' check gone
script <<<'echo 1..1; echo ok 1'
write tests/lint/lib.sh <<<'exit 1'
passes "lib.sh is no test; one test by its name" check lint/a
mkdir -p "$sample/tests/tsan"
cp "$sample/tests/lint/a.sh" "$sample/tests/tsan/b.sh"
passes "a kind of built programs may have scripts beside them" check tsan/b
# A fuzz target and a test that comes later in the order, each waits for the other.
for kind in fuzz pcap; do
    write tests/$kind/a.sh <<'S'
#!/bin/bash
me=${TEST_DIR##*/}
touch "$SRC/$me.there"
for ((i = 0; i < 1000; i++)); do
    [ -e "$SRC/fuzz-a.d.there" ] && [ -e "$SRC/pcap-a.d.there" ] && break
    read -rt 0.02 <> <(:)
done
echo 1..1
[ $i -lt 1000 ] && echo ok 1 || echo not ok 1
S
    chmod +x "$sample/tests/$kind/a.sh"
done
check fuzz pcap | tail -n 1 | grep -q '^2 passed, 0 failed'
point $? "fuzz targets run beside the others"
sed -i 's/fuzz-a/pcap-b/' "$sample/tests/pcap/a.sh"
cp "$sample"/tests/pcap/{a,b}.sh
rm "$sample"/*.there
check pcap | tail -n 1 | grep -q '^2 passed, 0 failed'
point $? "two tests run at a time"
# What a and b share is there once: a keeps it until c has been there.
write tests/pcap/a.sh <<'S'
#!/bin/bash
# Shares: door table
echo 1..1
mkdir "$SRC/table" && echo ok 1 || echo not ok 1
for ((i = 0; i < 500; i++)); do
    [ -e "$SRC/c.there" ] && break
    read -rt 0.02 <> <(:)
done
[ $i -lt 500 ] || echo "Bail out! c does not come"
rmdir "$SRC/table"
S
sed 's/door table/table/' "$sample/tests/pcap/a.sh" >"$sample/tests/pcap/b.sh"
write tests/pcap/c.sh <<'S'
#!/bin/bash
touch "$SRC/c.there"
echo 1..1
echo ok 1
S
chmod +x "$sample/tests/pcap/c.sh"
check pcap | tail -n 1 | grep -q '^3 passed, 0 failed'
point $? "but not two that share something: others go first"
rm "$sample"/tests/pcap/[bc].sh
write tests/pkg/a.sh <<'S'
#!/bin/bash
echo 1..1
echo ok 1
S
chmod +x "$sample/tests/pkg/a.sh"
check pkg | tail -n 1 | grep -q '^1 passed, 0 failed' && ! check 2>&1 | grep -q pkg
point $? "packages are looked at if they are named, not else"
write of/meson.build <<'M'
project('sample')
test('a', find_program('a.sh'), suite: 'unit')
M
write of/a.sh <<'S'
#!/bin/bash
echo 1..1
[ "$RUN_BY" = it ] && echo ok 1
S
write by <<'S'
#!/bin/bash
RUN_BY=it exec "$@"
S
chmod +x "$sample/of/a.sh" "$sample/by"
meson setup "$sample/built" "$sample/of" >"$sample/out" 2>&1 &&
    check --unit "$sample/built" --by "$sample/by" unit 2>&1 | tail -n 1 | grep -q '^1 passed, 0 failed' &&
    [ -s "$sample/built/check/unit-a.log" ]
point $? "the unit tests of another tree are run by what is said"
write tests/pcap/a.sh <<'S'
#!/bin/bash
until [ -e "$SRC/trapped" ]; do read -rt 0.02 <> <(:); done
kill -TERM $PPID
tail -f /dev/null
S
write tests/fuzz/a.sh <<'S'
#!/bin/bash
trap 'touch "$SRC/ended"; exit 1' TERM
touch "$SRC/trapped"
tail -f /dev/null & wait
S
chmod +x "$sample"/tests/*/a.sh
check fuzz pcap >"$sample/out" 2>&1
[ $? = 143 ] && [ -e "$sample/ended" ]
point $? "a stopped run ends these, too"
write tests/pcap/a.sh <<'S'
#!/bin/bash
trap 'read -rt 1 <> <(:); touch "$SRC/ended-alone"; exit 1' TERM
kill -TERM $PPID
tail -f /dev/null & wait
S
check pcap >"$sample/out" 2>&1
[ $? = 143 ] && [ -e "$sample/ended-alone" ]
point $? "and waits for one that runs alone, and takes a while to end"
finish

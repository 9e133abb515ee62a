#!/bin/bash
# `tools/fuzz run` keeps what is found, tells of it, and fails; `corpus` looks for
# as long as it says, and fails when it has not looked.
. "$(dirname "$0")/lib.sh"

program() { # NAME, its text on stdin
    write "tests/fuzz/fuzz_$1.c" </dev/null
    write "build-clang/tests/fuzz/fuzz_$1"
    chmod +x "$sample/build-clang/tests/fuzz/fuzz_$1"
}

tree() {
    fresh
    write tools/fuzz <"$SRC/tools/fuzz"
    chmod +x "$sample/tools/fuzz"
    program good <<'S'
#!/bin/bash
[[ " $* " = *" -max_total_time=600 "* ]]
S
}

tree
passes "nothing found" "$sample/tools/fuzz" run
# What libFuzzer does when an input crashes its target.
program bad <<'S'
#!/bin/bash
for a; do case $a in -artifact_prefix=*) echo x >"${a#*=}crash-1" ;; esac; done
exit 77
S
flags "a crash is kept, and told how to see it again" \
    'again by build-clang/tests/fuzz/fuzz_bad build-clang/fuzz/bad-crash-1' \
    "$sample/tools/fuzz" run
flags "the other targets run all the same" '== good, 600 s' \
    "$sample/tools/fuzz" run bad good
flags "how many have findings" '2 targets, 1 with findings' \
    "$sample/tools/fuzz" run
flags "a target that is not there" 'worse: no such target' \
    "$sample/tools/fuzz" run worse

tree
write tests/fuzz/corpus/short/one <<<1
program short <<'S'
#!/bin/bash
[[ " $* " = *" -max_total_time=9 "* ]] && echo "stat::number_of_executed_units: 7"
true
S
passes "a corpus, and mutations for as long as was said" \
    env FUZZ_CHECK_SECONDS=9 "$sample/tools/fuzz" corpus build-clang/tests/fuzz/fuzz_short
flags "or so many of them" 'ok 2 - no mutations' \
    env FUZZ_RUNS=9 "$sample/tools/fuzz" corpus build-clang/tests/fuzz/fuzz_short
program short <<'S'
#!/bin/bash
echo "stat::number_of_executed_units: 1"
S
flags "none but the corpus itself" 'not ok 2 - 1 mutations' \
    "$sample/tools/fuzz" corpus build-clang/tests/fuzz/fuzz_short
finish

# Of the tests that look at the web UI in a browser. Sourced.
#
#   this script ── node X.mjs ── Chromium (Debian's, by playwright-core)
#                        └────── who answers: web/dev/server.mjs, or weir-api
#
# A test's points are printed by its .mjs; screenshots and logs stay in TEST_DIR.
set -u
chromium=$(command -v chromium) || { echo "1..0 # SKIP chromium is not installed"; exit 0; }
node --version >/dev/null 2>&1 || { echo "1..0 # SKIP node is not installed"; exit 0; }
"$SRC/tools/web" >"$TEST_DIR/build.log" 2>&1 || {
    echo "Bail out! tools/web cannot build the pages"
    cat "$TEST_DIR/build.log"
    exit 1
}
export CHROMIUM=$chromium WEB="$SRC/build/web"
# A home of its own: nothing of whoever runs the tests is read or written.
export HOME="$TEST_DIR/home" XDG_CONFIG_HOME="$TEST_DIR/home" XDG_CACHE_HOME="$TEST_DIR/home"
mkdir -p "$HOME"

# The addresses and sizes of the sanitizers are nothing for Chromium and node.
run() { env -u ASAN_OPTIONS -u UBSAN_OPTIONS -u TSAN_OPTIONS node "$SRC/tests/web/$1.mjs" "${@:2}"; }

#!/bin/bash
# What `make install` puts beside the programs is where it belongs, and is right:
# the unit, the configuration and its man page, completion in both shells.
. "$(dirname "$0")/lib.sh"
root=$TEST_DIR/root
prefix=$(build_option "$BUILD" prefix)
etc=$(build_option "$BUILD" sysconfdir)
case $etc in # a tree may be configured otherwise
/*) etc=$root$etc ;;
*) etc=$root$prefix/$etc ;;
esac
to=$root$prefix

install_all() {
    meson install -C "$BUILD" --no-rebuild --quiet --destdir "$root" >"$out" 2>&1
}

# --- install ---------------------------------------------------------------

install_all
point $? "make install works below DESTDIR" "$out"
missing=
for file in "$to"/bin/weir "$to"/sbin/weir-{dp,api,export} "$etc"/weir/{weir,api,export}.yaml \
    "$to"/lib/systemd/system/weir-{agent,api,export}.service "$to"/share/doc/weir/{export,guide,install,policy,rules,applications}.md "$to"/lib/sysusers.d/weir.conf \
    "$to"/share/weir/openapi.yaml "$to"/share/weir/grafana/weir.json \
    "$to"/share/man/man{1/weir.1,1/weir-fleet.1,5/weir.yaml.5,5/weir-policy.5,8/weir-agent.8,8/weir-api.8,8/weir-doctor.8,8/weir-dp.8,8/weir-export.8} \
    "$to"/share/bash-completion/completions/weir "$to"/share/zsh/site-functions/_weir; do
    [ -s "$file" ] || missing="$missing $file"
done
echo "missing:$missing" >"$out"
[ -z "$missing" ]
point $? "all files are there" "$out"

# debhelper stops where one is in no package; web is built apart (tools/web)
python3 - "$SRC/packaging/debian" "$to" "$etc" >"$out" <<'P'
import fnmatch, glob, os, sys
debian, to, etc = sys.argv[1:]
patterns = [line.split()[0] for path in glob.glob(debian + "/*.install") for line in open(path)]
def files(folder, place):
    for at, _, names in os.walk(folder):
        for name in names:
            yield os.path.normpath(os.path.join(place, os.path.relpath(at, folder), name))
def place(name):  # there units are not below /usr
    return name.replace("usr/lib/systemd/", "lib/systemd/")
all_files = {place(f) for f in files(to, "usr") if not f.startswith("usr/etc/")} | set(files(etc, "etc"))
def has(pattern, name):
    return fnmatch.fnmatch(name, pattern) or name.startswith(pattern + "/")
for name in sorted(all_files):
    if not any(has(p, name) for p in patterns):
        print("in no package:", name)
for p in patterns:
    if p != "usr/share/weir/web" and not any(has(p, name) for name in all_files):
        print("nothing is there:", p)
P
[ $? = 0 ] && ! [ -s "$out" ]
point $? "each is in a Debian package, and there is nothing else in them" "$out"

echo "log: warn" >"$etc/weir/weir.yaml"
install_all && [ "$(cat "$etc/weir/weir.yaml")" = "log: warn" ]
point $? "a configuration that is there is kept" "$out"

# a prefix that is set takes sysconfdir back to what fits it
make -C "$SRC" --no-print-directory -n install 2>&1 | grep 'meson configure' >"$out"
grep -q -- '--prefix=.* --sysconfdir=/etc\b' "$out"
point $? "make install says where the configuration is read" "$out"

# --- unit ------------------------------------------------------------------

for name in weir-agent weir-api weir-export; do
    unit=$to/lib/systemd/system/$name.service
    if command -v systemd-analyze >/dev/null; then
        # the program itself and its manual need not be installed here
        sed "s|^ExecStart=[^ ]*|ExecStart=/bin/true|; /^Documentation=/d" "$unit" \
            >"$TEST_DIR/$name.service"
        systemd-analyze verify "$TEST_DIR/$name.service" >"$out" 2>&1 &&
            ! grep $name "$out"
        point $? "systemd understands every line of $name's unit" "$out"
    else
        skip "systemd understands every line of $name's unit" "no systemd-analyze"
    fi
    grep -qx "ExecStart=$prefix/sbin/$name" "$unit" && [ -x "$to/sbin/$name" ]
    point $? "it starts what was installed" "$unit"
done

# --- manual and configuration ------------------------------------------------

bad=
for page in "$to"/share/man/man*/*; do
    man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null | grep . >>"$out" &&
        bad="$bad $page"
done
[ -z "$bad" ]
point $? "man pages are without warnings" "$out"

"$BUILD/src/agent/weir-agent" --check --config "$SRC/packaging/weir.yaml" >"$out" 2>&1
point $? "the agent takes the example" "$out"
sed 's/^# \([a-z]\)/\1/' "$SRC/packaging/api.yaml" | grep -v '^[A-Z]' >"$TEST_DIR/api.yaml"
"$BUILD/src/api/weir-api" --check --config "$SRC/packaging/api.yaml" >"$out" 2>&1 &&
    "$BUILD/src/api/weir-api" --check --config "$TEST_DIR/api.yaml" >"$out" 2>&1 && grep -q '^tls: ' "$TEST_DIR/api.yaml"
point $? "weir-api takes its example, also with all that is commented out" "$out"
"$BUILD/src/export/weir-export" --check --config "$SRC/packaging/export.yaml" >"$out" 2>&1
point $? "weir-export takes its example" "$out"

# keys of the example, "data_plane.workers", against those of the manual
python3 - "$SRC" >"$out" 2>&1 <<'P'
import re, sys
src = sys.argv[1]
example, section = set(), ""
for line in open(src + "/packaging/weir.yaml"):
    m = re.match(r"(#?)( *)#?(\w+):(.*)", line)
    if not m or m[2].startswith("   "):
        continue
    if not m[2]:
        section = m[3] if not m[4].strip() and m[3] != "runtimes" else ""
        if not section:
            example.add(m[3])
    elif section:
        example.add(section + "." + m[3])
page = open(src + "/docs/man/weir.yaml.5.scd").read()
keys = page[page.index("# KEYS"):page.index("# EXAMPLES")]
told = {k for line in re.findall(r"^(\*.*)$", keys, re.M)
        for k in re.findall(r"\*([\w.]+)\*", line)}
print("only in weir.yaml:", example - told, "only in the manual:", told - example)
sys.exit(example != told or not example)
P
point $? "weir.yaml and its manual have the same keys" "$out"

# --- completion --------------------------------------------------------------

complete_bash() { # WORD...: what is offered for the last one
    bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _weir
        printf "%s " "${COMPREPLY[@]}"' - "$to/share/bash-completion/completions/weir" "$@"
}
offers() { # WANT WORD...
    local got
    got=$(complete_bash "${@:2}")
    echo "${*:2}: wanted '$1', got '$got'" >>"$out"
    [ "$got" = "$1" ]
}
: >"$out"
offers "divert " weir div && offers "up " weir splice u && offers "bash zsh " weir completion "" &&
    offers "json " weir dp flows -o j && offers " " weir release x
point $? "bash completes commands, their words and formats" "$out"

"$weir" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | sort >"$TEST_DIR/commands"
complete_bash weir "" | tr ' ' '\n' | grep . | sort | diff - "$TEST_DIR/commands" >"$out"
point $? "it offers what weir help lists" "$out"

if command -v zsh >/dev/null; then
    # the completion system's functions, replaced by ones that print
    zsh -fc '_describe() { print -l -- ${(P)2} }; compadd() { print -l -- "$@" }
        _files() { print files }
        words=("${@:2}") CURRENT=$#words
        . $1' zsh "$to/share/zsh/site-functions/_weir" weir splice "" >"$out" 2>&1 &&
        grep -qx show "$out" && grep -qx files "$out"
    point $? "zsh completes a command's words" "$out"
    zsh -fc '_describe() { print -l -- ${(P)2} }; words=(weir "") CURRENT=2
        . $1' zsh "$to/share/zsh/site-functions/_weir" >"$out" 2>&1
    grep -qx "splice:divert a workload's port through an agent namespace" "$out"
    point $? "and tells what commands do" "$out"
else
    skip "zsh completes a command's words" "no zsh"
    skip "and tells what commands do" "no zsh"
fi

"$weir" completion >"$out" 2>&1
[ $? = 2 ] && grep -q "bash or zsh" "$out" && "$weir" completion --help | grep -q Examples
point $? "another shell is refused" "$out"
finish

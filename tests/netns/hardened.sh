#!/bin/bash
# The programs as they are shipped are built so that a mistake in them is harder to
# make use of.
. "$(dirname "$0")/lib.sh"

for program in src/dp/weir-dp src/agent/weir-agent src/api/weir-api src/export/weir-export src/cli/weir; do
    of=$BUILD_RELEASE/$program
    name=${program##*/}
    LC_ALL=C readelf -hlWd "$of" >"$out" 2>&1
    grep -q 'Type: *DYN (Position-Independent' "$out"
    point $? "$name: its place in memory is another each time" "$out"
    grep -q 'GNU_RELRO' "$out" && grep -q 'BIND_NOW\|Flags: .*NOW' "$out"
    point $? "$name: what is linked cannot be changed" "$out"
    grep 'GNU_STACK' "$out" | grep -q ' RW '
    point $? "$name: its stack is not executed" "$out"
    LC_ALL=C readelf -sW "$of" >"$out" 2>&1
    grep -q ' __stack_chk_fail@' "$out"
    point $? "$name: a stack that is overrun is seen" "$out"
    grep -q ' __[a-z]*_chk@' "$out"
    point $? "$name: so are the library's copies" "$out"
    if [ "$(uname -m)" = x86_64 ]; then
        # of the program's own objects; a library's may lack it
        objdump -d --no-show-raw-insn "$of" 2>>"$TEST_DIR/log" | grep -q endbr64
        point $? "$name: calls and jumps land where they may" "$TEST_DIR/log"
    fi
    ! grep -qaF "$SRC/" "$of"
    point $? "$name: it does not say where it was built"
done

sbom() { "$SRC/tools/sbom" "$BUILD_RELEASE" "$TEST_DIR/$1" >"$out" 2>&1; }
sbom a.json && sbom b.json && cmp "$TEST_DIR/a.json" "$TEST_DIR/b.json"
point $? "what they are made of is told, twice the same" "$out"
python3 - "$TEST_DIR/a.json" "$SRC/web/package-lock.json" >"$out" 2>&1 <<'P'
import json, sys
bom, lock = (json.load(open(p)) for p in sys.argv[1:])
assert bom["bomFormat"] == "CycloneDX" and bom["specVersion"] == "1.5"
refs = [c["bom-ref"] for c in bom["components"]]
assert len(refs) == len(set(refs))
links = {d["ref"]: d["dependsOn"] for d in bom["dependencies"]}
assert set(links) == {"weir", "weir-agent", "weir-api", "weir-dp", "weir-export"}
assert all(r in refs for of in links.values() for r in of)
assert any("/libhyperscan" in r or "/libvectorscan" in r for r in links["weir-dp"]), links["weir-dp"]
assert any("/libmicrohttpd" in r for r in links["weir-api"])
assert not any("/libmicrohttpd" in r for r in links["weir-dp"])
npm = [c for c in bom["components"] if c["purl" if "purl" in c else "name"].startswith("pkg:npm/")]
assert len(npm) == sum(bool(p) and not e.get("link") for p, e in lock["packages"].items())
P
point $? "each library by its package, each module of the UI" "$out"
finish

"""What Weir has of the machine while nothing happens."""
import json
import os
import subprocess


def of_process(pid):
    """{} if it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            status = dict(line.split(":", 1) for line in f)
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
            memory = dict(line.split(":", 1) for line in f if "kB" in line)
        kinds = {}
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                kind = os.readlink(f"/proc/{pid}/fd/{fd}").split(":[")[0]
            except OSError:
                continue
            if kind.startswith("/proc/"):  # its own, by a number that changes
                kind = os.path.basename(kind)
            kinds[kind] = kinds.get(kind, 0) + 1
    except OSError:
        return {}
    return {"rss_kb": int(status["VmRSS"].split()[0]), "private_kb": int(memory["Private_Dirty"].split()[0]),
            "threads": int(status["Threads"]), "descriptors": sum(kinds.values()), "kinds": kinds}


def lines(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          text=True).stdout.splitlines()


def pins():
    return sorted(os.path.join(d, f) for d, _, files in os.walk("/sys/fs/bpf") for f in files)


def entries(pin):
    """Of a map that has no fixed number of them; None: it has, or is none."""
    out = lines("bpftool", "-j", "map", "show", "pinned", pin)
    kind = json.loads(out[0]).get("type", "") if out else ""
    if "hash" not in kind and kind != "lpm_trie":
        return None
    return len(json.loads(lines("bpftool", "-j", "map", "dump", "pinned", pin)[0]))


def of_kernel(cached):
    """Links, filters, pins and entries; cached: the maps whose entries age by themselves."""
    links = sorted(line.split(":")[1].split("@")[0].strip() for line in lines("ip", "-o", "link"))
    filters = {link: len(lines("tc", "filter", "show", "dev", link, way))
               for link in links for way in ("ingress", "egress")}
    attached = json.loads((lines("bpftool", "-j", "net", "show") or ["[{}]"])[0])[0]
    return {
        "namespaces": sorted(line.split()[0] for line in lines("ip", "netns")),
        "links": links, "filters": sum(filters.values()),
        "attached": {kind: len(of) for kind, of in attached.items() if isinstance(of, list)},
        "pins": len(pins()),
        "entries": {os.path.basename(pin): n for pin in pins() if (n := entries(pin)) is not None
                    and not any(word in pin for word in cached)},
    }


def differences(before, after, path=""):
    """What is not as it was: [(where, before, after)]."""
    if isinstance(before, dict):
        return [d for key in sorted({*before, *after})
                for d in differences(before.get(key), after.get(key), f"{path} {key}")
                ] if isinstance(after, dict) else [(path, before, after)]
    return [] if before == after else [(path.strip(), before, after)]

#!/bin/bash
# Settings at the agent's door: what was set, what holds, what would without; null is the
# default again, in the data plane at once. And a change on condition that nobody was first.
#
#   web 10.9.0.2 ─ hweb ─ br0 ─ weir-agent ── weir-dp
. "$(dirname "$0")/common_agent.sh"

bridge
workload web 2
write_config "$netns_only" "learn: {auto_accept: false}"
start_agent
point $? "an agent" "$TEST_DIR/agent.log"

plane() { "$weir" dp settings --control "$door" -o json >"$out" && json "(lambda s: $1)(d['settings'])"; }
set_part() { asked "$1" settings-set "{\"part\": true, \"settings\": $2}"; } # EXPRESSION SETTINGS

asked 'd["set"] == {} and d["settings"] == d["defaults"] and d["defaults"]["data_plane"]["policy"]["absent"] == "drop"
    and d["defaults"]["store"]["flows_days"] > 0' settings
point $? "nothing is set: the defaults hold" "$out"
set_part 'd["ok"] and d["settings"] == d["defaults"]' \
    '{"store": {"flows_days": null}, "learn": null, "data_plane": {"flows": {"full": null}, "meters": null, "policy": null}}'
point $? "null of what was never set changes nothing" "$out"
plane 's["policy"]["absent"] == "drop"'
point $? "nor in the data plane" "$out"
set_part 'd["settings"]["store"]["flows_days"] == 9 and d["settings"]["data_plane"]["cache"]["frames"] == 9
    and d["defaults"]["store"]["flows_days"] != 9 and d["defaults"]["data_plane"]["cache"]["frames"] == 8' \
    '{"store": {"flows_days": 9}, "data_plane": {"flows": {"full": "drop"}, "policy": {"absent": "open"}, "cache": {"frames": 9}}}'
point $? "some are set" "$out"
asked 'd["set"]["store"] == {"flows_days": 9} and d["set"]["data_plane"]["flows"] == {"full": "drop"}' settings
point $? "and known to be" "$out"
plane 's["flows"]["full"] == "drop" and s["policy"]["absent"] == "open" and s["cache"]["frames"] == 9'
point $? "the data plane has them" "$out"
set_part 'd["ok"]' '{"data_plane": {"flows": {"full": null}, "policy": {"absent": null}}}' &&
    plane 's["flows"]["full"] == "judge" and s["policy"]["absent"] == "drop" and s["cache"]["frames"] == 9'
point $? "null is the default again there, at once; the agent's own, where it has one" "$out"
set_part 'd["settings"]["store"] == d["defaults"]["store"]' '{"store": {"flows_days": null}}'
point $? "and the file's" "$out"
set_part 'd["error"]["at"] == "settings.store.flows_days"' '{"store": {"flows_days": 0}}' &&
    set_part 'd["error"]["code"] == "EINVAL"' '{"data_plane": {"cache": {"frames": 0}}}' &&
    set_part 'd["error"]["code"] == "EINVAL"' '{"data_plane": {"nothing": {"frames": 1}}}' &&
    set_part 'd["error"]["at"] == "settings.nothing"' '{"nothing": {"frames": 1}}' && plane 's["cache"]["frames"] == 9'
point $? "what is wrong is refused, and changes nothing" "$out"
stop_agent KILL
start_agent && asked 'd["settings"]["data_plane"]["cache"]["frames"] == 9 and d["settings"]["store"] == d["defaults"]["store"]' settings
point $? "the next agent knows" "$out"
asked 'd["ok"]' settings-set '{"settings": {"data_plane": {"cache": {"depth": 5}}}}' && plane 's["cache"] == {"on": True, "frames": 8, "depth": 5}' &&
    asked 'd["set"] == {"data_plane": {"cache": {"depth": 5}}}' settings
point $? "all of them anew: what is not said is the default" "$out"

# --- nobody was first ---

rule='"rule": {"from": ["web"], "to": ["any"], "ports": ["tcp/80"], "action": "allow"}, "wait": false'
asked 'd["revision"] == 0' export
point $? "no policy was stored yet: revision 0" "$out"
asked 'd["ok"] and d["revision"] == 1' rule-add "{$rule, \"revision\": 0}"
point $? "a change if it is still 0" "$out"
asked 'd["error"]["code"] == "ESTALE"' rule-add "{$rule, \"revision\": 0}" && asked 'len(d["rules"]) == 1' rules
point $? "is refused when it is not" "$out"
asked 'd["ok"] and d["revision"] == 2' rule-add "{$rule, \"revision\": 1}" && asked 'd["ok"]' rule-add "{$rule}"
point $? "by the last one's number, or by none, it is made" "$out"
finish

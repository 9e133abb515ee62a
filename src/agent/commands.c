/*
 * The table, and the commands about what runs here and how Weir itself is. What
 * a user said of single workloads (quarantine, release) is a document of the
 * store, by their ids, so that it outlives the agent.
 */
#include "agent/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/guard.h"
#include "agent/guard_splice.h"
#include "agent/kept.h"
#include "agent/kubernetes.h"
#include "agent/member.h"
#include "agent/parking.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/rules.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "net/inplace.h"

/* --- arguments ---------------------------------------------------------------- */

int arg_text(const json_t *args, const char *name, const char **ret,
	     struct err *reterr)
{
	const json_t *v = json_object_get(args, name);

	*ret = "";
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return err_set(reterr, EINVAL, name, "expected a text");
	*ret = json_string_value(v);
	return 0;
}

int arg_uint(const json_t *args, const char *name, uint64_t max, uint64_t *ret,
	     struct err *reterr)
{
	const json_t *v = json_object_get(args, name);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > max)
		return err_set(reterr, EINVAL, name,
			       "expected a number 0..%llu",
			       (unsigned long long)max);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

int arg_id(const json_t *args, const char *name, uint64_t *ret,
	   struct err *reterr)
{
	const char *text = json_string_value(json_object_get(args, name));
	char *end;

	if (!text)
		return arg_uint(args, name, INT64_MAX, ret, reterr);
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || *ret > INT64_MAX)
		return err_set(reterr, EINVAL, name, "expected a number");
	return 0;
}

bool arg_true(const json_t *args, const char *name)
{
	return json_is_true(json_object_get(args, name));
}

int arg_workload(struct agent *a, const json_t *args, struct workload **ret,
		 struct err *reterr)
{
	const char *text;
	int rc = arg_text(args, "workload", &text, reterr);

	return rc < 0 ? rc : registry_find(&a->registry, text, ret, reterr);
}

/* --- workloads -------------------------------------------------------------------- */

static json_t *addrs_json(const struct workload *w)
{
	json_t *list = json_array();
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < w->n_addrs; i++)
		(void)json_array_append_new(
			list, json_string(ip_format(w->addrs[i], text)));
	return list;
}

static json_t *port_json(const struct port *p)
{
	char mac[MAC_TEXT_MAX], dev[4 * IFNAMSIZ + 1], host[4 * IFNAMSIZ + 1];
	char why[96];
	/* who is in a container may call its devices what he likes */
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "device",
			      utf8_text(p->dev, dev, sizeof dev), "host_device",
			      utf8_text(p->host, host, sizeof host), "kind",
			      p->kind, "mac", mac_format(p->mac, mac), "state",
			      port_state_name(p->state));

	if (p->state == PORT_DIVERTED)
		(void)json_object_set_new(
			o, "layout", json_string(port_layout_name(p->layout)));
	if (p->state == PORT_DIVERTED && p->layout == PORT_SPLICED)
		(void)json_object_set_new(o, "through",
					  json_string(SPLICER_NETNS));
	if (p->state == PORT_DIVERTED)
		(void)json_object_set_new(
			o, "doing", json_string(inplace_mode_name(p->mode)));
	if (parking_has(p)) {
		parking_text(p, why, sizeof why);
		(void)json_object_set_new(o, "why", json_string(why));
	} else if (p->why.code) {
		(void)json_object_set_new(o, "why", json_string(p->why.text));
	}
	return o;
}

/* The ports of each workload, by its place; else each would look at all of them. */
struct ports_of {
	const struct port **at; /* those of one beside each other; owned */
	size_t *begin;		/* of each place, and the end; owned */
};

static void ports_of_done(struct ports_of *o)
{
	free((void *)(uintptr_t)o->at);
	free(o->begin);
}

/* false: out of memory. */
static bool ports_of_all(struct agent *a, struct ports_of *ret)
{
	struct registry *r = &a->registry;
	struct ports_of o = { calloc(r->n_ports + 1, sizeof(*o.at)),
			      calloc(r->n_workloads + 2, sizeof *o.begin) };
	size_t n = 0;

	if (!o.at || !o.begin) {
		ports_of_done(&o);
		return false;
	}
	for (struct workload *w = r->workloads; w; w = w->next)
		w->place = n++;
	for (const struct port *p = r->ports; p; p = p->next)
		if (p->workload)
			o.begin[p->workload->place + 1]++;
	for (size_t i = 0; i < n; i++)
		o.begin[i + 1] += o.begin[i];
	/* begin moves to each one's end, which is the next one's begin */
	for (const struct port *p = r->ports; p; p = p->next)
		if (p->workload)
			o.at[o.begin[p->workload->place]++] = p;
	memmove(o.begin + 1, o.begin, n * sizeof *o.begin);
	o.begin[0] = 0;
	*ret = o;
	return true;
}

static json_t *ports_json(const struct ports_of *o, const struct workload *w)
{
	json_t *list = json_array();

	for (size_t i = o->begin[w->place]; i < o->begin[w->place + 1]; i++)
		(void)json_array_append_new(list, port_json(o->at[i]));
	return list;
}

void workload_sum_port(struct workload_sum *s, const struct port *p)
{
	s->any = true;
	s->failed |= p->state == PORT_FAILED;
	s->not_diverted |= p->state != PORT_DIVERTED;
	s->held |= p->state == PORT_DIVERTED && p->mode == INPLACE_HOLD;
	s->parked |= parking_has(p);
}

const char *workload_state(const struct agent *a, const struct workload *w,
			   const struct workload_sum *s)
{
	if (w->released || a->releasing)
		return "released";
	if (w->quarantined)
		return "quarantined";
	if (s->failed)
		return "not guarded";
	if (s->not_diverted)
		return "not diverted";
	if (s->parked)
		return "parked";
	return !s->any ? "no port" : s->held ? "on hold" : "guarded";
}

static const char *state_of(const struct agent *a, const struct ports_of *o,
			    const struct workload *w)
{
	struct workload_sum s = { .any = false };

	for (size_t i = o->begin[w->place]; i < o->begin[w->place + 1]; i++)
		workload_sum_port(&s, o->at[i]);
	return workload_state(a, w, &s);
}

static json_t *workload_json(struct agent *a, const struct ports_of *ports,
			     struct workload *w)
{
	/* neither groups nor what is looked for depend on MACs */
	struct intent_workload iw = { .id = w->id,
				      .about = w->about,
				      .addrs = w->addrs,
				      .n_addrs = w->n_addrs };
	const json_t *groups = policy_groups_of(a, w);
	json_t *o = json_object();

	(void)json_object_set_new(o, "id", json_string(w->id));
	(void)json_object_set_new(o, "name", json_string(workload_name(w)));
	(void)json_object_set_new(o, "state",
				  json_string(state_of(a, ports, w)));
	(void)json_object_set_new(
		o, "mode", json_string(intent_mode_name(w->intent_mode)));
	(void)json_object_set_new(o, "groups",
				  json_incref((json_t *)(uintptr_t)groups));
	(void)json_object_set_new(o, "addresses", addrs_json(w));
	(void)json_object_set_new(o, "ports", ports_json(ports, w));
	(void)json_object_set_new(o, "detection",
				  intent_detection_of(a->intent, &iw));
	(void)json_object_set(o, "about", w->about);
	if (w->quarantined)
		(void)json_object_set_new(o, "quarantined",
					  json_string(w->quarantine_why));
	if (w->why.code)
		(void)json_object_set_new(o, "why", json_string(w->why.text));
	return o;
}

static int command_ls(struct agent *a, struct door_client *c,
		      const json_t *args, json_t *result, struct err *reterr)
{
	json_t *list = json_array();
	struct ports_of ports;

	(void)json_object_set_new(result, "workloads", list);
	if (!ports_of_all(a, &ports))
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		(void)json_array_append_new(list, workload_json(a, &ports, w));
	ports_of_done(&ports);
	return 0;
}

static json_t *containers_json(const struct agent *a, const struct workload *w)
{
	json_t *list = json_array();

	for (const struct container *k = a->registry.containers; k; k = k->next)
		if (k->workload == w)
			(void)json_array_append_new(
				list,
				json_pack("{s:s, s:i, s:O}", "id", k->id, "pid",
					  k->pid, "about", k->about));
	return list;
}

static int command_show(struct agent *a, struct door_client *c,
			const json_t *args, json_t *result, struct err *reterr)
{
	struct ports_of ports;
	struct workload *w;
	int rc = arg_workload(a, args, &w, reterr);

	if (rc < 0)
		return rc;
	if (!ports_of_all(a, &ports))
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)json_object_set_new(result, "workload",
				  workload_json(a, &ports, w));
	ports_of_done(&ports);
	(void)json_object_set_new(result, "containers", containers_json(a, w));
	return 0;
}

/* --- what Weir is doing --------------------------------------------------------------- */

static json_t *sources_json(const struct agent *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->config.n_runtimes; i++) {
		const struct source_state *s = &a->sources[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:b, s:I, s:s, s:O?}", "kind",
				  runtime_kind_name(a->config.runtimes[i].kind),
				  "path", a->config.runtimes[i].path, "up",
				  s->up, "since", (json_int_t)s->since_s,
				  "text", s->text, "unreadable",
				  s->unreadable));
	}
	return list;
}

/* It was started by another agent, and goes on until somebody ends it. */
static bool is_other_version(const json_t *version)
{
	const char *text =
		json_string_value(json_object_get(version, "version"));

	return !text || strcmp(text, WEIR_VERSION) != 0 ||
	       json_is_false(json_object_get(version, "drops_untold"));
}

json_t *commands_plane_json(const struct agent *a)
{
	json_t *o = json_pack("{s:b, s:I, s:I}", "up", a->plane_up, "since",
			      (json_int_t)a->plane_since_s, "starts",
			      (json_int_t)a->plane_starts);

	if (!a->plane_up && a->plane_err.code)
		(void)json_object_set_new(o, "text",
					  json_string(a->plane_err.text));
	if (a->plane_up && a->plane_version)
		(void)json_object_set(o, "version", a->plane_version);
	if (a->plane_up && is_other_version(a->plane_version))
		(void)json_object_set_new(o, "other_version", json_true());
	return o;
}

json_t *commands_policy_json(const struct agent *a)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:b}", "revision",
			      (json_int_t)a->intent_revision, "compiled",
			      (json_int_t)a->want_number, "version",
			      (json_int_t)a->in_force_version, "in_force",
			      a->in_force_number != 0 &&
				      a->in_force_number == a->want_number &&
				      !a->compile.on);

	if (a->policy_refused)
		(void)json_object_set_new(o, "refused",
					  json_string(a->policy_err.text));
	return o;
}

json_t *commands_counts_json(const struct agent *a)
{
	unsigned diverted = 0, failed = 0, unclaimed = 0;

	for (const struct port *p = a->registry.ports; p; p = p->next) {
		diverted += p->state == PORT_DIVERTED;
		failed += p->state == PORT_FAILED;
		unclaimed += !p->workload;
	}
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:I}", "workloads",
			 (int)a->registry.n_workloads, "containers",
			 (int)a->registry.n_containers, "ports",
			 (int)a->registry.n_ports, "diverted", (int)diverted,
			 "failed", (int)failed, "unclaimed", (int)unclaimed,
			 "refused", (json_int_t)a->registry.refused);
}

static int command_status(struct agent *a, struct door_client *c,
			  const json_t *args, json_t *result,
			  struct err *reterr)
{
	(void)json_object_set_new(result, "version", json_string(WEIR_VERSION));
	(void)json_object_set_new(result, "pid", json_integer(getpid()));
	(void)json_object_set_new(result, "node", json_string(a->config.node));
	(void)json_object_set_new(result, "started",
				  json_integer((json_int_t)a->started_s));
	(void)json_object_set_new(result, "releasing",
				  json_boolean(a->releasing));
	(void)json_object_set_new(result, "counts", commands_counts_json(a));
	(void)json_object_set_new(result, "data_plane", commands_plane_json(a));
	(void)json_object_set_new(result, "policy", commands_policy_json(a));
	(void)json_object_set_new(result, "detection", rules_json(a));
	(void)json_object_set_new(result, "runtimes", sources_json(a));
	if (a->kubernetes)
		(void)json_object_set_new(result, "kubernetes",
					  kubernetes_json(a));
	(void)json_object_set_new(result, "records", record_stats(a));
	(void)json_object_set_new(result, "door", door_json(a));
	if (member_is_on(a))
		(void)json_object_set_new(result, "fleet", member_json(a));
	return 0;
}

/* --- single workloads ------------------------------------------------------------------ */

static int set_released(struct agent *a, struct door_client *c,
			const json_t *args, bool released, struct err *reterr)
{
	char what[WORKLOAD_TEXT_MAX];
	struct workload *w;
	int rc = arg_workload(a, args, &w, reterr);

	if (rc == 0)
		rc = kept_release(a, w, released, reterr);
	if (rc < 0)
		return rc;
	guard_release(a, w);
	(void)snprintf(what, sizeof what, "%s is %s", workload_name(w),
		       released ? "released" : "diverted again");
	record_change_by(a, what, c);
	return 0;
}

static int command_divert(struct agent *a, struct door_client *c,
			  const json_t *args, json_t *result,
			  struct err *reterr)
{
	if (!arg_true(args, "all"))
		return set_released(a, c, args, false, reterr);
	a->releasing = false;
	guard_apply_all(a);
	record_change_by(a, "all is diverted again", c);
	return 0;
}

static int command_release(struct agent *a, struct door_client *c,
			   const json_t *args, json_t *result,
			   struct err *reterr)
{
	if (!arg_true(args, "all"))
		return set_released(a, c, args, true, reterr);
	record_change_by(a, "all is released: nothing is diverted", c);
	return guard_release_all(a, reterr);
}

static int command_quarantine(struct agent *a, struct door_client *c,
			      const json_t *args, json_t *result,
			      struct err *reterr)
{
	bool on = !arg_true(args, "off");
	char what[WORKLOAD_TEXT_MAX];
	struct workload *w;
	const char *why;
	int rc = arg_workload(a, args, &w, reterr);

	if (rc == 0)
		rc = arg_text(args, "why", &why, reterr);
	if (rc == 0)
		rc = kept_quarantine(
			a, w, on ? (why[0] ? why : "by hand") : NULL, reterr);
	if (rc < 0)
		return rc;
	guard_release(a, w); /* sets what mode its ports are in now */
	(void)snprintf(what, sizeof what, "%s is %s", workload_name(w),
		       on ? "quarantined" : "quarantined no more");
	record_change_by(a, what, c);
	return 0;
}

/* weir hook: by the runtime, before anything of a container runs. */
static int command_hook(struct agent *a, struct door_client *c,
			const json_t *args, json_t *result, struct err *reterr)
{
	const char *netns;
	int rc = arg_text(args, "netns", &netns, reterr);

	if (rc < 0)
		return rc;
	if (!netns[0])
		return err_set(reterr, EINVAL, "netns", "say which");
	rc = guard_netns(a, netns, reterr);
	if (rc < 0)
		return rc;
	(void)json_object_set_new(result, "guarded", json_integer(rc));
	return 0;
}

const struct command commands[] = {
	{ "status", command_status, true },
	{ "ls", command_ls, true },
	{ "show", command_show, true },
	{ "divert", command_divert, false },
	{ "release", command_release, false },
	{ "quarantine", command_quarantine, false },
	{ "hook", command_hook, false },
	{ "groups", command_groups, true },
	{ "group-set", command_group_set, false },
	{ "group-delete", command_group_delete, false },
	{ "mode", command_mode, false },
	{ "rules", command_rules, true },
	{ "rule-add", command_rule_add, false },
	{ "rule-delete", command_rule_delete, false },
	{ "rules-load", command_rules_load, false },
	{ "rules-unload", command_rules_unload, false },
	{ "rules-loaded", command_rules_loaded, true },
	{ "rules-status", command_rules_status, true },
	{ "apply", command_apply, false },
	{ "diff", command_diff, true },
	{ "export", command_export, true },
	{ "history", command_history, true },
	{ "rollback", command_rollback, false },
	{ "learned", command_learned, true },
	{ "accept", command_accept, false },
	{ "reject", command_reject, false },
	{ "candidate", command_candidate, false },
	{ "flows", command_flows, true },
	{ "events", command_events, true },
	{ "trail", command_trail, true },
	{ "explain", command_explain, true },
	{ "sessions", command_sessions, true },
	{ "top", command_top, true },
	{ "throughput", command_throughput, true },
	{ "map", command_map, true },
	{ "settings", command_settings, true },
	{ "settings-set", command_settings_set, false },
	{ "responses", command_responses, true },
	{ "response-set", command_response_set, false },
	{ "response-delete", command_response_delete, false },
	{ "responses-log", command_responses_log, true },
	{ "session-kill", command_session_kill, false },
	{ "upgrade", command_upgrade, false },
	{ "captures", command_captures, true },
	{ "capture-start", command_capture_start, false },
	{ "capture-stop", command_capture_stop, false },
	{ "capture-delete", command_capture_delete, false },
	{ "capture-read", command_capture_read, false },
	{ "fleet", command_fleet, true },
	{ "fleet-forget", command_fleet_forget, false },
	{ NULL, NULL, false },
};

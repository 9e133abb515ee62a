/*
 * Commands about what was seen: flows and events of the store, and what the data
 * plane says at the moment.
 */
#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/commands.h"
#include "agent/flow_json.h"
#include "agent/gather.h"
#include "agent/member.h"
#include "agent/record.h"
#include "base/limits.h"

#define PAGE_DEFAULT 100

/* --- the store's ------------------------------------------------------------------ */

struct page {
	json_t *list;
	bool raw; /* with raw bytes */
	uint64_t last;
};

static int add_flow(const struct store_flow *f, uint64_t cursor,
		    const json_t *client, const json_t *server, void *arg)
{
	struct page *p = arg;

	p->last = cursor;
	return json_array_append_new(p->list, flow_json(f, client, server)) < 0
		       ? -ENOMEM
		       : 0;
}

static int add_event(const json_t *event, uint64_t number, void *arg)
{
	struct page *p = arg;

	p->last = number;
	return json_array_append_new(p->list,
				     event_json(event, number, p->raw)) < 0
		       ? -ENOMEM
		       : 0;
}

/* A workload's id by what it is called, or as it is: it may be gone. */
static const char *id_of(struct agent *a, const char *text)
{
	struct workload *w;

	if (!text[0])
		return NULL;
	return registry_find(&a->registry, text, &w, NULL) == 0 ? w->id : text;
}

/* What pages of flows and of events are asked for by alike. */
struct page_args {
	uint64_t since_s, until_s, after, before, limit, rule;
	const char *workload, *text; /* NULL: any */
	const char *workload_asked;  /* the same as it was asked for */
	bool newest;		     /* who does not page wants what is new */
};

static int page_args(struct agent *a, const json_t *args, struct page_args *ret,
		     struct err *reterr)
{
	const struct {
		const char *name;
		uint64_t max, *ret;
	} numbers[] = {
		{ "since", INT64_MAX, &ret->since_s },
		{ "until", INT64_MAX, &ret->until_s },
		{ "after", INT64_MAX, &ret->after },
		{ "before", INT64_MAX, &ret->before },
		{ "rule", UINT32_MAX, &ret->rule },
		{ "limit", STORE_PAGE_MAX, &ret->limit },
	};
	const char *workload = "", *text = "";
	int rc = 0;

	*ret = (struct page_args){ .limit = 0 };
	for (size_t i = 0; rc == 0 && i < sizeof numbers / sizeof *numbers; i++)
		rc = arg_uint(args, numbers[i].name, numbers[i].max,
			      numbers[i].ret, reterr);
	if (rc == 0)
		rc = arg_text(args, "workload", &workload, reterr);
	if (rc == 0)
		rc = arg_text(args, "q", &text, reterr);
	if (rc == 0 && ret->before && json_object_get(args, "after"))
		rc = err_set(reterr, EINVAL, "before",
			     "and after are not for one page");
	ret->newest = !json_object_get(args, "after");
	ret->workload = id_of(a, workload);
	ret->workload_asked = workload[0] ? workload : NULL;
	ret->text = text[0] ? text : NULL;
	if (ret->limit == 0)
		ret->limit = PAGE_DEFAULT;
	return rc;
}

/*
 * "next" goes into "after"; of the newest, "before" goes into "before", if there
 * may be any. "more": this page is not the end.
 */
static void say_where(const struct page_args *p, const struct page *page,
		      const struct store_seen *seen, json_t *result)
{
	uint64_t next = p->newest ? page->last : seen->cursor;

	(void)json_object_set_new(
		result, "next",
		json_integer((json_int_t)(next ? next : p->after)));
	(void)json_object_set_new(result, "more", json_boolean(seen->more));
	if (p->newest && seen->more)
		(void)json_object_set_new(
			result, "before",
			json_integer((json_int_t)seen->cursor));
}

/* What all nodes recorded. kind: "", any. */
static int of_fleet(struct agent *a, struct door_client *c, const json_t *args,
		    enum fleet_stream stream, const struct page_args *p,
		    const char *kind, json_t *result, struct err *reterr)
{
	const char *node;
	int rc = arg_text(args, "node", &node, reterr);
	struct gather_query q = {
		.stream = stream,
		.since_s = p->since_s,
		.until_s = p->until_s,
		.rule = p->rule,
		.before = p->before,
		.limit = (unsigned)p->limit,
		.only_violations = arg_true(args, "violations"),
		.workload = p->workload_asked,
		.text = p->text,
		.kind = kind[0] ? kind : NULL,
		.node = node[0] ? node : NULL,
	};

	return rc < 0 ? rc : member_read(a, c, args, &q, result, reterr);
}

int command_flows(struct agent *a, struct door_client *c, const json_t *args,
		  json_t *result, struct err *reterr)
{
	struct page page = { .list = json_array() };
	struct store_seen seen = { 0 };
	struct page_args p;
	int rc = page_args(a, args, &p, reterr);

	if (rc == 0 && arg_true(args, "fleet")) {
		json_decref(page.list);
		return of_fleet(a, c, args, FLEET_FLOWS, &p, "", result,
				reterr);
	}
	if (rc == 0) {
		struct store_flow_query q = {
			.since_s = p.since_s,
			.until_s = p.until_s,
			.workload = p.workload,
			.rule = (uint32_t)p.rule,
			.only_violations = arg_true(args, "violations"),
			.text = p.text,
			.after = p.after,
			.newest = p.newest,
			.before = p.before,
			.limit = (unsigned)p.limit,
			.seen = &seen,
		};

		record_flush(a);
		rc = store_each_flow(a->store, &q, add_flow, &page, reterr);
	}
	if (rc < 0) {
		json_decref(page.list);
		return rc;
	}
	(void)json_object_set_new(result, "flows", page.list);
	say_where(&p, &page, &seen, result);
	if (arg_true(args, "follow"))
		door_follow(c, DOOR_FLOWS);
	return 0;
}

static int check_kind(const char *kind, struct err *reterr)
{
	static const char *const kinds[] = { "violation", "threat",
					     "signature", "dlp",
					     "waf",	  "state",
					     "change",	  "response" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i], kind) == 0)
			return 0;
	return err_set(reterr, EINVAL, "kind",
		       "expected violation, threat, signature, dlp, waf, "
		       "state, change or response, got \"%.40s\"",
		       kind);
}

/* The one event with that number, with its raw bytes. */
static int raw_event(struct agent *a, uint64_t number, json_t *result,
		     struct err *reterr)
{
	struct page page = { .list = json_array(), .raw = true };
	struct store_event_query q = { .after = number - 1, .limit = 1 };
	int rc;

	record_flush(a);
	rc = store_each_event(a->store, &q, add_event, &page, reterr);
	if (rc == 0 && page.last != number)
		rc = err_set(reterr, ENOENT, "raw", "there is no event %llu",
			     (unsigned long long)number);
	if (rc < 0)
		json_decref(page.list);
	else
		(void)json_object_set_new(result, "events", page.list);
	return rc;
}

static int each_event(struct agent *a, const struct page_args *p,
		      const char *kind, struct page *page,
		      struct store_seen *seen, struct err *reterr)
{
	struct store_event_query q = {
		.since_s = p->since_s,
		.until_s = p->until_s,
		.workload = p->workload,
		.kind = kind[0] ? kind : NULL,
		.rule = (uint32_t)p->rule,
		.text = p->text,
		.after = p->after,
		.newest = p->newest,
		.before = p->before,
		.limit = (unsigned)p->limit,
		.seen = seen,
	};

	record_flush(a);
	return store_each_event(a->store, &q, add_event, page, reterr);
}

int command_events(struct agent *a, struct door_client *c, const json_t *args,
		   json_t *result, struct err *reterr)
{
	struct page page = { .list = json_array() };
	struct store_seen seen = { 0 };
	struct page_args p;
	const char *kind;
	uint64_t raw = 0;
	int rc = page_args(a, args, &p, reterr);

	if (rc == 0)
		rc = arg_uint(args, "raw", INT64_MAX, &raw, reterr);
	if (rc == 0 && raw && !door_client_sees_raw(c))
		rc = err_set(reterr, EPERM, "raw",
			     "this account has no raw bytes");
	if (rc == 0 && raw && !arg_true(args, "fleet")) {
		json_decref(page.list);
		return raw_event(a, raw, result, reterr);
	}
	if (rc == 0)
		rc = arg_text(args, "kind", &kind, reterr);
	if (rc == 0 && kind[0])
		rc = check_kind(kind, reterr);
	if (rc == 0 && arg_true(args, "fleet")) {
		json_decref(page.list);
		return of_fleet(a, c, args, FLEET_EVENTS, &p, kind, result,
				reterr);
	}
	if (rc == 0)
		rc = each_event(a, &p, kind, &page, &seen, reterr);
	if (rc < 0) {
		json_decref(page.list);
		return rc;
	}
	(void)json_object_set_new(result, "events", page.list);
	say_where(&p, &page, &seen, result);
	if (arg_true(args, "follow"))
		door_follow(c, DOOR_EVENTS);
	return 0;
}

/* --- the data plane's ----------------------------------------------------------------- */

/* An address, or a workload's first of the family that the other end has. */
static int address_of(struct agent *a, const json_t *args, const char *name,
		      const char *other, char ret[static IP_TEXT_MAX],
		      struct workload **ret_workload, struct err *reterr)
{
	struct ip_addr addr, far;
	struct workload *w = NULL;
	const char *text, *there = "";
	bool v4 = true;
	int rc = arg_text(args, name, &text, reterr);

	if (rc == 0)
		rc = arg_text(args, other, &there, reterr);
	if (rc < 0)
		return rc;
	if (ip_parse(text, &addr) == 0) {
		*ret_workload = registry_by_addr(&a->registry, addr);
		(void)ip_format(addr, ret);
		return 0;
	}
	rc = registry_find(&a->registry, text, &w, reterr);
	if (rc < 0)
		return rc;
	if (ip_parse(there, &far) == 0)
		v4 = ip_is_v4(far);
	*ret_workload = w;
	for (size_t i = 0; i < w->n_addrs; i++)
		if (ip_is_v4(w->addrs[i]) == v4) {
			(void)ip_format(w->addrs[i], ret);
			return 0;
		}
	return err_set(reterr, EADDRNOTAVAIL, name, "%s has no address",
		       workload_name(w));
}

static json_t *end_json(const struct workload *w, const char *addr)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "address", addr, "workload",
			 w ? w->id : "", "name", w ? workload_name(w) : addr,
			 "mode", w ? intent_mode_name(w->intent_mode) : "");
}

/* Who is at an end, as the data plane knows it: by the first port it has. */
static void add_end(struct agent *a, json_t *body, const char *name,
		    const struct workload *w)
{
	char mac[MAC_TEXT_MAX];

	for (const struct port *p = a->registry.ports; w && p; p = p->next)
		if (p->workload == w && p->state == PORT_DIVERTED &&
		    !mac_is_zero(p->plane_mac)) {
			(void)json_object_set_new(
				body, name,
				json_string(mac_format(p->plane_mac, mac)));
			return;
		}
}

int command_explain(struct agent *a, struct door_client *c, const json_t *args,
		    json_t *result, struct err *reterr)
{
	static const char *const copied[] = { "port", "proto", "app", "vhost",
					      "request" };
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
	struct workload *client = NULL, *server = NULL;
	json_t *body;
	int rc = address_of(a, args, "from", "to", from, &client, reterr);

	if (rc == 0)
		rc = address_of(a, args, "to", "from", to, &server, reterr);
	if (rc < 0)
		return rc;
	(void)json_object_set_new(result, "from", end_json(client, from));
	(void)json_object_set_new(result, "to", end_json(server, to));
	body = json_pack("{s:s, s:s}", "from", from, "to", to);
	add_end(a, body, "from_workload", client);
	add_end(a, body, "to_workload", server);
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
		const json_t *arg = json_object_get(args, copied[i]);

		/* a copy: the message goes to another thread */
		if (arg)
			(void)json_object_set_new(body, copied[i],
						  json_deep_copy(arg));
	}
	door_later_plane(c, json_pack("{s:o}", "weir_explain", body),
			 "explained", result);
	return COMMAND_LATER;
}

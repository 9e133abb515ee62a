/*
 * Commands about what goes on at the moment.
 *
 * `top` is three readings put together in one pass over ports and workloads:
 * what the kernel counts at each port in place, what data planes count of each
 * workload, and the violations that were told of. Of a port that is not in place
 * the kernel counts nothing, and the bytes, too, are those of the data plane that
 * has it. All are counters, and "clock_us" is when: who asks twice has rates,
 * whoever else asks meanwhile. A thousand workloads take the main loop 8 ms, most
 * of it making the answer's text.
 */
#include "agent/commands_top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/record.h"
#include "agent/throughput.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/limits_kill.h"
#include "base/limits_map.h"
#include "net/inplace.h"
#include "wire/app.h"
#include "wire/member.h"

/* --- what the kernel counts --------------------------------------------------- */

/* Counters of what went on to the workload, or from it. */
static bool is_passed(enum inplace_counter c)
{
	switch (c) {
	case INPLACE_COUNT_FROM_DP:
	case INPLACE_COUNT_COPY:
	case INPLACE_COUNT_CACHED:
	case INPLACE_COUNT_PASS:
	case INPLACE_COUNT_HELD_PASS:
	case INPLACE_COUNT_ALLOWED:
	case INPLACE_COUNT_STRAIGHT:
	case INPLACE_COUNT_FAIL_OPEN: return true;
	default: return false;
	}
}

/* TO_DP is neither: what became of it, FROM_DP and the data plane tell. */
static bool is_dropped(enum inplace_counter c)
{
	return c != INPLACE_COUNT_TO_DP && !is_passed(c);
}

static void add_counts(struct top_row *row, const struct inplace_counts *c)
{
	for (int way = 0; way < 2; way++)
		for (int i = 0; i < INPLACE_COUNTER__MAX; i++) {
			if (is_dropped((enum inplace_counter)i))
				row->dropped += c->frames[way][i];
			if (!is_passed((enum inplace_counter)i))
				continue;
			row->packets[way] += c->frames[way][i];
			row->bytes[way] += c->bytes[way][i];
		}
}

static bool is_counted(const struct port *p)
{
	return p->workload && p->state == PORT_DIVERTED &&
	       p->layout == PORT_IN_PLACE;
}

static int read_kernel(struct agent *a, struct top_row *rows,
		       struct err *reterr)
{
	size_t n = 0;
	uint32_t *ports = calloc(a->registry.n_ports + 1, sizeof *ports);
	struct inplace_counts *counts =
		calloc(a->registry.n_ports + 1, sizeof *counts);
	int rc;

	for (struct port *p = a->registry.ports; ports && p; p = p->next)
		if (is_counted(p))
			ports[n++] = p->host_ifindex;
	rc = ports && counts ? inplace_counts_of(ports, n, counts, reterr)
			     : err_set(reterr, ENOMEM, NULL, "out of memory");
	n = 0;
	for (struct port *p = a->registry.ports; rc == 0 && counts && p;
	     p = p->next)
		if (is_counted(p))
			add_counts(&rows[p->workload->place], &counts[n++]);
	free(counts);
	free(ports);
	return rc;
}

/* --- what data planes count ----------------------------------------------------- */

/* One that went a moment ago has no place any more. */
static struct top_row *row_of(struct agent *a, struct top_row *rows, size_t n,
			      struct workload *w)
{
	return w && w->place < n && rows[w->place].workload == w
		       ? &rows[w->place]
		       : NULL;
}

/* Or is that port's traffic in the row only if the data plane's is taken? */
static bool kernel_counts(const struct agent *a, const struct top_row *row,
			  struct mac mac)
{
	if (!row->by_kernel || !row->by_plane)
		return row->by_kernel;
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == row->workload &&
		    mac_equal(p->plane_mac, mac))
			return is_counted(p);
	return true;
}

static void add_told(struct top_row *row, const json_t *o, bool with_bytes)
{
	row->told = true;
	row->sessions += member_number(o, "sessions_now_in") +
			 member_number(o, "sessions_now_out");
	row->sessions_made += member_number(o, "sessions_in") +
			      member_number(o, "sessions_out");
	if (!with_bytes)
		return;
	row->packets[INPLACE_IN] += member_number(o, "packets_in");
	row->packets[INPLACE_OUT] += member_number(o, "packets_out");
	row->bytes[INPLACE_IN] += member_number(o, "bytes_in");
	row->bytes[INPLACE_OUT] += member_number(o, "bytes_out");
}

static void read_plane(struct agent *a, const json_t *about,
		       struct top_row *rows, size_t n)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(about, "workloads"), i, o) {
		const char *text =
			json_string_value(json_object_get(o, "workload"));
		struct top_row *row = NULL;
		struct mac mac;

		if (text && mac_parse(text, &mac) == 0)
			row = row_of(a, rows, n,
				     registry_by_mac(&a->registry, mac));
		if (row)
			add_told(row, o, !kernel_counts(a, row, mac));
	}
}

/* --- the answer -------------------------------------------------------------------- */

/* sessions: some data plane has answered. */
static json_t *row_json(const struct agent *a, const struct top_row *r,
			bool sessions)
{
	const struct workload *w = r->workload;
	json_t *o =
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			  "id", w->id, "name", workload_name(w), "mode",
			  intent_mode_name(w->intent_mode), "state",
			  workload_state(a, w, &r->ports), "packets_in",
			  (json_int_t)r->packets[INPLACE_IN], "packets_out",
			  (json_int_t)r->packets[INPLACE_OUT], "bytes_in",
			  (json_int_t)r->bytes[INPLACE_IN], "bytes_out",
			  (json_int_t)r->bytes[INPLACE_OUT], "dropped",
			  (json_int_t)r->dropped, "violations",
			  (json_int_t)w->violations);

	if (o && sessions) {
		(void)json_object_set_new(
			o, "sessions", json_integer((json_int_t)r->sessions));
		(void)json_object_set_new(
			o, "sessions_made",
			json_integer((json_int_t)r->sessions_made));
	}
	return o;
}

static struct top_row *new_rows(struct agent *a, size_t *ret_n)
{
	struct top_row *rows =
		calloc(a->registry.n_workloads + 1, sizeof *rows);
	size_t n = 0;

	if (!rows)
		return NULL;
	for (struct workload *w = a->registry.workloads; w; w = w->next) {
		w->place = n;
		rows[n++].workload = w;
	}
	for (const struct port *p = a->registry.ports; p; p = p->next) {
		struct top_row *row = p->workload ? &rows[p->workload->place]
						  : NULL;

		if (!row)
			continue;
		workload_sum_port(&row->ports, p);
		row->by_kernel |= is_counted(p);
		row->by_plane |= p->state == PORT_DIVERTED && !is_counted(p);
	}
	*ret_n = n;
	return rows;
}

struct top_row *top_rows(struct agent *a, const struct top_told *told,
			 size_t *ret_n, struct err *reterr)
{
	struct top_row *rows = new_rows(a, ret_n);

	if (!rows)
		return NULL;
	/* without it its part is 0 */
	(void)read_kernel(a, rows, reterr);
	read_plane(a, told->host, rows, *ret_n);
	read_plane(a, told->splices, rows, *ret_n);
	return rows;
}

/* Numbers by name, of that member of what the data planes told, together. */
static json_t *sum_of(const struct top_told *told, const char *member)
{
	const json_t *parts[] = { json_object_get(told->host, member),
				  json_object_get(told->splices, member) };
	json_t *sum = json_object(), *v;
	const char *name;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		/* jansson's iteration wants a non-const object but changes nothing */
		json_object_foreach ((json_t *)(uintptr_t)parts[i], name, v) {
			json_int_t n = json_integer_value(v);

			n += json_integer_value(json_object_get(sum, name));
			(void)json_object_set_new(sum, name, json_integer(n));
		}
	return sum;
}

static void add_top(struct agent *a, const struct top_told *told,
		    json_t *result)
{
	usec_t begin = clock_now();
	json_t *list = json_array();
	struct err err = { 0 };
	size_t n = 0;
	struct top_row *rows = top_rows(a, told, &n, &err);

	if (err.code)
		(void)json_object_set_new(result, "kernel",
					  json_string(err.text));
	for (size_t i = 0; rows && i < n; i++)
		(void)json_array_append_new(
			list,
			row_json(a, &rows[i], told->host || told->splices));
	free(rows);
	(void)json_object_set_new(result, "workloads", list);
	(void)json_object_set_new(result, "dropped", sum_of(told, "dropped"));
	(void)json_object_set_new(result, "limits_met",
				  sum_of(told, "limits_met"));
	(void)json_object_set_new(
		result, "at",
		json_integer((json_int_t)(clock_unix_us() / USEC_PER_SEC)));
	(void)json_object_set_new(result, "clock_us",
				  json_integer((json_int_t)begin.us));
	(void)json_object_set_new(
		result, "took_us",
		json_integer((json_int_t)usec_since(clock_now(), begin)));
}

/* The last answer; the host's before it waits in the result. */
static bool add_last(struct agent *a, const json_t *about, json_t *result,
		     struct err *reterr)
{
	json_t *host = json_incref(json_object_get(result, "host"));
	struct top_told told = { .host = host ? host : about,
				 .splices = host ? about : NULL };

	(void)json_object_del(result, "host");
	add_top(a, &told, result);
	json_decref(host);
	return true;
}

/* What the splices' answers, if it is up, comes next. */
static bool add_each(struct agent *a, const json_t *about, json_t *result,
		     struct err *reterr)
{
	if (!about || !a->splice_plane_up || json_object_get(result, "host"))
		return add_last(a, about, result, reterr);
	(void)json_object_set(result, "host", (json_t *)(uintptr_t)about);
	return true;
}

int command_top(struct agent *a, struct door_client *c, const json_t *args,
		json_t *result, struct err *reterr)
{
	(void)json_object_set_new(result, "node", json_string(a->config.node));
	(void)json_object_set_new(result, "releasing",
				  json_boolean(a->releasing));
	(void)json_object_set_new(result, "counts", commands_counts_json(a));
	(void)json_object_set_new(result, "data_plane", commands_plane_json(a));
	(void)json_object_set_new(result, "policy", commands_policy_json(a));
	(void)json_object_set_new(
		result, "last_event",
		json_integer((json_int_t)record_last_event(a)));
	/* one that is down may take a while until it says so itself */
	if (a->plane_up)
		door_later_planes_then(c, json_pack("{s:{}}", "weir_traffic"),
				       json_pack("{s:{}}", "weir_traffic"),
				       add_each, result);
	else if (a->splice_plane_up)
		door_later_planes_then(c, NULL,
				       json_pack("{s:{}}", "weir_traffic"),
				       add_last, result);
	else
		add_top(a, &(struct top_told){ .host = NULL }, result);
	return a->plane_up || a->splice_plane_up ? COMMAND_LATER : 0;
}

int command_throughput(struct agent *a, struct door_client *c,
		       const json_t *args, json_t *result, struct err *reterr)
{
	uint64_t since = 0;
	int rc = arg_uint(args, "since", INT64_MAX, &since, reterr);

	if (rc < 0)
		return rc;
	(void)json_object_set_new(result, "step",
				  json_integer(THROUGHPUT_STEP_S));
	(void)json_object_set_new(result, "points", throughput_json(a, since));
	return 0;
}

/* --- sessions ----------------------------------------------------------------------- */

static void name_end(struct agent *a, json_t *session, const char *address,
		     const char *name)
{
	const char *text = json_string_value(json_object_get(session, address));
	const struct workload *w = NULL;
	struct ip_addr addr;

	if (text && ip_parse(text, &addr) == 0)
		w = registry_by_addr(&a->registry, addr);
	(void)json_object_set_new(session, name,
				  json_string(w ? workload_name(w) : ""));
}

static bool is_of(struct agent *a, const json_t *session, const char *id)
{
	const char *text =
		json_string_value(json_object_get(session, "workload"));
	const struct workload *w = NULL;
	struct mac mac;

	if (!id)
		return true;
	if (text && mac_parse(text, &mac) == 0)
		w = registry_by_mac(&a->registry, mac);
	return w && strcmp(w->id, id) == 0;
}

/*
 * A data plane numbers its own. Those of the splices' data plane begin here, at the
 * door: its pages come after the host's, and its sessions have such ids.
 */
#define SPLICES_FROM (1LL << 32)

static void move_on(json_t *o, const char *member, json_int_t by)
{
	const json_t *v = json_object_get(o, member);

	if (by && json_is_integer(v))
		(void)json_object_set_new(
			o, member, json_integer(json_integer_value(v) + by));
}

/* The page, with names; without those of other workloads, if one was named. */
static void add_page(struct agent *a, const json_t *about, json_int_t from,
		     json_t *result)
{
	const char *id = json_string_value(json_object_get(result, "workload"));
	json_t *page = json_object(), *list = json_array(), *s;
	size_t i;

	json_array_foreach (json_object_get(about, "sessions"), i, s) {
		uint32_t app = (uint32_t)member_number(s, "application");
		const char *name = app ? app_name(app) : NULL;
		json_t *copy;

		if (!is_of(a, s, id))
			continue;
		copy = json_copy(s);
		move_on(copy, "id", from);
		name_end(a, copy, "client", "client_name");
		name_end(a, copy, "server", "server_name");
		(void)json_object_set_new(copy, "application_name",
					  json_string(name ? name : "unknown"));
		(void)json_array_append_new(list, copy);
	}
	(void)json_object_set_new(page, "sessions", list);
	(void)json_object_set(page, "next", json_object_get(about, "next"));
	move_on(page, "next", from);
	(void)json_object_set_new(result, "page", page);
}

static bool add_sessions(struct agent *a, const json_t *about, json_t *result,
			 struct err *reterr)
{
	json_t *page;

	add_page(a, about, 0, result);
	page = json_object_get(result, "page");
	if (a->splice_plane_up && json_is_null(json_object_get(page, "next")))
		(void)json_object_set_new(page, "next",
					  json_integer(SPLICES_FROM));
	return false;
}

static bool add_spliced(struct agent *a, const json_t *about, json_t *result,
			struct err *reterr)
{
	add_page(a, about, SPLICES_FROM, result);
	return false;
}

static json_t *list_after(uint64_t after)
{
	return json_pack("{s:{s:I}}", "ctrl_list_session", "after",
			 (json_int_t)after);
}

/*
 * What runs at the moment: a page of a data plane's own list. With a workload, or
 * where the splices' begin, a page may have none and yet a "next".
 */
int command_sessions(struct agent *a, struct door_client *c, const json_t *args,
		     json_t *result, struct err *reterr)
{
	struct workload *w = NULL;
	uint64_t after = 0;
	int rc = arg_uint(args, "after", SPLICES_FROM + UINT32_MAX, &after,
			  reterr);

	if (rc == 0 && json_object_get(args, "workload"))
		rc = arg_workload(a, args, &w, reterr);
	if (rc < 0)
		return rc;
	if (w)
		(void)json_object_set_new(result, "workload",
					  json_string(w->id));
	if (after < SPLICES_FROM) {
		door_later_plane_then(c, list_after(after), add_sessions,
				      result);
		return COMMAND_LATER;
	}
	if (!a->splice_plane_up) { /* it has ended since the page before */
		(void)json_object_set_new(
			result, "page",
			json_pack("{s:[], s:n}", "sessions", "next"));
		return 0;
	}
	door_later_planes_then(c, NULL, list_after(after - SPLICES_FROM),
			       add_spliced, result);
	return COMMAND_LATER;
}

/* --- ending one ---------------------------------------------------------------------- */

/* Of one data plane: what the other has ended is there already. */
static bool add_killed(struct agent *a, const json_t *about, json_t *result,
		       struct err *reterr)
{
	static const char *const ways[] = { "killed", "watched" };
	json_int_t left =
		json_integer_value(json_object_get(result, "unknown"));

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		json_int_t n =
			json_integer_value(json_object_get(about, ways[i]));

		left -= n;
		move_on(result, ways[i], n);
	}
	(void)json_object_set_new(result, "unknown", json_integer(left));
	return false;
}

/* NULL: none of them is of that data plane. */
static json_t *kill_of(const json_t *ids, bool of_splices)
{
	json_t *list = json_array(), *id;
	size_t i;

	json_array_foreach (ids, i, id) {
		json_int_t v = json_integer_value(id);

		if ((v >= SPLICES_FROM) == of_splices)
			(void)json_array_append_new(
				list, json_integer(v % SPLICES_FROM));
	}
	if (json_array_size(list) > 0)
		return json_pack("{s:{s:o}}", "weir_kill", "ids", list);
	json_decref(list);
	return NULL;
}

int command_session_kill(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	const json_t *ids = json_object_get(args, "ids"), *id;
	json_t *host, *splices;
	size_t n = json_array_size(ids), i;
	char what[64];

	if (n == 0 || n > SESSIONS_KILL_MAX)
		return err_set(reterr, EINVAL, "ids",
			       "expected 1 to %d ids of sessions",
			       SESSIONS_KILL_MAX);
	json_array_foreach (ids, i, id)
		if (!json_is_integer(id) ||
		    json_integer_value(id) % SPLICES_FROM < 1 ||
		    json_integer_value(id) >= 2 * SPLICES_FROM)
			return err_set(reterr, EINVAL, "ids",
				       "expected ids of sessions, numbers");
	(void)snprintf(what, sizeof what, "%zu session%s were to be ended", n,
		       n == 1 ? "" : "s");
	record_change_by(a, what, c);
	(void)json_object_set_new(result, "killed", json_integer(0));
	(void)json_object_set_new(result, "watched", json_integer(0));
	(void)json_object_set_new(result, "unknown",
				  json_integer((json_int_t)n));
	host = kill_of(ids, false);
	splices = kill_of(ids, true);
	if (!host && !a->splice_plane_up) {
		json_decref(splices);
		return 0;
	}
	door_later_planes_then(c, host, splices, add_killed, result);
	return COMMAND_LATER;
}

/*
 * `map`: the live map whole, or what changed in it since a cursor; or what was
 * recorded between two times. It is written as text, not put together of values:
 * eight thousand edges would be a quarter of a million of those.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "agent/agent.h"
#include "agent/commands.h"
#include "agent/door.h"
#include "agent/map.h"
#include "agent/policy.h"
#include "base/clock.h"
#include "base/text.h"
#include "wire/app.h"
#include "wire/words.h"

/* --- texts ---------------------------------------------------------------------- */

/* A text of JSON; what is no UTF-8 was never let in. */
static void put_string(struct text *t, const char *s)
{
	const char *plain = s;

	text_add(t, "\"", 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		text_add(t, plain, (size_t)(s - plain));
		text_addf(t, "\\u%04x", c);
		plain = s + 1;
	}
	text_add(t, plain, (size_t)(s - plain));
	text_add(t, "\"", 1);
}

static void put_member(struct text *t, const char *name, const char *value)
{
	text_addf(t, ",\"%s\":", name);
	put_string(t, value);
}

static void put_strings(struct text *t, const char *name, const json_t *list)
{
	const json_t *v;
	size_t i;

	text_addf(t, ",\"%s\":[", name);
	json_array_foreach (list, i, v) {
		if (i)
			text_add(t, ",", 1);
		put_string(t, json_string_value(v));
	}
	text_add(t, "]", 1);
}

/* --- nodes -------------------------------------------------------------------------- */

struct sums {
	struct workload_sum *at; /* by workload's place */
};

static bool sum_ports(struct agent *a, struct sums *s)
{
	size_t n = 0;

	s->at = calloc(a->registry.n_workloads + 1, sizeof *s->at);
	if (!s->at)
		return false;
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		w->place = n++;
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload)
			workload_sum_port(&s->at[p->workload->place], p);
	return true;
}

static void put_workload(struct agent *a, struct text *t, struct workload *w,
			 const struct workload_sum *sum)
{
	text_add_word(t, "{\"id\":");
	put_string(t, w->id);
	text_add_word(t, ",\"kind\":\"workload\"");
	put_member(t, "name", workload_name(w));
	put_member(t, "namespace", workload_text(w, "namespace"));
	put_member(t, "service", workload_text(w, "service"));
	put_strings(t, "groups", policy_groups_of(a, w));
	put_member(t, "mode", intent_mode_name(w->intent_mode));
	put_member(t, "state", workload_state(a, w, sum));
	text_add(t, "}", 1);
}

/* Is what is told of it another thing than the last time? */
static void look_at(struct agent *a, struct workload *w,
		    const struct workload_sum *sum)
{
	struct text t = { .at = NULL };
	uint64_t hash;

	put_workload(a, &t, w, sum);
	hash = XXH3_64bits(t.at, t.len);
	text_done(&t);
	if (w->map_told[1] && w->map_told[0] == hash)
		return;
	w->map_told[0] = hash;
	w->map_told[1] = ++a->map->changed;
}

/* An end that is no workload, or one that is gone. */
static void put_other(struct text *t, const struct map_node *n)
{
	static const char *const kinds[MAP_KIND__MAX] = { "workload", "address",
							  "outside" };

	text_add_word(t, "{\"id\":");
	put_string(t, n->id);
	put_member(t, "kind", kinds[n->kind]);
	put_member(t, "name", n->name);
	put_member(t, "namespace", n->namespace);
	put_member(t, "service", n->service);
	text_add_word(t, ",\"groups\":[");
	if (strncmp(n->id, "group:", 6) == 0)
		put_string(t, n->id + 6);
	text_add_word(t, "],\"mode\":\"\"");
	put_member(t, "state", n->kind == MAP_WORKLOAD ? "gone" : "");
	text_add(t, "}", 1);
}

/* --- edges --------------------------------------------------------------------------- */

static void put_ports(struct text *t, const struct map_edge *e)
{
	char proto[PROTO_TEXT_MAX];

	text_add_word(t, ",\"protos_ports\":[");
	for (unsigned i = 0; i < e->n_ports; i++) {
		const struct map_port *p = &e->ports[i];

		if (p->port)
			text_addf(t, "%s\"%s/%u\"", i ? "," : "",
				  proto_name(p->proto, proto), p->port);
		else
			text_addf(t, "%s\"%s\"", i ? "," : "",
				  proto_name(p->proto, proto));
	}
	text_add_word(t, "],\"applications\":[");
	for (unsigned i = 0; i < e->n_apps; i++) {
		const char *name = app_name(e->apps[i].app);

		if (i)
			text_add(t, ",", 1);
		if (name)
			put_string(t, name);
		else
			text_addf(t, "\"%u\"", e->apps[i].app);
	}
	text_add(t, "]", 1);
}

static void put_edge(struct text *t, const struct map_set *s,
		     const struct map_edge *e)
{
	text_add_word(t, "{\"from\":");
	put_string(t, s->nodes[e->from].id);
	put_member(t, "to", s->nodes[e->to].id);
	put_ports(t, e);
	put_member(t, "verdict",
		   e->sums.denied ? "denied"
		   : e->sums.told ? "violation"
				  : "allowed");
	text_addf(t,
		  ",\"sessions\":%u,\"bytes\":%llu,\"denied\":%u,"
		  "\"violations\":%u,\"threats\":%u,\"rule\":%u,"
		  "\"first_seen\":%llu,\"last_seen\":%llu}",
		  e->sums.sessions,
		  (unsigned long long)(e->sums.bytes < INT64_MAX ? e->sums.bytes
								 : INT64_MAX),
		  e->sums.denied, e->sums.told, e->sums.threats, e->rule,
		  (unsigned long long)e->first_s,
		  (unsigned long long)e->last_s);
}

/* --- an answer ------------------------------------------------------------------------- */

/*
 * Which ends an answer needs beside the workloads that it has anyway. needed: by
 * index of the set's nodes.
 */
static void put_nodes(struct agent *a, struct text *t, const struct map_set *s,
		      const bool *needed, const struct sums *sums,
		      uint64_t after, bool only_needed)
{
	const char *comma = "";

	text_add_word(t, "\"nodes\":[");
	for (struct workload *w = a->registry.workloads; w; w = w->next) {
		uint32_t at = map_find_node(s, w->id);
		bool is = at != MAP_NONE && needed[at];

		if (only_needed ? !is : w->map_told[1] <= after)
			continue;
		text_add_word(t, comma);
		put_workload(a, t, w, &sums->at[w->place]);
		comma = ",";
	}
	for (size_t i = 0; i < s->n_nodes; i++) {
		if (!needed[i] ||
		    (s->nodes[i].kind == MAP_WORKLOAD &&
		     registry_by_id(&a->registry, s->nodes[i].id)))
			continue;
		text_add_word(t, comma);
		put_other(t, &s->nodes[i]);
		comma = ",";
	}
	text_add(t, "]", 1);
}

static void put_gone(struct text *t, const struct map *m, uint64_t after)
{
	size_t n = m->n_gone < MAP_GONE_MAX ? m->n_gone : MAP_GONE_MAX;
	const char *comma = "";

	text_add_word(t, ",\"gone\":[");
	for (size_t i = 0; i < n && after; i++) {
		const struct map_gone *g =
			&m->gone[(m->n_gone - n + i) % MAP_GONE_MAX];

		if (g->changed <= after)
			continue;
		text_addf(t, "%s{\"%s\":", comma, g->to ? "from" : "node");
		put_string(t, g->from);
		if (g->to)
			put_member(t, "to", g->to);
		text_add(t, "}", 1);
		comma = ",";
	}
	text_add(t, "]", 1);
}

/* after: edges that changed since; 0: all. */
static void put_edges(struct text *t, const struct map_set *s,
		      const struct map *live, uint64_t after, bool *needed)
{
	const char *comma = "";

	text_add_word(t, ",\"edges\":[");
	for (size_t i = 0; i < s->n_edges; i++) {
		if (after && live && live->more[i].changed <= after)
			continue;
		text_add_word(t, comma);
		put_edge(t, s, &s->edges[i]);
		needed[s->edges[i].from] = needed[s->edges[i].to] = true;
		comma = ",";
	}
	text_add(t, "]", 1);
}

struct ask {
	const struct map_set *set;
	const struct map *live; /* NULL: history */
	uint64_t after;
	uint64_t since, until, left_out;
};

/* The members; NULL: out of memory. */
static char *members(struct agent *a, const struct ask *q, struct err *reterr)
{
	bool *needed = calloc(q->set->n_nodes + 1, sizeof *needed);
	struct text t = { .at = NULL }, edges = { .at = NULL };
	uint64_t first = 0, last = 0;
	struct sums sums = { .at = NULL };
	char *text = NULL;

	if (!needed || !sum_ports(a, &sums) ||
	    map_recorded(a, &first, &last, NULL) < 0)
		goto out;
	for (struct workload *w = a->registry.workloads; q->live && w;
	     w = w->next)
		look_at(a, w, &sums.at[w->place]);
	put_edges(&edges, q->set, q->live, q->after, needed);
	put_nodes(a, &t, q->set, needed, &sums, q->after, !q->live);
	text_add(&t, edges.at, edges.len);
	t.failed |= edges.failed;
	put_gone(&t, a->map, q->live ? q->after : 0);
	text_addf(&t,
		  ",\"next\":%llu,\"whole\":%s,\"since\":%llu,\"until\":%llu,"
		  "\"recorded\":{\"first\":%llu,\"last\":%llu},"
		  "\"left_out\":%llu",
		  (unsigned long long)(q->live ? a->map->changed : 0),
		  q->after ? "false" : "true", (unsigned long long)q->since,
		  (unsigned long long)q->until, (unsigned long long)first,
		  (unsigned long long)last, (unsigned long long)q->left_out);
	text = text_take(&t);
out:
	if (!text)
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	text_done(&t);
	text_done(&edges);
	free(sums.at);
	free(needed);
	return text;
}

static char *live_members(struct agent *a, uint64_t after, struct err *reterr)
{
	struct map *m = a->map;
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	struct ask q = { .set = &m->live, .live = m, .until = now };

	map_tick(a);
	/* one of before, or of another agent, is told all */
	if (after >= m->changed_first && after >= m->gone_forgotten &&
	    after <= m->changed)
		q.after = after;
	q.since = now > 3600 ? now - 3600 : 0;
	q.left_out = m->live.left_out;
	for (unsigned i = 0; i < MAP_SLOTS; i++)
		if (i != m->bucket % MAP_SLOTS)
			q.left_out += m->left_out[i];
	return members(a, &q, reterr);
}

static char *history_members(struct agent *a, uint64_t since, uint64_t until,
			     struct err *reterr)
{
	struct map_set set;
	struct ask q = { .set = &set, .since = since, .until = until };
	char *text = NULL;

	if (!map_set_init(&set)) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	map_tick(a);
	if (map_history(a, &q.since, &q.until, &set, reterr) == 0) {
		q.left_out = set.left_out;
		text = members(a, &q, reterr);
	}
	map_set_done(&set);
	return text;
}

int command_map(struct agent *a, struct door_client *c, const json_t *args,
		json_t *result, struct err *reterr)
{
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	uint64_t since = 0, until = 0, after = 0;
	int rc = arg_uint(args, "since", UINT32_MAX, &since, reterr);
	char *text;

	if (rc == 0)
		rc = arg_uint(args, "until", UINT32_MAX, &until, reterr);
	if (rc == 0)
		rc = arg_uint(args, "after", INT64_MAX, &after, reterr);
	if (rc < 0)
		return rc;
	if (until && until < since)
		return err_set(reterr, EINVAL, "until", "is before since");
	if (until > now || !until)
		until = since || until ? now : 0;
	text = until ? history_members(a, since, until, reterr)
		     : live_members(a, after, reterr);
	if (!text)
		return -reterr->code;
	door_answer_text(c, text);
	return 0;
}

#include "agent/gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_fleet.h"
#include "wire/has_text.h"
#include "wire/member.h"

/* A cursor's lower bits: of those that fit, from that message on, so many were told. */
#define SKIP_BITS 20
#define SKIP_MAX  ((1u << SKIP_BITS) - 1)
_Static_assert(FLEET_READ_MESSAGES_MAX *FLEET_BATCH_MAX <= SKIP_MAX,
	       "all that one question reads can be counted");
/* A node's clock and a server's may be so far apart. */
#define CLOCKS_S 600
#define FORM	 1

struct gather {
	struct gather_query q;
	char *texts[4];	    /* what q borrows */
	json_t *list, *had; /* had: {"NODE/STORE/NUMBER": true} */
	uint64_t top; /* the message that `fit` is counted from; 0: none yet */
	uint64_t fit, skip; /* from there on; those that are not told again */
	bool is_full, is_over, failed;
	uint64_t messages, bytes, damaged, oldest_s;
};

static bool keep(const char **text, char **ret)
{
	if (!*text)
		return true;
	*text = *ret = strdup(*text);
	return *text;
}

struct gather *gather_new(const struct gather_query *q)
{
	struct gather *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	g->q = *q;
	g->list = json_array();
	g->had = json_object();
	g->skip = q->before & SKIP_MAX;
	if (g->list && g->had && keep(&g->q.workload, &g->texts[0]) &&
	    keep(&g->q.text, &g->texts[1]) && keep(&g->q.kind, &g->texts[2]) &&
	    keep(&g->q.node, &g->texts[3]))
		return g;
	gather_free(g);
	return NULL;
}

void gather_free(struct gather *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < sizeof g->texts / sizeof *g->texts; i++)
		free(g->texts[i]);
	json_decref(g->list);
	json_decref(g->had);
	free(g);
}

uint64_t gather_from(const struct gather *g)
{
	return g->q.before >> SKIP_BITS;
}

/* --- what fits ---------------------------------------------------------------- */

static bool is_events(const struct gather *g)
{
	return g->q.stream == FLEET_EVENTS;
}

static const char *time_member(const struct gather *g)
{
	return is_events(g) ? "at" : "last_seen";
}

/* By its name, its id, or "NODE/ID", as other nodes know it. */
static bool is_whose(const char *want, const char *node, const char *name,
		     const char *id)
{
	size_t n = strlen(node);

	if (!id[0])
		return false;
	return strcmp(want, id) == 0 || strcmp(want, name) == 0 ||
	       (strncmp(want, node, n) == 0 && want[n] == '/' &&
		strcmp(want + n + 1, id) == 0);
}

static bool is_of_workload(const struct gather *g, const char *node,
			   const json_t *o)
{
	static const char *const ends[][2] = { { "client", "client_id" },
					       { "server", "server_id" } };
	const char *want = g->q.workload, *id = member_text(o, "workload");

	if (is_events(g) && is_whose(want, node, id, id))
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const char *end = member_text(o, ends[i][1]);

		/* of an event only at whose port it was seen */
		if ((!is_events(g) || strcmp(end, id) == 0) &&
		    is_whose(want, node, member_text(o, ends[i][0]), end))
			return true;
	}
	return false;
}

/* Also "tcp/443", which stands in no member. */
static bool has_text(const struct gather *g, const json_t *o)
{
	char port[32];

	if (json_has_text(o, g->q.text))
		return true;
	(void)snprintf(port, sizeof port, "%.10s/%llu", member_text(o, "proto"),
		       (unsigned long long)member_number(o, "port"));
	return !is_events(g) && strcasestr(port, g->q.text);
}

static bool fits(const struct gather *g, const char *node, const json_t *o)
{
	const struct gather_query *q = &g->q;
	uint64_t at_s = member_number(o, time_member(g));

	if (at_s < q->since_s || (q->until_s && at_s > q->until_s))
		return false;
	if (q->kind && strcmp(member_text(o, "kind"), q->kind) != 0)
		return false;
	if (q->rule && member_number(o, "rule") != q->rule)
		return false;
	if (q->only_violations && !member_number(o, "violations"))
		return false;
	if (q->workload && !is_of_workload(g, node, o))
		return false;
	return !q->text || has_text(g, o);
}

/* --- batches -------------------------------------------------------------------- */

/* Was it told of already, by a later one? Notes that it is now. */
static bool was_had(struct gather *g, const char *node, const char *store,
		    const json_t *o)
{
	char key[FLEET_NAME_MAX + 96];

	(void)snprintf(key, sizeof key, "%s/%.64s/%lld", node, store,
		       (long long)json_integer_value(json_object_get(
			       o, is_events(g) ? "number" : "id")));
	if (json_object_get(g->had, key))
		return true;
	g->failed |= json_object_set_new(g->had, key, json_true()) < 0;
	return false;
}

/* It is a part of this page. */
static void add(struct gather *g, const char *node, json_t *o)
{
	/* nobody sends it; an answer that has it would be read as unmasked */
	(void)json_object_del(o, "raw");
	/* of a change: where it was made */
	if (json_object_get(o, "node"))
		(void)json_object_set(o, "made_on", json_object_get(o, "node"));
	if (json_object_set_new(o, "node", json_string(node)) < 0 ||
	    json_array_append(g->list, o) < 0)
		g->failed = true;
}

static void take_one(struct gather *g, const char *node, const char *store,
		     json_t *o)
{
	bool fit;

	/* of a flow also one that does not fit: those before are not it any more */
	if (!json_is_object(o) || (!is_events(g) && was_had(g, node, store, o)))
		return;
	fit = fits(g, node, o);
	if (!fit || (is_events(g) && was_had(g, node, store, o)))
		return;
	if (g->fit++ < g->skip)
		return;
	add(g, node, o);
	g->is_full = json_array_size(g->list) >= g->q.limit;
}

/* A batch that is one; NULL: it is damaged, or of a later version. */
static json_t *batch_of(const struct gather *g, const struct fleet_stored *m)
{
	json_t *o = m->text ? json_loadb(m->text, m->len, 0, NULL) : NULL;
	json_t *list = json_object_get(o, is_events(g) ? "events" : "flows");

	if (member_number(o, "form") == FORM && member_text(o, "store")[0] &&
	    json_is_array(list) && json_array_size(list) <= FLEET_BATCH_MAX)
		return o;
	json_decref(o);
	return NULL;
}

static void take_batch(struct gather *g, const struct fleet_stored *m)
{
	json_t *o = batch_of(g, m);
	json_t *list = json_object_get(o, is_events(g) ? "events" : "flows");

	g->bytes += m->len;
	g->damaged += !o;
	/* events do not come again: where they are counted from can follow */
	if (!g->top || is_events(g)) {
		if (m->seq != gather_from(g))
			g->skip = 0;
		g->top = m->seq;
		g->fit = 0;
	}
	for (size_t n = json_array_size(list); n > 0 && !g->is_full; n--)
		take_one(g, m->node, member_text(o, "store"),
			 json_array_get(list, n - 1));
	json_decref(o);
}

bool gather_take(struct gather *g, const struct fleet_stored *m)
{
	g->messages++;
	if (m->at_s)
		g->oldest_s = m->at_s;
	/* what was stored before then was seen before */
	if (m->at_s && m->at_s + CLOCKS_S < g->q.since_s)
		g->is_over = true;
	else if (!g->q.node || strcmp(g->q.node, m->node) == 0)
		take_batch(g, m);
	return !g->is_full && !g->is_over && !g->failed;
}

/* --- the page --------------------------------------------------------------------- */

struct placed {
	json_t *o;
	uint64_t at_s;
	size_t place;
};

static int later_first(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->at_s != y->at_s)
		return x->at_s < y->at_s ? 1 : -1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* NULL: out of memory. */
static json_t *by_time(const struct gather *g)
{
	size_t n = json_array_size(g->list);
	struct placed *p = calloc(n + 1, sizeof *p);
	json_t *sorted = p ? json_array() : NULL;

	for (size_t i = 0; sorted && i < n; i++) {
		p[i].o = json_array_get(g->list, i);
		p[i].at_s = member_number(p[i].o, time_member(g));
		p[i].place = i;
	}
	if (sorted)
		qsort(p, n, sizeof *p, later_first);
	for (size_t i = 0; sorted && i < n; i++)
		if (json_array_append(sorted, p[i].o) < 0) {
			json_decref(sorted);
			sorted = NULL;
		}
	free(p);
	return sorted;
}

int gather_tell(struct gather *g, uint64_t next, json_t *result)
{
	bool cut = !g->is_full && !g->is_over && next;
	json_t *list = g->failed ? NULL : by_time(g), *read;
	uint64_t before = 0;

	if (!list)
		return -ENOMEM;
	if (g->is_full)
		before = g->top << SKIP_BITS | g->fit;
	else if (cut)
		before = next << SKIP_BITS;
	(void)json_object_set_new(result, is_events(g) ? "events" : "flows",
				  list);
	(void)json_object_set_new(result, "more", json_boolean(before));
	if (before)
		(void)json_object_set_new(result, "before",
					  json_integer((json_int_t)before));
	read = json_pack("{s:I, s:I, s:I, s:I, s:b}", "messages",
			 (json_int_t)g->messages, "bytes", (json_int_t)g->bytes,
			 "damaged", (json_int_t)g->damaged, "oldest",
			 (json_int_t)g->oldest_s, "cut", cut);
	return json_object_set_new(result, "fleet", read) < 0 ? -ENOMEM : 0;
}

/*
 * A ring of texts: most are never asked for again, and as objects they would be
 * five times as large. Its numbers are the agent's own, counted up in one run
 * (its epoch); who comes with another run's begins at the oldest. In each record
 * stand `plane` and `number`, by which it is known for good: so a reader that
 * begins anew knows what it has had.
 *
 * What a connection between two guarded workloads is, both their data planes'
 * sides tell. As with what is recorded (record.c), the server's counts, but for
 * what was not allowed at the client's.
 */
#include "agent/trail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "base/clock.h"
#include "base/limits_trail.h"
#include "wire/member.h"
#include "wire/words.h"

struct trail_kept {
	uint64_t epoch;
	char *at[TRAIL_KEPT_MAX]; /* owned; number n is at n % TRAIL_KEPT_MAX */
	uint64_t first, next;	  /* numbers: first..next-1 are there */
	size_t bytes;
	uint64_t lost; /* before they came here */
	bool wanted;
};

static void drop_oldest(struct trail_kept *t)
{
	char **at = &t->at[t->first++ % TRAIL_KEPT_MAX];

	t->bytes -= strlen(*at);
	free(*at);
	*at = NULL;
}

static void keep(struct trail_kept *t, char *text)
{
	while (t->first < t->next && (t->next - t->first == TRAIL_KEPT_MAX ||
				      t->bytes > TRAIL_KEPT_BYTES))
		drop_oldest(t);
	t->at[t->next++ % TRAIL_KEPT_MAX] = text;
	t->bytes += strlen(text);
}

static bool is_guarded(const struct agent *a, const struct workload *w)
{
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == w && p->state == PORT_DIVERTED &&
		    (p->mode == INPLACE_TAP || p->mode == INPLACE_INLINE))
			return true;
	return false;
}

/* "client" is who, and "client_address" where, as of an event. */
static void set_end(json_t *o, const char *end, const char *id,
		    const char *address, const struct workload *w)
{
	(void)json_object_set(o, address, json_object_get(o, end));
	(void)json_object_set_new(o, id, json_string(w ? w->id : ""));
	(void)json_object_set_new(o, end,
				  json_string(w ? workload_name(w) : ""));
}

static void tell(struct agent *a, const json_t *told, uint64_t epoch)
{
	bool in = strcmp(member_text(told, "direction"), "ingress") == 0;
	struct workload *w, *other, *client, *server;
	struct ip_addr from, to;
	struct mac mac;
	json_t *o;
	char *text;

	if (ip_parse(member_text(told, "client"), &from) < 0 ||
	    ip_parse(member_text(told, "server"), &to) < 0)
		return;
	w = mac_parse(member_text(told, "workload"), &mac) == 0
		    ? registry_by_mac(&a->registry, mac)
		    : NULL;
	other = registry_by_addr(&a->registry, in ? from : to);
	client = in ? other : w;
	server = in ? w : other;
	if (!in && server && server != w &&
	    !json_is_true(json_object_get(told, "blocked")) &&
	    policy_action_by_name(member_text(told, "action")) <
		    POLICY_VIOLATE &&
	    is_guarded(a, server))
		return;
	o = json_copy((json_t *)(uintptr_t)told);
	set_end(o, "client", "client_id", "client_address", client);
	set_end(o, "server", "server_id", "server_address", server);
	(void)json_object_set_new(o, "workload", json_string(w ? w->id : ""));
	(void)json_object_set_new(o, "plane", json_integer((json_int_t)epoch));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text)
		keep(a->trail, text);
	else
		a->trail->lost++;
}

void trail_told(struct agent *a, const json_t *list, uint64_t epoch,
		uint64_t missed)
{
	const json_t *o;
	size_t i;

	a->trail->lost += missed;
	json_array_foreach (list, i, o)
		tell(a, o, epoch);
}

/* Of both data planes, also of those that come later. */
static void want(struct agent *a)
{
	a->trail->wanted = true;
	if (a->plane)
		plane_want_trail(a->plane);
	if (a->splice_plane)
		plane_want_trail(a->splice_plane);
}

int command_trail(struct agent *a, struct door_client *c, const json_t *args,
		  json_t *result, struct err *reterr)
{
	struct trail_kept *t = a->trail;
	uint64_t after = 0, epoch = 0, limit = TRAIL_PAGE_MAX, from;
	json_t *list;
	int rc = arg_uint(args, "after", INT64_MAX, &after, reterr);

	if (rc == 0)
		rc = arg_uint(args, "epoch", INT64_MAX, &epoch, reterr);
	if (rc == 0)
		rc = arg_uint(args, "limit", TRAIL_PAGE_MAX, &limit, reterr);
	if (rc < 0)
		return rc;
	want(a);
	if (epoch != t->epoch || after >= t->next)
		after = 0;
	from = after < t->first ? t->first : after + 1;
	list = json_array();
	for (; from < t->next && limit--; from++)
		(void)json_array_append_new(
			list,
			json_loads(t->at[from % TRAIL_KEPT_MAX], 0, NULL));
	(void)json_object_set_new(result, "trail", list);
	(void)json_object_set_new(result, "next",
				  json_integer((json_int_t)(from - 1)));
	(void)json_object_set_new(result, "more", json_boolean(from < t->next));
	(void)json_object_set_new(result, "epoch",
				  json_integer((json_int_t)t->epoch));
	(void)json_object_set_new(
		result, "missed",
		json_integer((json_int_t)(after && after + 1 < t->first
						  ? t->first - after - 1
						  : 0)));
	(void)json_object_set_new(result, "lost",
				  json_integer((json_int_t)t->lost));
	return 0;
}

int trail_start(struct agent *a, struct err *reterr)
{
	a->trail = calloc(1, sizeof *a->trail);
	if (!a->trail)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	a->trail->epoch = clock_unix_us(); /* another one in every run */
	a->trail->first = a->trail->next = 1;
	return 0;
}

void trail_stop(struct agent *a)
{
	struct trail_kept *t = a->trail;

	if (!t)
		return;
	while (t->first < t->next)
		drop_oldest(t);
	free(t);
	a->trail = NULL;
}

bool trail_is_wanted(const struct agent *a)
{
	return a->trail->wanted;
}

/*
 * The fleet as it is shown. What other nodes say of themselves (which revision they have in
 * force, how they are) is said again to nobody: of a thousand who say so each 15 seconds, and
 * after each change, that were a million messages. Who asks reads what is new since it was
 * asked here last, so it is known when a node said it, and not when that was heard.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/commands.h"
#include "agent/door_client.h"
#include "agent/member_own.h"
#include "agent/peers.h"
#include "base/clock.h"
#include "wire/member.h"

/* Whether they still say something is known if it was just read. */
static json_t *nodes_json(const struct agent *a, bool was_read)
{
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	json_t *nodes = peers_json(a), *node;
	size_t i;

	json_array_foreach (nodes, i, node) {
		uint64_t seen = member_number(node, "seen");

		(void)json_object_set_new(
			node, "silent",
			json_boolean(was_read &&
				     now > seen + 3 * MEMBER_BEAT_S));
	}
	return nodes;
}

/* why: what others say could not be read; else its code is 0. */
static void tell(const struct agent *a, json_t *result, const struct err *why)
{
	json_t *fleet = member_json(a);

	if (why->code && a->member->up)
		(void)json_object_set_new(fleet, "nodes_text",
					  json_string(why->text));
	(void)json_object_set_new(result, "fleet", fleet);
	(void)json_object_set_new(result, "nodes", nodes_json(a, !why->code));
}

int command_fleet(struct agent *a, struct door_client *c, const json_t *args,
		  json_t *result, struct err *reterr)
{
	struct member *m = a->member;
	struct waiting *w;
	struct err err = { 0 };

	if (!m)
		return err_set(
			reterr, ENOENT, NULL,
			"this host is of no fleet: the configuration has "
			"no cluster.servers");
	w = member_waiting_add(a, &err);
	if (w && fleet_states(m->fleet, w->token, &err) < 0) {
		free(member_waiting_take(m, w->token));
		w = NULL;
	}
	if (!w) {
		tell(a, result, &err);
		return 0;
	}
	w->of_states = true;
	w->work = door_later_work(c, result);
	return COMMAND_LATER;
}

/* Takes w. */
static void finish(struct agent *a, struct waiting *w, const struct err *why)
{
	struct door_client *c = door_waits(a, w->work);

	if (c) {
		tell(a, c->result, why);
		door_worked(a, w->work, NULL);
	}
	free(w);
}

void member_states_read(struct agent *a, const struct fleet_news *n)
{
	struct waiting *w = member_waiting_take(a->member, n->token);

	if (w)
		finish(a, w, &n->err);
}

void member_states_down(struct agent *a)
{
	struct waiting *w = a->member->waiting;

	while (w) {
		if (!w->of_states) {
			w = w->next;
			continue;
		}
		finish(a, member_waiting_take(a->member, w->token),
		       &a->member->why);
		w = a->member->waiting; /* who was answered may have asked on */
	}
}

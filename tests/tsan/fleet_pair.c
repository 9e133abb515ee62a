/*
 * fleet_pair URL ROUNDS: two nodes of a fleet in one process, for fleet.sh, which kills
 * and starts their server meanwhile. In each round one of them changes the policy, each
 * tells an inventory and what it learned, asks the other, sends events, and reads what both
 * sent; it ends when both have heard all that. Somewhere in a round one of them is freed and
 * made again, as it is.
 *
 * Prints "round N", "down N" when a node hears that it is cut off, and "open N" when what
 * became of that round's change was not told; at the end both
 * have the same policy, with each round's change once and in their order.
 */
#include "fleet/fleet.h"

#include <errno.h>
#include <nats/nats.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "fleet/pack.h"

#define AGAIN_US 1000000
/* Within so many news of a round one is freed. */
#define NEWS_OF_ROUND 40
/* More than are read between two other orders. */
#define READ_MAX 50

struct side {
	const char *name, *other;
	struct fleet *fleet;
	bool up, heard;			  /* heard: which policy, or none */
	uint64_t revision, last_revision; /* last: also before it was freed */
	json_t *rounds;			  /* of the policy; owned */
	bool proposing, asking, sending, looking, learning, seeing;
	uint64_t token; /* of all of these: the round's, and how often */
	usec_t asked;
	/* What is done in this round. */
	bool told, answered, sent, found, has_read;
	/* What is read of what both sent; the fleet's thread's until it is told. */
	bool reading;
	unsigned n_read;
	uint64_t read_seq;
	unsigned other_told, other_is; /* its last inventory, and state */
	unsigned other_learned;	       /* likewise */
};

struct pair {
	const char *url;
	unsigned round;
	struct side sides[2];
	uint64_t random, token;
	unsigned n_news, free_at, anew_at, downs; /* anew_at 0: not any more */
};

static uint32_t draw(struct pair *p, uint32_t below)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (uint32_t)(p->random >> 32) % below;
}

/* --- coming and going --------------------------------------------------------- */

static struct fleet_spec spec_of(const struct pair *p, const struct side *s)
{
	return (struct fleet_spec){
		.name = "pair",
		.node = s->name,
		.servers = { p->url },
		.n_servers = 1,
		.events_days = 1,
		.flows_days = 1,
		.events_bytes = 1 << 24,
		.flows_bytes = 1 << 24,
	};
}

static void side_begin(const struct pair *p, struct side *s)
{
	struct fleet_spec spec = spec_of(p, s);
	struct err err;

	s->fleet = fleet_new(&spec, &err);
	if (!s->fleet)
		die("%s: %s", err.at, err.text);
}

static void side_end(struct side *s)
{
	fleet_free(s->fleet);
	json_decref(s->rounds);
	s->fleet = NULL;
	s->rounds = NULL;
}

static void side_again(const struct pair *p, struct side *s)
{
	side_end(s);
	s->up = s->heard = false;
	s->revision = 0;
	s->proposing = s->asking = s->sending = s->looking = s->learning =
		s->seeing = s->reading = false;
	s->told = false; /* it may not have been sent */
	s->other_told = s->other_is = s->other_learned = 0;
	side_begin(p, s);
}

/* As after a reload with other certificates. */
static void side_connect_anew(const struct pair *p, struct side *s)
{
	struct fleet_spec spec = spec_of(p, s);
	struct err err;

	BUG_ON(fleet_connect_anew(s->fleet, &spec, &err) < 0);
}

/* --- news ------------------------------------------------------------------------- */

static void take_policy(struct side *s, const struct fleet_news *n)
{
	json_t *o = n->text ? json_loadb(n->text, n->len, 0, NULL) : NULL;

	BUG_ON((n->revision != 0) != (o != NULL));
	/* a policy that was there is never gone, nor an older one's */
	BUG_ON(n->revision < s->last_revision);
	json_decref(s->rounds);
	s->rounds = json_incref(json_object_get(o, "rounds"));
	json_decref(o);
	s->revision = s->last_revision = n->revision;
	s->heard = true;
}

static void take_question(struct side *s, const struct fleet_news *n)
{
	char text[256];

	(void)snprintf(text, sizeof text, "%s says %s", s->name, n->text);
	fleet_answer(s->fleet, n->reply, text);
}

static void take_answer(struct pair *p, struct side *s,
			const struct fleet_news *n)
{
	char want[256];

	if (n->token != s->token || !s->asking)
		return; /* of a question before */
	s->asking = false;
	if (n->err.code)
		return;
	(void)snprintf(want, sizeof want, "%s says what %u", s->other,
		       p->round);
	BUG_ON(strcmp(n->text, want) != 0);
	s->answered = true;
}

static void take_last(struct pair *p, struct side *s,
		      const struct fleet_news *n)
{
	char want[64];

	s->looking = false;
	if (n->err.code)
		return;
	(void)snprintf(want, sizeof want, "event %u", p->round);
	BUG_ON(!n->text || strcmp(n->text, want) != 0);
	s->found = true;
}

static bool read_one(void *arg, const struct fleet_stored *m)
{
	struct side *s = arg;

	BUG_ON(s->read_seq && m->seq >= s->read_seq);
	BUG_ON(!m->text || strncmp(m->text, "event ", 6) != 0);
	BUG_ON(strcmp(m->node, s->name) != 0 && strcmp(m->node, s->other) != 0);
	s->read_seq = m->seq;
	return ++s->n_read < READ_MAX;
}

static void take_read(struct side *s, const struct fleet_news *n)
{
	s->reading = false;
	if (n->err.code)
		return;
	BUG_ON(s->n_read == 0 || (n->revision && s->n_read != READ_MAX));
	BUG_ON(n->revision >= s->read_seq);
	s->has_read = true;
}

static void take_node(struct side *s, const struct fleet_news *n)
{
	struct err err;
	size_t len;
	char *text;

	if (!n->text || strcmp(n->node, s->other) != 0)
		return;
	if (n->key == FLEET_INVENTORY)
		s->other_told = (unsigned)strtoul(n->text, NULL, 10);
	if (n->key == FLEET_STATE)
		s->other_is = (unsigned)strtoul(n->text, NULL, 10);
	if (n->key != FLEET_LEARNED)
		return;
	text = unpack_text(n->text, n->len, &len, &err);
	BUG_ON(!text);
	s->other_learned = (unsigned)strtoul(text, NULL, 10);
	free(text);
}

static void take(struct pair *p, struct side *s, const struct fleet_news *n)
{
	switch (n->kind) {
	case FLEET_UP: s->up = true; break;
	case FLEET_DOWN:
		s->up = false;
		printf("down %u\n", ++p->downs);
		break;
	case FLEET_POLICY: take_policy(s, n); break;
	case FLEET_PROPOSED:
		s->proposing = false;
		if (n->err.code == ETIMEDOUT)
			printf("open %u\n", p->round);
		break;
	case FLEET_NODE: take_node(s, n); break;
	case FLEET_LEARNING: BUG_ON(n->err.code || !n->may); break;
	case FLEET_HEARD: s->learning = false; break;
	case FLEET_STATES: s->seeing = false; break;
	case FLEET_SENT:
		s->sending = false;
		s->sent = !n->err.code;
		break;
	case FLEET_LAST: take_last(p, s, n); break;
	case FLEET_ASKED: take_question(s, n); break;
	case FLEET_ANSWERED: take_answer(p, s, n); break;
	case FLEET_READ: take_read(s, n); break;
	case FLEET_FORGOTTEN: BUG_ON(true);
	}
}

static void take_all(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &p->sides[i];
		struct fleet_news n;

		while (p->n_news != p->free_at && fleet_next(s->fleet, &n)) {
			take(p, s, &n);
			fleet_news_done(&n);
			p->n_news++;
		}
	}
}

/* --- a round ------------------------------------------------------------------------- */

static bool has_round(const struct side *s, unsigned round)
{
	size_t n = json_array_size(s->rounds);

	return n && json_integer_value(json_array_get(s->rounds, n - 1)) ==
			    (json_int_t)round;
}

/* What cannot be ordered now is ordered again by the next call. */
static void propose(struct pair *p, struct side *s)
{
	json_t *next, *about;
	char *text;
	struct err err;

	if (!s->up || !s->heard || s->proposing || has_round(s, p->round))
		return;
	next = s->rounds ? json_deep_copy(s->rounds) : json_array();
	(void)json_array_append_new(next, json_integer((json_int_t)p->round));
	next = json_pack("{s:o}", "rounds", next);
	about = json_pack("{s:s}", "what", "a round");
	text = json_dumps(next, JSON_COMPACT);
	s->proposing = fleet_propose(s->fleet, s->revision, text, about,
				     p->round, &err) == 0;
	free(text);
	json_decref(next);
	json_decref(about);
}

static void ask(struct pair *p, struct side *s)
{
	char text[64];
	struct err err;

	if (s->answered || !s->up ||
	    (s->asking && usec_since(clock_now(), s->asked) < AGAIN_US))
		return;
	s->token = ++p->token;
	s->asked = clock_now();
	(void)snprintf(text, sizeof text, "what %u", p->round);
	s->asking = fleet_ask(s->fleet, s->other, text, s->token, &err) == 0;
}

static void send(struct pair *p, struct side *s)
{
	char text[64];
	struct err err;

	(void)snprintf(text, sizeof text, "event %u", p->round);
	if (s->up && !s->sent && !s->sending)
		s->sending = fleet_send(s->fleet, FLEET_EVENTS, text, p->round,
					&err) == 0;
	if (s->up && s->sent && !s->found && !s->looking)
		s->looking =
			fleet_last(s->fleet, FLEET_EVENTS, p->round, &err) == 0;
	if (s->up && s->found && !s->has_read && !s->reading) {
		s->n_read = 0;
		s->read_seq = 0;
		s->reading = fleet_read(s->fleet, FLEET_EVENTS, 0, read_one, s,
					p->round, &err) == 0;
	}
}

static void tell(struct pair *p, struct side *s)
{
	char text[16];
	struct err err;

	if (s->told)
		return;
	(void)snprintf(text, sizeof text, "%u", p->round);
	BUG_ON(fleet_tell(s->fleet, FLEET_STATE, text, &err) < 0);
	BUG_ON(fleet_tell(s->fleet, FLEET_INVENTORY, text, &err) < 0);
	BUG_ON(fleet_tell(s->fleet, FLEET_LEARNED, text, &err) < 0);
	s->told = true;
}

static void read_learned(struct pair *p, struct side *s)
{
	struct err err;

	if (s->up && !s->learning && s->other_learned != p->round)
		s->learning = fleet_learned(s->fleet, ++p->token, &err) == 0;
}

static void read_states(struct pair *p, struct side *s)
{
	struct err err;

	if (s->up && !s->seeing && s->other_is != p->round)
		s->seeing = fleet_states(s->fleet, ++p->token, &err) == 0;
}

static bool is_done(const struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct side *s = &p->sides[i];

		if (!has_round(s, p->round) || !s->answered || !s->has_read ||
		    s->other_told != p->round || s->other_is != p->round ||
		    s->other_learned != p->round)
			return false;
	}
	return true;
}

static void wait_for_news(const struct pair *p)
{
	struct pollfd fds[2] = {
		{ .fd = fleet_fd(p->sides[0].fleet), .events = POLLIN },
		{ .fd = fleet_fd(p->sides[1].fleet), .events = POLLIN },
	};

	(void)poll(fds, 2, 100); /* what failed is tried again */
}

/* As it could come of anybody who may write it: that is no version of the policy. */
static void put_garbage(const struct pair *p)
{
	natsConnection *nc = NULL;

	if (natsConnection_ConnectTo(&nc, p->url) == NATS_OK) {
		(void)natsConnection_PublishString(nc, "$KV.pair-policy.intent",
						   "{}\n");
		(void)natsConnection_Flush(
			nc); /* else there is none, this time */
	}
	natsConnection_Destroy(nc);
}

static void run_round(struct pair *p)
{
	if (p->round % 5 == 4)
		put_garbage(p);
	p->n_news = 0;
	p->free_at = draw(p, NEWS_OF_ROUND);
	p->anew_at = 1 + draw(p, NEWS_OF_ROUND / 2);
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &p->sides[i];

		s->told = s->answered = s->sent = s->found = s->has_read =
			false;
	}
	while (!is_done(p)) {
		propose(p, &p->sides[p->round % 2]);
		for (unsigned i = 0; i < 2; i++) {
			tell(p, &p->sides[i]);
			ask(p, &p->sides[i]);
			send(p, &p->sides[i]);
			read_learned(p, &p->sides[i]);
			read_states(p, &p->sides[i]);
		}
		if (p->anew_at && p->n_news >= p->anew_at) {
			side_connect_anew(p, &p->sides[draw(p, 2)]);
			p->anew_at = 0;
		}
		if (p->n_news == p->free_at) {
			side_again(p, &p->sides[draw(p, 2)]);
			p->free_at = NEWS_OF_ROUND + draw(p, NEWS_OF_ROUND);
		} else {
			wait_for_news(p);
		}
		take_all(p);
	}
	printf("round %u\n", p->round);
}

int main(int argc, char **argv)
{
	struct pair p = {
		.sides = { { .name = "a", .other = "b" },
			   { .name = "b", .other = "a" } },
		.random = clock_unix_us() | 1,
	};
	unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (rounds == 0)
		die("usage: fleet_pair URL ROUNDS");
	p.url = argv[1];
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < 2; i++) {
		side_begin(&p, &p.sides[i]);
		side_again(&p, &p.sides[i]); /* before anything could happen */
	}
	while (p.round < rounds) {
		p.round++;
		run_round(&p);
	}
	BUG_ON(p.sides[0].revision != p.sides[1].revision ||
	       !json_equal(p.sides[0].rounds, p.sides[1].rounds) ||
	       json_array_size(p.sides[0].rounds) != rounds);
	for (size_t i = 0; i < rounds; i++)
		BUG_ON(json_integer_value(json_array_get(
			       p.sides[0].rounds, i)) != (json_int_t)i + 1);
	side_end(&p.sides[0]);
	side_end(&p.sides[1]);
	printf("the same\n");
	return 0;
}

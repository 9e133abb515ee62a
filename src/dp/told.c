/*
 * Connections are kept by worth, as in the worker's own table
 * (inspect/report.h): violations and threats, what a rule is to be learned
 * from, and the rest, a ring each (backlog.h). However many plain records come,
 * a violation gives way only to a later violation, and each ring holds all
 * that one drain can bring. What a reader misses is counted for that reader.
 *
 * A worker's table holds what comes in half a second at 30,000 new ones a second;
 * who has many is looked at more often, so one that fills does so between two
 * looks only.
 *
 * A drain is one round: as many records as were waiting when it began. What
 * the worker adds meanwhile waits for the next, so a drain ends.
 */
#include "dp/told.h"

#include <errno.h>

#include "base/bug.h"
#include "base/limits.h"
#include "dp/ask.h"
#include "inspect/report.h"
#include "wire/words.h"

#define LOOK_EVERY_US	     (USEC_PER_SEC / 2)
#define THREATS_EVERY_US     (2 * USEC_PER_SEC)
#define CONNECTIONS_EVERY_US (5 * USEC_PER_SEC)
/* So many in half a second are many: take them, and look again soon. */
#define MANY	      (REPORTS_MAX / 4)
#define LOOK_AGAIN_US (USEC_PER_SEC / 20)

_Static_assert(REPORT_WORTH__MAX <= BACKLOG_WORTHS_MAX, "a ring a worth");
_Static_assert(TOLD_CONNECTIONS_MAX >= REPORTS_MAX, "a drain fits");

int told_init(struct told *t, unsigned n_workers, uint64_t epoch, usec_t now)
{
	uint32_t connections = n_workers * TOLD_CONNECTIONS_MAX;

	BUG_ON(epoch == 0 || epoch > TOLD_EPOCH_MAX);
	if (connections < TOLD_CONNECTIONS_MIN)
		connections = TOLD_CONNECTIONS_MIN;
	t->epoch = epoch;
	t->connections = backlog_new(sizeof(struct connection_record),
				     REPORT_WORTH__MAX, connections);
	t->threats = backlog_new(sizeof(struct threat_record), 1,
				 n_workers * TOLD_THREATS_MAX);
	t->findings = backlog_new(sizeof(struct finding_record), 1,
				  n_workers * TOLD_FINDINGS_MAX);
	t->trail = backlog_new(sizeof(struct trail_record), 1,
			       n_workers * TOLD_TRAIL_MAX);
	t->next_look = usec_add(now, LOOK_EVERY_US);
	t->next_threats = usec_add(now, THREATS_EVERY_US);
	t->next_connections = usec_add(now, CONNECTIONS_EVERY_US);
	return t->connections && t->threats && t->findings && t->trail
		       ? 0
		       : -ENOMEM;
}

void told_done(struct told *t)
{
	backlog_free(t->connections);
	backlog_free(t->threats);
	backlog_free(t->findings);
	backlog_free(t->trail);
	*t = (struct told){ 0 };
}

int told_wait_ms(const struct told *t, usec_t now)
{
	/* rounded up: a poll that ends just before the turn is in vain */
	return (int)(usec_since(t->next_look, now) / 1000) + 1;
}

static enum report_worth worth_of(const struct connection_record *c)
{
	if (c->violations || c->threat_id || c->action >= POLICY_VIOLATE)
		return REPORT_VIOLATION;
	return c->action == POLICY_LEARN ? REPORT_LEARN : REPORT_PLAIN;
}

void told_add_connection(struct told *t, const struct connection_record *c)
{
	(void)backlog_add(t->connections, worth_of(c), c);
}

void told_add_threat(struct told *t, const struct threat_record *r)
{
	(void)backlog_add(t->threats, 0, r);
}

void told_add_finding(struct told *t, const struct finding_record *r)
{
	(void)backlog_add(t->findings, 0, r);
}

void told_add_trail(struct told *t, const struct trail_record *r)
{
	(void)backlog_add(t->trail, 0, r);
}

static void drain_connections(struct told *t, struct worker *w, uint32_t n)
{
	struct connection_page page = { .n = CONNECTIONS_PER_MSG };

	for (uint32_t done = 0; done < n && page.n == CONNECTIONS_PER_MSG;
	     done += CONNECTIONS_PER_MSG) {
		ask_connections(w, &page);
		for (size_t i = 0; i < page.n; i++)
			told_add_connection(t, &page.records[i]);
	}
}

static void drain_threats(struct told *t, struct worker *w)
{
	struct threat_page page = { .n = THREATS_PER_QUESTION };

	for (uint32_t done = 0;
	     done < THREAT_RECORDS_MAX && page.n == THREATS_PER_QUESTION;
	     done += THREATS_PER_QUESTION) {
		ask_threats(w, &page);
		for (size_t i = 0; i < page.n; i++)
			told_add_threat(t, &page.records[i]);
	}
}

static void drain_findings(struct told *t, struct worker *w)
{
	struct finding_page page = { .n = FINDINGS_PER_QUESTION };

	for (uint32_t done = 0;
	     done < FINDING_RECORDS_MAX && page.n == FINDINGS_PER_QUESTION;
	     done += FINDINGS_PER_QUESTION) {
		ask_findings(w, &page);
		for (size_t i = 0; i < page.n; i++)
			told_add_finding(t, &page.records[i]);
	}
}

/* true: there were many. */
static bool drain_trail(struct told *t, struct worker *w)
{
	struct trail_page page = { .n = TRAIL_PER_QUESTION };
	uint32_t done = 0;

	for (; done < TRAIL_RECORDS_MAX && page.n == TRAIL_PER_QUESTION;
	     done += TRAIL_PER_QUESTION) {
		ask_trail(w, &page);
		for (size_t i = 0; i < page.n; i++)
			told_add_trail(t, &page.records[i]);
	}
	return done >= TRAIL_RECORDS_MAX / 4;
}

/* Of one worker: all when it is time, or when it has many; true: it has. */
static bool look_at(struct told *t, struct worker *w, bool due)
{
	uint32_t waiting = ask_connections_waiting(w);

	if (due || waiting >= MANY)
		drain_connections(t, w, waiting);
	return waiting >= MANY;
}

void told_turn(struct told *t, const struct workers *ws, usec_t now)
{
	bool due = !usec_before(now, t->next_connections), many = false;

	if (usec_before(now, t->next_look))
		return;
	for (unsigned i = 0; i < ws->n; i++)
		many |= look_at(t, ws->at[i], due);
	for (unsigned i = 0; t->trail_wanted && i < ws->n; i++)
		many |= drain_trail(t, ws->at[i]);
	t->next_look = usec_add(now, many ? LOOK_AGAIN_US : LOOK_EVERY_US);
	if (due)
		t->next_connections = usec_add(now, CONNECTIONS_EVERY_US);
	if (usec_before(now, t->next_threats))
		return;
	for (unsigned i = 0; i < ws->n; i++) {
		drain_threats(t, ws->at[i]);
		drain_findings(t, ws->at[i]);
	}
	t->next_threats = usec_add(now, THREATS_EVERY_US);
}

void told_flush(struct told *t, const struct workers *ws, usec_t now)
{
	t->next_look = t->next_connections = t->next_threats = now;
	told_turn(t, ws, now);
}

void told_reader_move(struct told_reader *r, const struct backlog *b,
		      uint64_t next)
{
	r->lost += backlog_gone(b, r->after) - backlog_gone(b, next);
	r->after = next;
}

uint64_t told_reader_lost(const struct told_reader *r, const struct backlog *b)
{
	return r->lost + backlog_gone(b, r->after);
}

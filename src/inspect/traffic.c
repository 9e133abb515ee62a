/*
 * A row is a ring of slots, one for each 5 s of the clock; slot k of time lies
 * at place k modulo their number. A row is brought up to date when something is
 * counted in it: the slots between its newest and now are emptied. So an idle
 * row costs nothing, and a reader (who changes nothing) knows by `newest` which
 * slots are of the time it asks about.
 *
 *        newest - 60                newest
 *   ... [    |    |  ...  |    |    |####]          places, modulo 61
 *        complete slots              still filling
 *
 * Invariant: a slot older than newest - 60 is in no place; all others are right.
 */
#include "inspect/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"

#define SLOT_US	       (5 * USEC_PER_SEC)
#define SLOTS_COMPLETE 60
#define SLOTS	       (SLOTS_COMPLETE + 1)

/* The device's own row behind the workloads'. */
#define DEVICE ENDPOINTS_MAX

struct row {
	uint64_t newest; /* number of the slot since the clock's zero */
	uint32_t sessions_now_in, sessions_now_out;
	struct traffic_sum total;
	struct traffic_sum slots[SLOTS];
};

struct traffic {
	/* By row: that it is not all zero; so that others are not even read. */
	bool used[ENDPOINTS_MAX + 1];
	struct row rows[ENDPOINTS_MAX + 1];
};

struct traffic *traffic_new(void)
{
	return calloc(1, sizeof(struct traffic));
}

void traffic_free(struct traffic *t)
{
	free(t);
}

/* The slot of now. A clock that stepped back counts in the newest. */
static struct traffic_sum *slot_now(struct row *r, usec_t now)
{
	uint64_t slot = now.us / SLOT_US;

	if (slot == r->newest)
		return &r->slots[r->newest % SLOTS];
	if (slot > r->newest + SLOTS)
		r->newest = slot - SLOTS;
	while (r->newest < slot)
		r->slots[++r->newest % SLOTS] = (struct traffic_sum){ 0 };
	return &r->slots[r->newest % SLOTS];
}

static void count_frames(struct traffic_sum *s, bool ingress, uint64_t n,
			 uint64_t len)
{
	if (ingress) {
		s->packets_in += n;
		s->bytes_in += len;
	} else {
		s->packets_out += n;
		s->bytes_out += len;
	}
}

static void row_frames(struct row *r, bool ingress, uint64_t n, uint64_t len,
		       usec_t now)
{
	count_frames(slot_now(r, now), ingress, n, len);
	count_frames(&r->total, ingress, n, len);
}

void traffic_frame(struct traffic *t, uint16_t endpoint, bool ingress,
		   size_t len, usec_t now)
{
	traffic_frames(t, endpoint, ingress, 1, len, now);
}

void traffic_frames(struct traffic *t, uint16_t endpoint, bool ingress,
		    uint64_t frames, uint64_t len, usec_t now)
{
	BUG_ON(endpoint >= ENDPOINTS_MAX);
	t->used[endpoint] = t->used[DEVICE] = true;
	row_frames(&t->rows[endpoint], ingress, frames, len, now);
	row_frames(&t->rows[DEVICE], ingress, frames, len, now);
}

static void row_begin(struct row *r, bool ingress, usec_t now)
{
	struct traffic_sum *s = slot_now(r, now);

	if (ingress) {
		r->sessions_now_in++;
		r->total.sessions_in++;
		s->sessions_in++;
	} else {
		r->sessions_now_out++;
		r->total.sessions_out++;
		s->sessions_out++;
	}
}

void traffic_session_begin(struct traffic *t, uint16_t endpoint, bool ingress,
			   usec_t now)
{
	BUG_ON(endpoint >= ENDPOINTS_MAX);
	t->used[endpoint] = t->used[DEVICE] = true;
	row_begin(&t->rows[endpoint], ingress, now);
	row_begin(&t->rows[DEVICE], ingress, now);
}

static void row_end(struct row *r, bool ingress)
{
	uint32_t *now = ingress ? &r->sessions_now_in : &r->sessions_now_out;

	BUG_ON(*now == 0);
	--*now;
}

void traffic_session_end(struct traffic *t, uint16_t endpoint, bool ingress)
{
	BUG_ON(endpoint >= ENDPOINTS_MAX);
	row_end(&t->rows[endpoint], ingress);
	row_end(&t->rows[DEVICE], ingress);
}

void traffic_forget(struct traffic *t, uint16_t endpoint)
{
	BUG_ON(endpoint >= ENDPOINTS_MAX);
	if (t->used[endpoint])
		t->rows[endpoint] = (struct row){ 0 };
	t->used[endpoint] = false;
}

static void add(struct traffic_sum *sum, const struct traffic_sum *s)
{
	sum->sessions_in += s->sessions_in;
	sum->sessions_out += s->sessions_out;
	sum->packets_in += s->packets_in;
	sum->packets_out += s->packets_out;
	sum->bytes_in += s->bytes_in;
	sum->bytes_out += s->bytes_out;
}

/* The n complete slots before that of now. */
static void add_window(const struct row *r, uint64_t slot_of_now, unsigned n,
		       struct traffic_sum *sum)
{
	for (unsigned back = 1; back <= n && back <= slot_of_now; back++) {
		uint64_t slot = slot_of_now - back;

		if (slot <= r->newest && r->newest - slot < SLOTS)
			add(sum, &r->slots[slot % SLOTS]);
	}
}

static void add_row(const struct row *r, usec_t now, struct stats_record *sum)
{
	uint64_t slot = now.us / SLOT_US;

	add(&sum->total, &r->total);
	sum->sessions_now_in += r->sessions_now_in;
	sum->sessions_now_out += r->sessions_now_out;
	add_window(r, slot, 1, &sum->last_5s);
	add_window(r, slot, 12, &sum->last_60s);
	add_window(r, slot, SLOTS_COMPLETE, &sum->last_300s);
}

void traffic_add(const struct traffic *t, uint16_t endpoint, usec_t now,
		 struct stats_record *sum)
{
	BUG_ON(endpoint >= ENDPOINTS_MAX);
	add_row(&t->rows[endpoint], now, sum);
}

void traffic_add_device(const struct traffic *t, usec_t now,
			struct stats_record *sum)
{
	add_row(&t->rows[DEVICE], now, sum);
}

struct saved_row {
	uint64_t place;
	struct row row;
};
IMAGE_PART(saved_rows, "rows", struct saved_row, 1);

void traffic_save(const struct traffic *t, struct image_writer *w)
{
	struct saved_row *to;
	uint64_t n = 0;

	for (size_t i = 0; i <= DEVICE; i++)
		n += t->used[i];
	to = image_room(w, "traffic", &saved_rows, n);
	for (size_t i = 0; to && i <= DEVICE; i++) {
		if (!t->used[i])
			continue;
		to->place = i;
		to->row = t->rows[i];
		to->row.sessions_now_in = to->row.sessions_now_out = 0;
		to++;
	}
}

bool traffic_load(struct traffic *t, const struct image_reader *r)
{
	uint64_t n;
	const struct saved_row *from = image_get(r, "traffic", &saved_rows, &n);

	for (uint64_t i = 0; from && i < n; i++) {
		uint64_t place = from[i].place;

		if (place > DEVICE) {
			memset(t, 0, sizeof *t);
			return false;
		}
		t->used[place] = true;
		t->rows[place] = from[i].row;
		t->rows[place].sessions_now_in = 0;
		t->rows[place].sessions_now_out = 0;
	}
	return from;
}

static void row_goes_on(struct row *r, bool ingress)
{
	r->sessions_now_in += ingress;
	r->sessions_now_out += !ingress;
}

void traffic_session_goes_on(struct traffic *t, uint16_t endpoint, bool ingress)
{
	BUG_ON(endpoint >= ENDPOINTS_MAX);
	t->used[endpoint] = t->used[DEVICE] = true;
	row_goes_on(&t->rows[endpoint], ingress);
	row_goes_on(&t->rows[DEVICE], ingress);
}

#include "detect/finding.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "proto/parser.h"

IMAGE_PART(saved_records, "records", struct finding_record, 1);

struct finding_log {
	struct tally *tally; /* of struct finding_record */
};

struct finding_log *finding_log_new(uint32_t slots, uint64_t seed)
{
	struct finding_log *l = calloc(1, sizeof *l);

	BUG_ON(slots == 0 || slots > FINDING_SLOTS_MAX);
	if (!l)
		return NULL;
	l->tally = tally_new(slots, FINDING_RECORDS_MAX,
			     sizeof(struct finding_record), seed);
	if (!l->tally) {
		finding_log_free(l);
		return NULL;
	}
	return l;
}

void finding_log_free(struct finding_log *l)
{
	if (!l)
		return;
	tally_free(l->tally);
	free(l);
}

/* Rules are written by people, in any language. */
static void keep_text(char *ret, size_t size, const char *text)
{
	size_t n = 0;

	for (; text[n] && n < size - 1; n++)
		ret[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '.';
	ret[n] = '\0';
}

void finding_make(struct finding_record *r, const struct finding_event *e,
		  usec_t now)
{
	BUG_ON(e->kind >= FINDING_KIND__MAX);
	r->id = e->id;
	r->rev = e->rev;
	r->first_us = r->last_us = now.us;
	r->kind = e->kind;
	r->severity = e->severity;
	r->action = e->action;
	r->flags = e->flags;
	r->endpoint = e->endpoint;
	r->ep_mac = e->ep_mac;
	r->proto = e->proto;
	r->side = e->side;
	r->application = e->application;
	r->client = e->client;
	r->server = e->server;
	r->client_port = e->client_port;
	r->server_port = e->server_port;
	r->flow_id = e->flow_id;
	r->policy_id = e->policy_id;
	r->buffer = e->buffer;
	r->at = e->spot.at;
	r->len = e->spot.len;
	keep_text(r->name, sizeof r->name, e->name);
	keep_text(r->classtype, sizeof r->classtype, e->classtype);
	evidence_request(&e->spot, e->request, r->request);
	evidence_text(&e->spot, r->evidence);
	r->raw_len = (uint16_t)evidence_raw(&e->spot, r->raw, &r->raw_at);
}

void finding_request(struct finding_record *r, struct bytes request)
{
	const struct evidence_spot none = { .is_secret = false };

	evidence_request(&none, request, r->request);
}

void finding_put(struct finding_log *l, const struct finding_record *r,
		 usec_t now)
{
	struct tally_key key = { r->id, r->endpoint,
				 (uint16_t)(r->kind << 8 | r->flags) };
	struct finding_record *kept;
	uint64_t first_us;
	bool first;

	kept = tally_open(l->tally, &key, now, &first);
	first_us = first ? r->first_us : kept->first_us;
	*kept = *r;
	kept->first_us = first_us;
	tally_count(l->tally, 1, false, now);
}

void finding_note(struct finding_log *l, const struct finding_event *e,
		  usec_t now)
{
	struct finding_record r = { .id = 0 };

	finding_make(&r, e, now);
	finding_put(l, &r, now);
}

void finding_age(struct finding_log *l, usec_t now)
{
	tally_age(l->tally, now);
}

void finding_forget_endpoint(struct finding_log *l, uint16_t endpoint,
			     usec_t now)
{
	tally_forget_endpoint(l->tally, endpoint, now);
}

size_t finding_drain(struct finding_log *l, struct finding_record *ret,
		     size_t max)
{
	size_t n = 0;
	uint32_t count;

	while (n < max && tally_take(l->tally, &ret[n], &count))
		ret[n++].count = count;
	return n;
}

struct tally_stats finding_stats(const struct finding_log *l)
{
	return tally_stats(l->tally);
}

void finding_log_save(const struct finding_log *l, struct image_writer *w)
{
	tally_save(l->tally, "findings", &saved_records, w);
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool finding_is_sound(const struct finding_record *r)
{
	return r->kind < FINDING_KIND__MAX && r->action < DPI_ACTION__MAX &&
	       r->side < PROTO_SIDE__MAX && r->raw_len <= sizeof r->raw &&
	       ends(r->name, sizeof r->name) &&
	       ends(r->classtype, sizeof r->classtype) &&
	       ends(r->request, sizeof r->request) &&
	       ends(r->evidence, sizeof r->evidence);
}

static bool is_sound(const void *record)
{
	return finding_is_sound(record);
}

bool finding_log_load(struct finding_log *l, const struct image_reader *r)
{
	return tally_load(l->tally, "findings", &saved_records, is_sound, r);
}

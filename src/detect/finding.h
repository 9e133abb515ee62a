/*
 * The log of what signatures and sensors find: one slot for each (kind, id,
 * workload, flags), repeats are counted (detect/tally.h), and what is kept is of
 * the latest, masked (detect/evidence.h).
 *
 * One thread; time is an argument; no allocation after finding_log_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/limits_finding.h"
#include "detect/evidence.h"
#include "detect/tally.h"
#include "wire/records.h"

struct finding_log;

/* slots: 1..FINDING_SLOTS_MAX. seed: for the hash. NULL: out of memory. */
struct finding_log *finding_log_new(uint32_t slots, uint64_t seed);
/* NULL is accepted. */
void finding_log_free(struct finding_log *l);

/* Borrowed for the call. Numbers mean what they do in the record. */
struct finding_event {
	uint8_t kind; /* enum finding_kind */
	uint32_t id, rev;
	uint8_t severity, action, flags;
	const char *name, *classtype; /* cut; classtype: "" none */
	uint16_t endpoint;
	struct mac ep_mac;
	uint8_t proto, side;
	uint16_t application;
	struct ip_addr client, server;
	uint16_t client_port, server_port;
	uint32_t flow_id, policy_id;
	struct bytes request; /* as one would read it; may be empty */
	uint8_t buffer;
	struct evidence_spot spot;
};

void finding_note(struct finding_log *l, const struct finding_event *e,
		  usec_t now);
/*
 * The same in two steps, for what is not known whole yet: nothing in *ret is
 * borrowed any more. finding_request(): of a finding that is no secret.
 */
void finding_make(struct finding_record *ret, const struct finding_event *e,
		  usec_t now);
void finding_request(struct finding_record *r, struct bytes request);
void finding_put(struct finding_log *l, const struct finding_record *r,
		 usec_t now);
/* Logs what is due; call it between batches, it looks every 250 ms. */
void finding_age(struct finding_log *l, usec_t now);
/* A workload is gone: what was counted is logged, its slots are free. */
void finding_forget_endpoint(struct finding_log *l, uint16_t endpoint,
			     usec_t now);
/* Takes up to max records, oldest first; fewer than max: that was all. */
size_t finding_drain(struct finding_log *l, struct finding_record *ret,
		     size_t max);
struct tally_stats finding_stats(const struct finding_log *l);

/* What was counted, and records that wait. */
void finding_log_save(const struct finding_log *l, struct image_writer *w);
/* l: new, of as many slots. false: not there, or not sound; *l is as new. */
bool finding_log_load(struct finding_log *l, const struct image_reader *r);
/*
 * A record from an image: may it be put, or told? What does not depend on the
 * image's other parts.
 */
bool finding_is_sound(const struct finding_record *r);

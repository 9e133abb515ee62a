/*
 * Theory. Each owner saves and loads what is its own; here is what they have in
 * common: who goes by whose number, and what is left when one of them is missing.
 *
 *   flows <── talks ──> streams, dialogues, signatures, sensors, open trail
 *
 * What listens to flows is taken as a whole or not at all (LISTENING): a parser
 * without its stream would read from the middle and think it the beginning. Without
 * it, each flow that was listened to is listened to from where it is, as one that
 * is met in its middle; of a known application its next message is looked for, as
 * deep as signatures and sensors look. All else stands for itself. Sessions of now are counted
 * from the flows; meters' tickets of no meters are void.
 *
 * Verdicts. Versions of snapshots are numbers of a process, so each flow is judged
 * anew at its next packet: by the same policy, with the same outcome, as what it is
 * judged by (application, request, name, grace) comes along; but of one that only
 * violates policy the block is counted once more, as by any other snapshot. A flow
 * that is cut stays so, without being judged. UDP that policy refused for what one
 * datagram asked, for the client it was forwarded for, goes on with the next one, as
 * by any other snapshot. Flows that had not been judged since sensors came have
 * another number that is none, since in->sensors_since is 0 here: then they join.
 *
 * Names of rules go by their texts (inspect/names.h), workloads by their MAC.
 */
#include "inspect/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "detect/finding.h"
#include "inspect/cache_use.h"
#include "inspect/detection.h"
#include "inspect/names.h"
#include "inspect/passage.h"
#include "inspect/payload.h"
#include "inspect/ports.h"
#include "inspect/talk.h"
#include "inspect/tell.h"
#include "inspect/trail.h"

#define OWNER "inspect"

/* Of flow.verdict: to be judged; and: sensors have come since it was. */
#define NOT_JUDGED 0
#define NOT_SENSED UINT32_MAX
/* More than any pool of them has. */
#define HANDLES_MAX 65536

_Static_assert(HANDLES_MAX >= STREAMS_DEFAULT, "a bit for each");
_Static_assert(HANDLES_MAX >= DIALOGUES_DEFAULT, "a bit for each");
_Static_assert(HANDLES_MAX >= SIG_FLOWS_DEFAULT, "a bit for each");
_Static_assert(HANDLES_MAX >= SENSOR_CONVERSATIONS_DEFAULT, "a bit for each");
_Static_assert(HANDLES_MAX >= TRAIL_OPEN_MAX, "a bit for each");

struct saved_head {
	usec_t now, aged;
	uint32_t workers, number, capture;
	uint32_t version, sensors_since; /* of snapshots */
	uint32_t detection_epoch;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);

struct saved_endpoint {
	uint32_t index;
	struct mac mac;
	uint16_t reserved;
};
IMAGE_PART(saved_endpoints, "endpoints", struct saved_endpoint, 1);
IMAGE_PART(saved_counts, "counts", struct inspect_counts, 1);
IMAGE_PART(saved_held, "held", struct finding_record, 1);

struct saved_kill {
	uint32_t place, id;
};
IMAGE_PART(saved_kills, "kills", struct saved_kill, 1);

const char *inspect_part_name(enum inspect_part p)
{
	static const char *const names[] = {
#define X(name, text) text,
		INSPECT_PARTS(X)
#undef X
	};

	return names[p];
}

/* --- saving ------------------------------------------------------------------ */

static void save_head(const struct inspect *in, struct image_writer *w)
{
	struct saved_head head = {
		.now = in->now,
		.aged = in->aged,
		.workers = in->workers,
		.number = in->number,
		.capture = in->capture,
		.version = snapshot_version(in->snapshot),
		.sensors_since = in->sensors_since,
		.detection_epoch = in->detection_epoch,
	};

	image_put(w, OWNER, &saved_head, &head, 1);
}

/* One that leaves, too: what is left of it goes there. */
static void save_endpoints(const struct inspect *in, struct image_writer *w)
{
	struct saved_endpoint *to;
	uint64_t used = 0;

	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++)
		used += !mac_is_zero(passage_mac_of(in, i));
	to = image_room(w, OWNER, &saved_endpoints, used);
	for (uint16_t i = 0; to && i < ENDPOINTS_MAX; i++) {
		struct mac mac = passage_mac_of(in, i);

		if (!mac_is_zero(mac))
			*to++ = (struct saved_endpoint){ .index = i,
							 .mac = mac };
	}
}

static void save_kills(const struct inspect *in, struct image_writer *w)
{
	struct saved_kill *to = image_room(w, OWNER, &saved_kills, in->n_kills);

	for (unsigned i = 0; to && i < in->n_kills; i++)
		to[i] = (struct saved_kill){ in->kills[i], in->kill_ids[i] };
}

void inspect_save(struct inspect *in, struct image_writer *w)
{
	cache_catch_up_all(in);
	save_head(in, w);
	save_endpoints(in, w);
	save_kills(in, w);
	image_put(w, OWNER, &saved_counts, &in->counts, 1);
	image_put(w, OWNER, &saved_held, in->held, in->n_held);
	flow_table_save(in->flows, w);
	talks_save(in->talks, in->flows, w);
	stream_pool_save(in->streams, w);
	dialogue_pool_save(in->dialogues, w);
	if (in->signatures) {
		sig_scanner_save(in->signatures, w);
		sensor_scanner_save(in->sensors, w);
	}
	trail_save(in->trail, w);
	defrag_save(in->defrag, w);
	grace_save(in->grace, w);
	meters_save(in->meters, w);
	threat_log_save(in->threats, w);
	finding_log_save(in->findings, w);
	reports_save(in->reports, w);
	traffic_save(in->traffic, w);
	ports_save(in->port_news, w);
	names_save(snapshot_names(in->snapshot), w);
	learned_save(in->learned, w);
	blocks_save(&in->blocks, w);
	replies_save(&in->reply_limit, w);
}

/* --- loading ----------------------------------------------------------------- */

struct loading {
	struct inspect *in;
	const struct image_reader *r;
	struct inspect_taken *taken;
	struct saved_head head;
	struct names_kept names;
	bool gone[ENDPOINTS_MAX];
	struct mac mac[ENDPOINTS_MAX]; /* of who is gone */
};

static void part(struct loading *l, enum inspect_part p, bool taken)
{
	if (!taken)
		l->taken->missing |= 1u << p;
}

static bool load_head(struct loading *l)
{
	struct inspect *in = l->in;

	if (!image_take(l->r, OWNER, &saved_head, &l->head, 1) ||
	    l->head.workers != in->workers || l->head.number != in->number ||
	    l->head.capture != in->capture)
		return false;
	in->now = l->head.now;
	in->aged = l->head.aged;
	return true;
}

static void load_endpoints(struct loading *l)
{
	uint64_t n = 0;
	const struct saved_endpoint *from =
		image_get(l->r, OWNER, &saved_endpoints, &n);

	for (uint64_t i = 0; from && i < n; i++) {
		struct saved_endpoint s = from[i];
		const struct endpoint *e;

		if (s.index >= ENDPOINTS_MAX)
			continue;
		e = snapshot_endpoint(l->in->snapshot, (uint16_t)s.index);
		l->gone[s.index] = !e || !mac_equal(e->mac, s.mac);
		l->mac[s.index] = s.mac;
	}
}

static bool load_findings(struct loading *l)
{
	struct inspect *in = l->in;
	uint64_t n;
	const struct finding_record *held =
		image_get(l->r, OWNER, &saved_held, &n);

	if (!finding_log_load(in->findings, l->r))
		return false;
	for (uint64_t i = 0; held && i < n && i < FOUND_HELD_MAX; i++) {
		in->held[in->n_held] = held[i];
		if (finding_is_sound(&in->held[in->n_held]))
			in->n_held++;
	}
	return true;
}

static void load_alone(struct loading *l)
{
	const struct image_reader *r = l->r;
	struct inspect *in = l->in;
	const struct name_set *names = snapshot_names(in->snapshot);
	bool named = names_load(names, r, &l->names);

	part(l, INSPECT_PART_FRAGMENTS, defrag_load(in->defrag, r));
	part(l, INSPECT_PART_GRACE,
	     grace_load(in->grace, r, l->head.version,
			snapshot_version(in->snapshot)));
	part(l, INSPECT_PART_METERS, meters_load(in->meters, r));
	part(l, INSPECT_PART_THREATS, threat_log_load(in->threats, r));
	part(l, INSPECT_PART_FINDINGS, load_findings(l));
	part(l, INSPECT_PART_REPORTS, reports_load(in->reports, r));
	part(l, INSPECT_PART_TRAFFIC, traffic_load(in->traffic, r));
	part(l, INSPECT_PART_TRAIL, trail_load(in->trail, r));
	part(l, INSPECT_PART_PORTS, ports_load(in->port_news, r));
	part(l, INSPECT_PART_NAMES,
	     named && learned_load(in->learned, r, &l->names, names));
	part(l, INSPECT_PART_BLOCKS, blocks_load(&in->blocks, r));
	part(l, INSPECT_PART_REPLIES, replies_load(&in->reply_limit, r));
	part(l, INSPECT_PART_COUNTS,
	     image_take(r, OWNER, &saved_counts, &in->counts, 1));
}

/* --- flows -------------------------------------------------------------------- */

static bool is_sound_flow(const struct flow *f)
{
	const struct flow_verdict *v = &f->verdict;

	return (f->key.endpoint < ENDPOINTS_MAX ||
		f->key.endpoint == ENDPOINT_NONE) &&
	       v->action < POLICY_ACTION__MAX && v->reason < REASON__MAX &&
	       f->cut_why < REASON__MAX && f->talk <= HANDLES_MAX &&
	       (f->threat == 0 || threat_kind_find(f->threat));
}

static void flow_goes_on(struct loading *l, struct flow *f)
{
	struct flow_verdict *v = &f->verdict;
	struct inspect *in = l->in;
	bool news = (int32_t)(v->snapshot_version - l->head.sensors_since) < 0;

	f->cached = 0;
	v->snapshot_version = news ? NOT_SENSED : NOT_JUDGED;
	(void)names_here(&l->names, snapshot_names(in->snapshot), &v->name,
			 &f->name_birth);
	if (l->taken->missing & 1u << INSPECT_PART_METERS)
		f->meter_ticket = 0;
	if (f->key.endpoint == ENDPOINT_NONE || !f->in_session)
		return;
	traffic_session_goes_on(in->traffic, f->key.endpoint,
				!f->client_is_own);
}

static bool load_flows(struct loading *l)
{
	struct inspect *in = l->in;
	uint32_t cursor = 0;
	struct flow *f;

	if (!flow_table_load(in->flows, l->r))
		return false;
	while ((f = flow_next(in->flows, &cursor)))
		if (!is_sound_flow(f))
			return false;
	in->sensors_since = 0;
	for (cursor = 0; (f = flow_next(in->flows, &cursor));)
		flow_goes_on(l, f);
	return true;
}

/* One that is not sound is not to be told of. */
static void forget_flows(struct inspect *in)
{
	struct flow_pick all = { .by = FLOW_PICK_ALL };
	uint32_t cursor = 0, ended = 0;

	flow_table_on_end(in->flows, NULL, NULL);
	while (flow_sweep(in->flows, all, &cursor, &ended))
		;
	flow_table_on_end(in->flows, tell_flow_ended, in);
}

static void load_kills(struct loading *l)
{
	uint64_t n = 0;
	const struct saved_kill *from =
		image_get(l->r, OWNER, &saved_kills, &n);
	struct inspect *in = l->in;
	uint32_t cursor = 0;
	struct flow *f;

	if (!from || n == 0)
		return;
	while ((f = flow_next(in->flows, &cursor)))
		for (uint64_t i = 0; i < n; i++) {
			struct saved_kill k = from[i];

			if (k.place != cursor || k.id != f->id ||
			    in->n_kills == KILLS_WAITING_MAX)
				continue;
			in->kills[in->n_kills] = k.place;
			in->kill_ids[in->n_kills++] = k.id;
		}
}

/* --- what listens to them -------------------------------------------------------- */

static bool stream_is(const struct inspect *in, uint32_t handle)
{
	return stream_is_open(in->streams, handle);
}

static bool dialogue_is(const struct inspect *in, uint32_t handle)
{
	return dialogue_is_open(in->dialogues, handle);
}

static bool signatures_are(const struct inspect *in, uint32_t handle)
{
	return in->signatures && sig_is_open(in->signatures, handle);
}

static bool sensors_are(const struct inspect *in, uint32_t handle)
{
	return in->sensors && sensor_is_open(in->sensors, handle);
}

static bool trail_is(const struct inspect *in, uint32_t handle)
{
	return trail_is_open(in->trail, handle);
}

/* What a talk has numbers of. */
#define HANDLES 5

static bool (*const is_open[HANDLES])(const struct inspect *in,
				      uint32_t handle) = {
	stream_is, dialogue_is, signatures_are, sensors_are, trail_is
};

/* Each is there, and no other talk's. bits[handle]: by kind, taken. */
static bool claim(const struct inspect *in, const struct talk *t, uint8_t *bits)
{
	const uint32_t handles[HANDLES] = { t->stream, t->dialogue,
					    t->signatures, t->sensors,
					    t->trail };

	for (unsigned i = 0; i < HANDLES; i++) {
		uint32_t handle = handles[i];

		if (handle == 0)
			continue;
		if (handle > HANDLES_MAX || bits[handle] & 1u << i ||
		    !is_open[i](in, handle))
			return false;
		bits[handle] |= (uint8_t)(1u << i);
	}
	return true;
}

/* None is there that nobody would ever close. */
static bool are_all_claimed(const struct inspect *in, const uint8_t *bits)
{
	for (unsigned i = 0; i < HANDLES; i++)
		for (uint32_t handle = 1; handle <= HANDLES_MAX; handle++)
			if (is_open[i](in, handle) && !(bits[handle] & 1u << i))
				return false;
	return true;
}

static bool claim_all(struct inspect *in)
{
	uint8_t *bits = calloc(HANDLES_MAX + 1, sizeof *bits);
	uint32_t cursor = 0;
	bool sound = bits;
	struct flow *f;

	while (sound && (f = flow_next(in->flows, &cursor))) {
		const struct talk *t = f->talk ? talk_at(in->talks, f->talk)
					       : NULL;

		sound = !t || ((!t->stream || f->key.proto == PROTO_TCP) &&
			       claim(in, t, bits));
	}
	sound = sound && are_all_claimed(in, bits);
	free(bits);
	return sound;
}

static bool load_listening(struct loading *l)
{
	const struct image_reader *r = l->r;
	struct inspect *in = l->in;
	uint32_t cursor = 0;
	struct flow *f;

	if (!talks_load(in->talks, in->flows, r) ||
	    !stream_pool_load(in->streams, r) ||
	    !dialogue_pool_load(in->dialogues, r) ||
	    (in->signatures && (!sig_scanner_load(in->signatures, r) ||
				!sensor_scanner_load(in->sensors, r))) ||
	    !trail_load_open(in->trail, r) || !claim_all(in))
		return false;
	while ((f = flow_next(in->flows, &cursor)))
		if (f->talk) {
			struct talk *t = talk_at(in->talks, f->talk);

			detection_goes_on(in, f, t,
					  t->detection_epoch ==
						  l->head.detection_epoch);
		}
	return true;
}

/* As new: what was taken goes, with who listens to what. */
static int listen_anew(struct inspect *in)
{
	struct inspect_settings settings = in->settings;
	bool detection = in->signatures;

	inspect_end_listening(in);
	trail_forget_open(in->trail);
	if (!inspect_begin_listening(in, detection, in->blocks.seed))
		return -ENOMEM;
	inspect_configure(in, &settings);
	if (detection && in->sig_lane)
		sig_scanner_adopt(in->signatures, in->sig_lane);
	if (detection && in->sensor_lane)
		(void)sensor_scanner_adopt(in->sensors, in->sensor_lane);
	return 0;
}

static int load_listeners(struct loading *l)
{
	struct inspect *in = l->in;
	uint32_t cursor = 0;
	struct flow *f;
	int rc;

	if (load_listening(l))
		return 0;
	part(l, INSPECT_PART_LISTENING, false);
	rc = listen_anew(in);
	while (rc == 0 && (f = flow_next(in->flows, &cursor))) {
		bool heard = f->talk;

		f->talk = 0;
		if (!heard)
			continue;
		payload_met_again(in, f);
		l->taken->flows_unheard++;
	}
	return rc;
}

/* --- workloads ------------------------------------------------------------------- */

static void end_gone_flows(struct loading *l)
{
	struct inspect *in = l->in;
	uint32_t cursor = 0;
	struct flow *f;

	while ((f = flow_next(in->flows, &cursor))) {
		uint16_t at = f->key.endpoint;

		if (at == ENDPOINT_NONE || !l->gone[at])
			continue;
		inspect_endpoint_leaves(in, at, l->mac[at]);
		flow_end(in->flows, f);
		l->taken->flows_gone++;
	}
}

static void forget_gone(struct loading *l)
{
	end_gone_flows(l);
	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++) {
		if (!l->gone[i])
			continue;
		inspect_endpoint_leaves(l->in, i, l->mac[i]);
		inspect_forget_endpoint(l->in, i);
	}
}

int inspect_load(struct inspect *in, const struct image_reader *r,
		 struct inspect_taken *ret)
{
	struct loading *l = calloc(1, sizeof *l);
	int rc = 0;

	*ret = (struct inspect_taken){ .missing = 0 };
	if (!l)
		return -ENOMEM;
	*l = (struct loading){ .in = in, .r = r, .taken = ret };
	if (!load_head(l)) {
		ret->missing = (1u << INSPECT_PART__MAX) - 1;
		free(l);
		return 0;
	}
	load_endpoints(l);
	load_alone(l);
	if (load_flows(l)) {
		rc = load_listeners(l);
	} else {
		forget_flows(in);
		part(l, INSPECT_PART_FLOWS, false);
		part(l, INSPECT_PART_LISTENING, false);
	}
	if (rc == 0) {
		load_kills(l);
		forget_gone(l);
		ret->flows = flow_counts(in->flows).total;
	}
	free(l);
	return rc;
}

struct inspect_used inspect_used(const struct inspect *in)
{
	struct inspect_used u = { .flows = flow_table_used(in->flows),
				  .talks = talks_used(in->talks) };

	stream_pool_used(in->streams, &u.streams, &u.blocks);
	dialogue_pool_used(in->dialogues, &u.dialogues, &u.large);
	return u;
}

void inspect_touch(struct inspect *in, const struct inspect_used *u)
{
	flow_table_touch(in->flows, u->flows);
	stream_pool_touch(in->streams, u->streams, u->blocks);
	dialogue_pool_touch(in->dialogues, u->dialogues, u->large);
	talks_touch(in->talks, u->talks);
}

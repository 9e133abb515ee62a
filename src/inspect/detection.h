/*
 * Signatures and sensors at work on a flow: what its parser tells and its sides
 * send is shown to them, and what they find is noted (inspect/found.h), and
 * stops the packet under way where its action says so.
 *
 *   hear.c      fields, notes, requests ─▶ detection ─▶ sig_scan.h
 *   payload.c   bytes in order, datagrams ─▶  │   └──▶ sensor_scan.h
 *   judge.c     packets ─────────────────▶    ▼
 *                                         finding, h->stop
 *
 * Signatures look at all flows (but where a workload has them off), sensors at
 * those of workloads that have some. A flow is looked at with the set of
 * signatures that it began with; where sensors change, with the new ones.
 */
#pragma once

#include "inspect/hear.h"

/* false: out of memory. */
bool detection_new(struct inspect *in);
void detection_free(struct inspect *in);

/* Are there other sensors than with the snapshot before (NULL: there was none)? */
bool detection_is_news(const struct inspect *in, const struct snapshot *before,
		       const struct snapshot *next);
/* Does anybody want to look at flows of that workload (NULL: nobody's)? */
bool detection_is_on(const struct inspect *in, const struct endpoint *e);
/* h->t is new, or somebody may have come who looks. */
void detection_begin(struct hearing *h);
/*
 * Sensors have come since h->f was judged last, and nobody listens to it any more:
 * those that its workload has do, from here on. false: it has none.
 */
bool detection_begin_late(struct hearing *h);
/*
 * f's talk, from an image, has those who look: it goes on so. current: it had asked
 * them what they listen to, since sets or uses were last others.
 */
void detection_goes_on(struct inspect *in, const struct flow *f, struct talk *t,
		       bool current);
/* Around all that is shown of the packet under way. */
void detection_packet_begin(struct hearing *h);
void detection_packet_end(struct hearing *h);
/* It is known what h->f is, or more closely what; 0: nobody will ever know. */
void detection_known(struct hearing *h, uint32_t app);
/* Takes out of the mask what they listen to (proto_sink.unwanted). */
void detection_wants_fields(const struct hearing *h,
			    uint64_t unwanted[static FIELD_WORDS]);

/* As of struct proto_sink; false: h->stop says why the packet may not go on. */
bool detection_piece(struct hearing *h, const struct proto_piece *p);
bool detection_note(struct hearing *h, enum proto_side side, enum proto_note n);
bool detection_asked(struct hearing *h);
bool detection_ended(struct hearing *h, enum proto_side side);
/*
 * What a side sends: of TCP a chunk, whose first bytes may have been shown
 * before; of UDP a datagram. After its parser has read it.
 */
void detection_bytes(struct hearing *h, enum proto_side side, struct bytes b,
		     bool gap_before);
/* So many bytes of the chunk that was shown last are shown again. */
void detection_left(struct hearing *h, enum proto_side side, size_t n);
/* Whose f is. */
struct sig_facts detection_facts(const struct flow *f);
/* Rules about packets; h->t may be NULL. */
void detection_packet(struct hearing *h, enum proto_side side);
/*
 * Has any rule use for the next packet of f, whatever it says? So long as no side
 * has sent more than signatures look at (inspection.signature_depth).
 */
bool detection_wants_packets(const struct inspect *in, const struct endpoint *e,
			     const struct flow *f);

/* Is there still anybody who looks at what f says? */
bool detection_is_wanted(const struct inspect *in, const struct flow *f,
			 const struct talk *t);
/* Do they look deep enough to hear what its parser, once it reads, will tell? */
bool detection_may_find(const struct inspect *in, const struct talk *t);
/* f, whose talk that is, is not listened to any more. */
void detection_end(struct inspect *in, struct flow *f, struct talk *t);

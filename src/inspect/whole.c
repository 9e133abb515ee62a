#include "inspect/whole.h"

#include "base/bug.h"
#include "inspect/guard.h"
#include "packet/checksum.h"

static enum reason malformed_reason(enum packet_outcome outcome)
{
	switch (outcome) {
	case PACKET_SHORT: return REASON_FRAME_SHORT;
	case PACKET_VLAN_DEPTH: return REASON_VLAN_DEPTH;
	case PACKET_IP_MALFORMED: return REASON_IP_MALFORMED;
	case PACKET_EXT_MALFORMED: return REASON_IP_EXT_MALFORMED;
	case PACKET_L4_MALFORMED: return REASON_L4_MALFORMED;
	case PACKET_TCP_FLAGS: return REASON_TCP_FLAGS;
	case PACKET_FRAG_TINY: return REASON_FRAG_TINY;
	case PACKET_OK:
	case PACKET_NOT_IP:
	case PACKET__MAX: break;
	}
	BUG_ON(true);
	return REASON_NONE;
}

void whole_malformed(struct passage *w, enum packet_outcome outcome)
{
	if (w->endpoint)
		(void)guard_note(w, THREAT_INVALID_PACKET, 1, false, NULL);
	passage_drop(w, malformed_reason(outcome));
}

static enum reason gone_reason(enum defrag_outcome why)
{
	switch (why) {
	case DEFRAG_DUPLICATE: return REASON_FRAG_DUPLICATE;
	case DEFRAG_OVERLAP: return REASON_FRAG_OVERLAP;
	case DEFRAG_END: return REASON_FRAG_END;
	case DEFRAG_TOO_MANY:
	case DEFRAG_TOO_LARGE: return REASON_FRAG_LIMIT;
	case DEFRAG_TOO_LONG: return REASON_FRAG_TOO_LONG;
	case DEFRAG_ECN: return REASON_FRAG_ECN;
	case DEFRAG_DEAD: return REASON_FRAG_DEAD;
	case DEFRAG_LOST_FIRST: return REASON_FRAG_NO_FIRST;
	case DEFRAG_LOST_LAST:
	case DEFRAG_LOST_MIDDLE: return REASON_FRAG_INCOMPLETE;
	case DEFRAG_EVICTED_SOURCE:
	case DEFRAG_EVICTED: return REASON_FRAG_EVICTED;
	case DEFRAG_FORGOTTEN: return REASON_NO_ENDPOINT;
	case DEFRAG_HELD:
	case DEFRAG_COMPLETE:
	case DEFRAG__MAX: break;
	}
	BUG_ON(true);
	return REASON_NONE;
}

void whole_gone(void *arg, const struct defrag_gone *gone)
{
	struct inspect *in = arg;

	in->counts.dropped[gone_reason(gone->why)] += gone->n_fragments;
}

bool whole_is_intact(struct passage *w)
{
	switch (packet_checksums(&w->packet)) {
	case PACKET_CSUM_BAD_IP: passage_drop(w, REASON_CSUM_IP); return false;
	case PACKET_CSUM_BAD_L4: passage_drop(w, REASON_CSUM_L4); return false;
	case PACKET_CSUM_OK:
	case PACKET_CSUM_NOT_CHECKED:
	case PACKET_CSUM__MAX: break;
	}
	return true;
}

/* The datagram as a packet; its fragments are in the verdict. */
static bool take_whole(struct passage *w, const struct defrag_datagram *d)
{
	enum packet_outcome outcome;

	w->frames = d->n_fragments;
	w->verdict.release = d->fragments;
	w->verdict.n_release = d->n_fragments;
	outcome = packet_decode(&w->packet, d->frame);
	if (outcome != PACKET_OK) {
		whole_malformed(w, outcome);
		return false;
	}
	return whole_is_intact(w);
}

bool whole_packet(struct passage *w)
{
	const struct frame_port *port = w->packet.frame.port;
	struct defrag_datagram d;
	enum defrag_outcome outcome;

	/* what was held could not be given back to the queue */
	if (port && port->kind == FRAME_PORT_NFQ) {
		passage_drop(w, REASON_FRAG_QUEUE);
		return false;
	}
	outcome = defrag_push(w->in->defrag, &w->packet, w->index, w->ingress,
			      w->now, &d);
	switch (outcome) {
	case DEFRAG_COMPLETE: return take_whole(w, &d);
	case DEFRAG_HELD:
		w->held = true;
		w->verdict.reason = REASON_FRAG_HELD;
		return false;
	case DEFRAG_OVERLAP:
		if (!w->endpoint)
			break;
		/* it cannot be let be: which bytes are meant? */
		guard_stop(w, REASON_FRAG_OVERLAP,
			   guard_note(w, THREAT_TEARDROP, 1, true, NULL)
				   ? THREAT_TEARDROP
				   : 0);
		break;
	default: break;
	}
	passage_drop(w, gone_reason(outcome));
	return false;
}

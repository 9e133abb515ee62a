/*
 * Floods and threats that a packet shows by itself: what is over a meter's
 * limit, or is an attack whatever policy says; and what is done about any
 * threat: that is settable (inspect/settings.h), so nobody decides it but
 * guard_note() and threat_action().
 */
#pragma once

#include "inspect/passage.h"

/*
 * A whole packet of an endpoint; f: its flow, NULL if there is none yet. true:
 * it is to go no further, and was.
 */
bool guard_packet(struct passage *w, struct flow *f);
/* The first packet of what would be a flow. true: likewise. */
bool guard_new_flow(struct passage *w);
/*
 * A session that is let in begins; f: its flow, NULL if that is still to be
 * made. *ret_ticket is for flow.meter_ticket. true: its source has too many; the
 * packet was dropped.
 */
bool guard_session(struct passage *w, struct flow *f, bool client_is_own,
		   uint32_t *ret_ticket);
/*
 * A frame that was followed in f, sent by `side`. true: it is a SYN that splits
 * the handshake; dropped.
 */
bool guard_handshake(struct passage *w, struct flow *f, enum flow_side side);
/*
 * A segment that was followed in f. true: its client takes nothing of what it
 * asked for, and that for long; f is cut. (Reference 6.2, 2016.)
 */
bool guard_window(struct passage *w, struct flow *f);
/* Is f to be seen to its 16 KiB for that? */
bool guard_waits(const struct inspect *in, const struct flow *f);
/*
 * A packet of f, an ICMP flow: answers that are not what was asked, several in a
 * row, are a tunnel (reference 6.2, 2020). true: dropped.
 */
bool guard_echo(struct passage *w, struct flow *f);
/*
 * f met that threat: of those it met the worst is told with it. true: that is
 * this one, now.
 */
bool guard_mark(struct flow *f, uint32_t id);
/*
 * Notes one that was met elsewhere, of this packet. f: its flow, which is
 * marked; NULL: the flow that this packet may make is (passage.threat). Returns
 * what is to be done; DPI_NONE: it is not looked for.
 */
enum dpi_action guard_note(struct passage *w, uint32_t id, uint32_t count,
			   bool decoded, struct flow *f);
/*
 * Drops a decoded packet, and has it among the blocks. threat: the one it is
 * for; 0: a limit's, that nobody looks for.
 */
void guard_stop(struct passage *w, enum reason why, uint32_t threat);

/*
 * Floods and threats that a packet shows by itself: what is over a meter's
 * limit, or is an attack whatever policy says.
 */
#pragma once

#include "inspect/passage.h"

/* A whole packet of an endpoint. true: it is to go no further, and was. */
bool guard_packet(struct passage *w);
/* The first packet of what would be a flow. true: likewise. */
bool guard_new_flow(struct passage *w);
/*
 * A session that is let in begins; *ret_ticket is for flow.meter_ticket. true:
 * its source has too many; the packet was dropped.
 */
bool guard_session(struct passage *w, bool client_is_own, uint32_t *ret_ticket);
/* Does that action keep a packet from going on? */
bool guard_is_dropped(enum dpi_action action);
/*
 * A frame that was followed in f, sent by `side`. true: it is a SYN that splits
 * the handshake; dropped.
 */
bool guard_handshake(struct passage *w, struct flow *f, enum flow_side side);
/* f met that threat: of those it met the worst is told with it. */
void guard_mark(struct flow *f, uint32_t id);
/*
 * Notes one that was met elsewhere, of this packet. f: its flow; NULL. true: the
 * action is to drop it.
 */
bool guard_note(struct passage *w, uint32_t id, uint32_t count, bool decoded,
		struct flow *f);

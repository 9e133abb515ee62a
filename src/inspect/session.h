/*
 * What is kept of a flow beside its state - reports, traffic, session meters -
 * from its begin to its end.
 */
#pragma once

#include "inspect/passage.h"

/* f was made, or made anew on old ports; ticket from guard_session(). */
void session_begin(struct passage *w, struct flow *f, uint32_t ticket);
/* A packet of f was judged; changed: with another outcome than before. */
void session_packet(struct passage *w, struct flow *f, bool changed);
/* Packets of f were carried that nobody here has seen. */
void session_carried(struct inspect *in, struct flow *f);
/* f met a threat that is worse than those before. */
void session_threat(struct inspect *in, struct flow *f);
/* So many packets were denied, and there is no flow. threat: they met; or 0. */
void session_denied(struct inspect *in, const struct flow_key *k,
		    bool client_is_own, const struct flow_verdict *v,
		    uint32_t threat, uint64_t packets);
/* f is about to end; of inspect's flow_table_on_end(). */
void session_end(struct inspect *in, const struct flow *f);

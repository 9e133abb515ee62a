/*
 * Fragments become whole datagrams before anything of them is judged.
 */
#pragma once

#include "inspect/passage.h"

/*
 * w->packet is a fragment of an endpoint. true: it completed its datagram, which
 * is w->packet now, decoded and whole; when that is forwarded its fragments are
 * to go instead, which the verdict has already. false: it is held or dropped.
 */
bool whole_packet(struct passage *w);
/* The checksums are not wrong, as far as they can be known; or dropped. */
bool whole_is_intact(struct passage *w);
/* Drops a frame whose decoding ended so; not OK, not NOT_IP. */
void whole_malformed(struct passage *w, enum packet_outcome outcome);
/* Of defrag_on_gone(); arg is the inspect. */
void whole_gone(void *arg, const struct defrag_gone *gone);

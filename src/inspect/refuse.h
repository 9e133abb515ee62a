/*
 * Frames of our own that answer the one under way: what keeps the sender of
 * something dropped from waiting. Nothing is sent where frames are only
 * watched, nor over the limit of replies.h.
 */
#pragma once

#include "inspect/passage.h"

/* As if the destination had refused it: RST, or ICMP's "prohibited". */
void refuse_sender(struct passage *w);
/* A TCP session is over: RST to who sent this segment, and to the other end. */
void refuse_both(struct passage *w);
/*
 * The segment under way has a client's request in HTTP/1: its sender gets a 403
 * and a FIN, the server a RST.
 */
void refuse_request(struct passage *w, uint32_t rule_id);

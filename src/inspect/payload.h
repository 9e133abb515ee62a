/*
 * What flows carry, for those who read it: datagrams as they come, TCP put in
 * order (flow/stream.h). Only flows that somebody wants to read have a stream.
 */
#pragma once

#include "inspect/passage.h"

/*
 * A packet of f that is about to be forwarded, or to be watched only; fresh: f
 * was made, or made anew, for it. Drops it where its bytes cannot be read, and
 * that is what is to be done then.
 */
void payload_packet(struct passage *w, struct flow *f, bool fresh);
/* f is about to end. */
void payload_end(struct inspect *in, const struct flow *f);

/* nDPI, for flows that no parser of ours knows (detect/breadth.h). */
#pragma once

#include "inspect/hear.h"

/*
 * That side says more: the next bytes, or a datagram. With the first call it
 * hears what was said before. The flow's application may be known by it.
 */
void broad_read(struct hearing *h, enum flow_side side, struct bytes b);
/* May it still become known so? Also before the first call. */
bool broad_may_tell(const struct inspect *in, const struct talk *t);
/* t is not listened to any more. */
void broad_end(struct inspect *in, struct talk *t);

/*
 * What flows carry: which application that is, and what its parser tells
 * (inspect/hear.h). Datagrams as they come, TCP put in order (flow/stream.h).
 */
#pragma once

#include "inspect/passage.h"

/* What a packet's payload has changed. */
enum payload_news {
	PAYLOAD_NONE,
	PAYLOAD_TOLD,	/* something that policy asks for: judge again */
	PAYLOAD_JUDGED, /* a request, and with it f */
};

/*
 * A packet of f that is about to be forwarded, or to be watched only; fresh: f
 * was made, or made anew, for it. Drops it where its bytes cannot be read, and
 * that is what is to be done then.
 */
enum payload_news payload_packet(struct passage *w, struct flow *f, bool fresh);
/*
 * Sensors have come, or others, since f was judged last. If nobody listens to it
 * any more they do, as if it had been met here.
 */
void payload_sensors_came(struct passage *w, struct flow *f);
/*
 * f was listened to, and what was known of that is gone: who would listen does, as
 * if it had been met here.
 */
void payload_met_again(struct inspect *in, struct flow *f);
/* Is f still listened to? */
bool payload_is_read(const struct inspect *in, const struct flow *f);
/* f was judged: what nobody waits for any more is given back. */
void payload_judged(struct inspect *in, struct flow *f);
/* f's stream; 0: none. */
uint32_t payload_stream(const struct inspect *in, const struct flow *f);
/* f is about to end. */
void payload_end(struct inspect *in, struct flow *f);

/* What a session is told with; 0: unknown. */
static inline uint16_t payload_app(const struct flow *f)
{
	return f->product ? f->product : f->app;
}

/*
 * As policy_query.app, .unanswered, .vhost, .request (in *buf); the texts are valid while f
 * is listened to.
 */
uint32_t payload_policy_app(const struct flow *f);
bool payload_is_unanswered(const struct inspect *in, const struct flow *f);
const char *payload_host(const struct inspect *in, const struct flow *f);
const struct request *payload_request(const struct inspect *in,
				      const struct flow *f,
				      struct request *buf);

#include "inspect/exception.h"

static enum reason reason_of(enum inspect_limit limit)
{
	static const uint8_t reasons[] = {
#define X(name, text) REASON_##name,
		INSPECT_LIMITS(X)
#undef X
	};

	return (enum reason)reasons[limit];
}

void exception_met(struct hearing *h, enum inspect_limit limit)
{
	struct inspect *in = h->w->in;

	if (h->limits & 1u << limit)
		return;
	h->limits |= (uint8_t)(1u << limit);
	in->counts.limits_met[limit]++;
	if (hear_is_only_watched(h))
		return;
	switch ((enum stream_exception)in->settings.limits_on[limit]) {
	case STREAM_DROP:
		if (h->stop)
			return;
		h->stop = (uint8_t)reason_of(limit);
		h->stop_id = 0;
		h->action = DPI_RESET;
		return;
	case STREAM_BYPASS: h->bypass = true; return;
	case STREAM_PASS:
	case STREAM_EXCEPTION__MAX: return;
	}
}

uint64_t exception_searches_before(const struct hearing *h)
{
	const struct inspect *in = h->w->in;

	if (!in->signatures)
		return 0;
	return sig_limits_met(in->signatures) + sensor_limits_met(in->sensors);
}

void exception_searches(struct hearing *h, uint64_t before)
{
	if (exception_searches_before(h) != before)
		exception_met(h, LIMIT_SEARCH);
}

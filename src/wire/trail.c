#include "wire/trail.h"

#include <string.h>

static const struct {
	const char *name;
	uint8_t kind;
	bool several;
} texts[TRAIL_TEXT__MAX] = {
#define X(name, text, kind, several) \
	[TRAIL_TEXT_##name] = { text, TRAIL_##kind, several },
	TRAIL_TEXTS(X)
#undef X
};

const char *trail_kind_name(uint8_t kind)
{
	static const char *const names[TRAIL_KIND__MAX] = { "flow", "http",
							    "tls", "dns" };

	return kind < TRAIL_KIND__MAX ? names[kind] : "?";
}

const char *trail_text_name(enum trail_text t)
{
	return texts[t].name;
}

enum trail_kind trail_text_kind(enum trail_text t)
{
	return (enum trail_kind)texts[t].kind;
}

bool trail_text_is_several(enum trail_text t)
{
	return texts[t].several;
}

void trail_put(struct trail_record *r, enum trail_text t, struct bytes value)
{
	size_t len = bytes_len(value), room = sizeof r->text - r->text_len;
	uint8_t *to = r->text + r->text_len;

	if (room <= TRAIL_TEXT_HEAD ||
	    (texts[t].several && trail_count(r, t) >= TRAIL_VALUES_MAX)) {
		r->cut = true;
		return;
	}
	if (len > TRAIL_VALUE_MAX)
		len = TRAIL_VALUE_MAX;
	if (len > room - TRAIL_TEXT_HEAD)
		len = room - TRAIL_TEXT_HEAD;
	r->cut |= len < bytes_len(value);
	to[0] = (uint8_t)t;
	to[1] = (uint8_t)(len >> 8);
	to[2] = (uint8_t)len;
	if (len)
		memcpy(to + TRAIL_TEXT_HEAD, value.begin, len);
	r->text_len = (uint16_t)(r->text_len + TRAIL_TEXT_HEAD + len);
}

bool trail_next(const struct trail_record *r, uint16_t *at,
		enum trail_text *ret, struct bytes *ret_value)
{
	const uint8_t *from = r->text + *at;
	size_t len;

	if (*at + TRAIL_TEXT_HEAD > r->text_len)
		return false;
	len = (size_t)from[1] << 8 | from[2];
	*ret = (enum trail_text)from[0];
	*ret_value = bytes_of(from + TRAIL_TEXT_HEAD, len);
	*at = (uint16_t)(*at + TRAIL_TEXT_HEAD + len);
	return true;
}

unsigned trail_count(const struct trail_record *r, enum trail_text t)
{
	enum trail_text found = TRAIL_TEXT__MAX;
	struct bytes ignored;
	uint16_t at = 0;
	unsigned n = 0;

	while (trail_next(r, &at, &found, &ignored))
		n += found == t;
	return n;
}

const char *trail_tcp_state(uint8_t state)
{
	static const char *const names[] = {
		"",	      "established", "syn_sent",  "syn_recv",
		"fin_wait1",  "fin_wait2",   "time_wait", "closed",
		"close_wait", "last_ack",    "listen",	  "closing",
	};

	return state < sizeof names / sizeof *names ? names[state] : "";
}

/*
 * Of several addresses the first is the client's own, as each proxy adds the one
 * it was asked by behind it. It may have a port, and an IPv6 address brackets.
 */
#include "inspect/forwarded.h"

#include <string.h>

#include "inspect/judge.h"

bool forwarded_is_wanted(const struct inspect *in, const struct flow *f)
{
	return snapshot_xff(in->snapshot) && !f->client_is_own &&
	       (f->app == APP_HTTP || f->app == APP_HTTP2);
}

/* false: it begins with no address. */
static bool parse_first(struct bytes value, struct ip_addr *ret)
{
	char text[IP_TEXT_MAX];
	const char *end = " \t,";
	size_t n = 0;
	bool bracket;

	while (bytes_len(value) > 0 && *value.begin == ' ')
		value.begin++;
	bracket = bytes_len(value) > 0 && *value.begin == '[';
	value.begin += bracket;
	if (bracket)
		end = "]";
	while (n < bytes_len(value) && value.begin[n] &&
	       !strchr(end, value.begin[n])) {
		if (n == sizeof text - 1)
			return false;
		text[n] = (char)value.begin[n];
		n++;
	}
	text[n] = '\0';
	/* 10.0.0.1:5678; an IPv6 address has more colons */
	if (strchr(text, '.') && strrchr(text, ':') == strchr(text, ':') &&
	    strchr(text, ':'))
		*strchr(text, ':') = '\0';
	return ip_parse(text, ret) >= 0;
}

void forwarded_piece(struct hearing *h, const struct proto_piece *p)
{
	if (p->field != FIELD_HTTP_FORWARDED_FOR || !h->t ||
	    !forwarded_is_wanted(h->w->in, h->f))
		return;
	h->t->is_forwarded = parse_first(p->bytes, &h->t->forwarded);
}

bool forwarded_asked(struct hearing *h)
{
	struct talk *t = h->t;
	bool forwarded = t->is_forwarded;

	t->is_forwarded = false; /* the next request has its own */
	if (!forwarded || ip_equal(t->forwarded, h->f->key.peer) ||
	    judge_forwarded(h->w, h->f, t->forwarded, &h->reject))
		return true;
	h->refused = !hear_is_only_watched(h);
	return !h->refused;
}

/*
 * Theory. "INVITE sip:a@b SIP/2.0" and "SIP/2.0 200 OK", by either side: of SIP
 * both may ask. The version alone would do; the target's scheme is asked for,
 * too, so that no other protocol's line of text is taken for it. Blank lines may
 * come before (RFC 5626 keeps connections open by them).
 */
#include "proto/sip_rtsp.h"

#include "proto/text.h"

/* The longest method that is registered has 13. */
#define METHOD_MAX 20

struct language {
	const char *answer;	/* an answer begins so */
	const char *version[2]; /* a request ends so; NULL: no other */
	const char *target[3];	/* what it asks for begins so */
};

static const struct language sip = { "SIP/2.0 ",
				     { "SIP/2.0", NULL },
				     { "sip:", "sips:", "tel:" } };
static const struct language rtsp = { "RTSP/",
				      { "RTSP/1.0", "RTSP/2.0" },
				      { "rtsp://", "rtsps://", "*" } };

static bool is_method(struct bytes word)
{
	for (const uint8_t *p = word.begin; p < word.end; p++)
		if ((*p < 'A' || *p > 'Z') && *p != '_')
			return false;
	return bytes_len(word) > 0 && bytes_len(word) <= METHOD_MAX;
}

static bool is_request(struct bytes line, const struct language *l)
{
	struct bytes method, target;
	bool begins = false;

	if (!text_take_until(&line, ' ', &method) || !is_method(method) ||
	    !text_take_until(&line, ' ', &target))
		return false;
	for (size_t i = 0; i < 3; i++)
		begins |= text_begins_nocase(target, l->target[i]) == PROTO_YES;
	return begins && (text_is(line, l->version[0]) ||
			  (l->version[1] && text_is(line, l->version[1])));
}

/* May the line, which has no end yet, be a request's? */
static bool may_be_request(struct bytes line)
{
	struct bytes method = line;

	(void)text_take_until(&line, ' ', &method); /* or it is all there is */
	return is_method(method);
}

/* whole: there is no more than b. */
static enum proto_guess guess(struct bytes b, bool whole,
			      const struct language *l)
{
	enum proto_guess answer;
	struct bytes line;

	while (bytes_len(b) > 0 && (*b.begin == '\r' || *b.begin == '\n'))
		b.begin++;
	if (bytes_len(b) == 0)
		return PROTO_MAYBE;
	answer = text_begins(b, l->answer);
	if (answer == PROTO_YES || (answer == PROTO_MAYBE && !whole))
		return answer;
	if (text_take_line(&b, &line))
		return is_request(line, l) ? PROTO_YES : PROTO_NO;
	return !whole && may_be_request(b) ? PROTO_MAYBE : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o,
				  const struct language *l)
{
	enum proto_guess best = PROTO_NO;

	for (int side = 0; side < PROTO_SIDE__MAX; side++) {
		enum proto_guess g =
			guess(o->said[side], o->udp || o->cut[side], l);

		/* who speaks otherwise, does not speak it */
		if (g == PROTO_NO)
			return PROTO_NO;
		if (g == PROTO_YES)
			best = g;
		else if (best == PROTO_NO)
			best = g;
	}
	return best;
}

static enum proto_guess recognise_sip(const struct proto_opening *o)
{
	return recognise(o, &sip);
}

static enum proto_guess recognise_rtsp(const struct proto_opening *o)
{
	return recognise(o, &rtsp);
}

const struct proto_parser proto_sip = {
	.name = "sip",
	.app = APP_SIP,
	.tcp = true,
	.udp = true,
	.recognise = recognise_sip,
};

const struct proto_parser proto_rtsp = {
	.name = "rtsp",
	.app = APP_RTSP,
	.tcp = true,
	.recognise = recognise_rtsp,
};

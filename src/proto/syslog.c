/*
 * Syslog: a priority in angle brackets, then version and time (RFC 5424), or a
 * month (RFC 3164). Over TCP a length may stand before it (RFC 6587).
 */
#include "proto/syslog.h"

#include <string.h>

#include "proto/text.h"

#define PRIORITY_MAX   191
#define PRIORITY_CHARS 3
#define LENGTH_CHARS   6
#define HEAD_CHARS     24 /* by then it is told, whatever stands before */

/* Takes 1 to `most` digits; false: there are none, or more. */
static bool take_digits(struct bytes *b, size_t most, uint64_t *ret)
{
	struct bytes digits = { b->begin, b->begin };

	while (digits.end < b->end && text_is_digit(*digits.end))
		digits.end++;
	if (bytes_len(digits) > most || !text_number(digits, UINT32_MAX, ret))
		return false;
	b->begin = digits.end;
	return true;
}

static bool take_char(struct bytes *b, char c)
{
	if (bytes_len(*b) == 0 || *b->begin != (uint8_t)c)
		return false;
	b->begin++;
	return true;
}

static bool is_month(struct bytes b)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (const char *m = months; *m; m += 3)
		if (bytes_len(b) > 3 && memcmp(b.begin, m, 3) == 0)
			return b.begin[3] == ' ';
	return false;
}

static bool is_message(struct bytes b)
{
	uint64_t priority, version, year;

	if (!take_char(&b, '<') ||
	    !take_digits(&b, PRIORITY_CHARS, &priority) ||
	    priority > PRIORITY_MAX || !take_char(&b, '>'))
		return false;
	if (is_month(b))
		return true;
	return take_digits(&b, 2, &version) && version > 0 &&
	       take_char(&b, ' ') &&
	       ((take_digits(&b, 4, &year) && take_char(&b, '-')) ||
		(take_char(&b, '-') && take_char(&b, ' ')));
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	size_t len = bytes_len(b);
	uint64_t length;

	if (!o->udp && take_digits(&b, LENGTH_CHARS, &length) &&
	    !take_char(&b, ' ') && bytes_len(b) > 0)
		return PROTO_NO;
	if (is_message(b))
		return PROTO_YES;
	if (o->udp || len >= HEAD_CHARS)
		return PROTO_NO;
	return bytes_len(b) == 0 || *b.begin == '<' ? PROTO_MAYBE : PROTO_NO;
}

const struct proto_parser proto_syslog = {
	.name = "syslog",
	.app = APP_SYSLOG,
	.tcp = true,
	.udp = true,
	.recognise = recognise,
};

/*
 * SSH (RFC 4253 4.2). Each side begins with one line, "SSH-2.0-OpenSSH_9.2p1
 * comment", the server maybe with other lines before it. What follows is key
 * exchange and soon encrypted: the parser is through when both have spoken.
 */
#include "proto/ssh.h"

#include "proto/text.h"

/* A line with its end, RFC 4253 4.2; lines before the server's own: the same. */
#define LINE_MAX	 255
#define LINES_BEFORE_MAX 16

struct ssh {
	bool told[PROTO_SIDE__MAX];
	uint8_t lines; /* of the server, before its own */
};
_Static_assert(sizeof(struct ssh) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(ssh_state, "ssh", struct ssh, 1);

/*
 * A client's first words tell; whoever connects hears the server's. Of a client that
 * was not heard from the beginning they are all there is.
 */
static enum proto_guess recognise(const struct proto_opening *o)
{
	if (o->midstream &&
	    text_begins(o->said[PROTO_SERVER], "SSH-") == PROTO_YES)
		return PROTO_YES;
	return text_begins(o->said[PROTO_CLIENT], "SSH-");
}

/* The line without its end, "SSH-2.0-software comment"; false: to be stopped. */
static bool tell_line(enum proto_side side, struct bytes line,
		      const struct proto_sink *sink)
{
	struct bytes version, software = line;

	(void)take_skip(&software, 4); /* the caller has seen "SSH-" */
	if (!text_take_until(&software, '-', &version))
		return sink->note(sink->arg, side, NOTE_MALFORMED);
	(void)text_take_until(&software, ' ', &software);
	/* 1.99 speaks 2.0 as well (RFC 4253 5.1) */
	if (text_begins(version, "1.") == PROTO_YES &&
	    !text_is(version, "1.99") &&
	    !sink->note(sink->arg, side, NOTE_SSH_1))
		return false;
	return proto_tell(sink, side, FIELD_SSH_PROTO, version) &&
	       proto_tell(sink, side, FIELD_SSH_SOFTWARE, software);
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct proto_result r = { .state = PROTO_READING };
	struct bytes rest = c->bytes, line;
	struct ssh *s = state;

	(void)w;
	if (c->gap_before && !s->told[c->side]) {
		r.state = PROTO_LOST;
		return r;
	}
	while (!s->told[c->side] && text_take_line(&rest, &line)) {
		if (text_begins(line, "SSH-") == PROTO_YES) {
			s->told[c->side] = true;
			if (!tell_line((enum proto_side)c->side, line, sink))
				r.state = PROTO_STOPPED;
		} else if (c->side == PROTO_CLIENT ||
			   ++s->lines > LINES_BEFORE_MAX) {
			r.state = PROTO_LOST;
		}
		if (r.state != PROTO_READING)
			return r;
	}
	if (!s->told[c->side] && bytes_len(rest) > LINE_MAX)
		r.state = PROTO_LOST;
	else if (s->told[PROTO_CLIENT] && s->told[PROTO_SERVER])
		r.state = PROTO_DONE;
	r.consumed = s->told[c->side] ? bytes_len(c->bytes)
				      : bytes_len(c->bytes) - bytes_len(rest);
	return r;
}

const struct proto_parser proto_ssh = {
	.name = "ssh",
	.app = APP_SSH,
	.tcp = true,
	.state = &ssh_state,
	.recognise = recognise,
	.read = read,
};

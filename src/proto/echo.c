/*
 * Echo (RFC 862): the server says what the client said. Anybody may answer with
 * the same words once, so its port must be the one that is set aside for it.
 */
#include "proto/echo.h"

#include <string.h>

#define ECHO_PORT 7

static enum proto_guess recognise(const struct proto_opening *o)
{
	size_t client = bytes_len(o->said[PROTO_CLIENT]);
	size_t server = bytes_len(o->said[PROTO_SERVER]);

	size_t both = server < client ? server : client;

	if (o->server_port != ECHO_PORT || (server > 0 && client == 0))
		return PROTO_NO;
	if (both > 0 && memcmp(o->said[PROTO_CLIENT].begin,
			       o->said[PROTO_SERVER].begin, both) != 0)
		return PROTO_NO;
	/* all that was said, in however many segments */
	return both > 0 && both == client ? PROTO_YES : PROTO_MAYBE;
}

const struct proto_parser proto_echo = {
	.name = "echo",
	.app = APP_ECHO,
	.tcp = true,
	.udp = true,
	.recognise = recognise,
};

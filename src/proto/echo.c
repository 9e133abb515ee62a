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

	if (o->server_port != ECHO_PORT || server > client)
		return PROTO_NO;
	if (server == 0)
		return PROTO_MAYBE;
	return memcmp(o->said[PROTO_CLIENT].begin, o->said[PROTO_SERVER].begin,
		      server) == 0
		       ? PROTO_YES
		       : PROTO_NO;
}

const struct proto_parser proto_echo = {
	.name = "echo",
	.app = APP_ECHO,
	.tcp = true,
	.udp = true,
	.recognise = recognise,
};

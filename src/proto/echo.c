/*
 * Echo (RFC 862): the server says what the client said. Anybody may answer with
 * the same words once, so its port must be the one that is set aside for it.
 */
#include "proto/echo.h"

#include <string.h>

#define ECHO_PORT 7

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];
	struct bytes server = o->said[PROTO_SERVER];
	size_t all = bytes_len(client), len = bytes_len(server);
	size_t both = len < all ? len : all;

	if (o->server_port != ECHO_PORT || (len > 0 && all == 0))
		return PROTO_NO;
	if (both > 0 && memcmp(client.begin, server.begin, both) != 0)
		return PROTO_NO;
	/* all that was said, in however many segments; what follows is not looked at */
	return both > 0 && both == all ? PROTO_YES : PROTO_MAYBE;
}

const struct proto_parser proto_echo = {
	.name = "echo",
	.app = APP_ECHO,
	.tcp = true,
	.udp = true,
	.recognise = recognise,
};

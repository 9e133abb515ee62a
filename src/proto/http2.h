/* HTTP/2 (RFC 9113) in the clear, and gRPC in it. See http2.c. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_http2;

/* HTTP/1.1, 1.0, 0.9 (RFC 9112, and what servers make of it). See http1.c. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_http;

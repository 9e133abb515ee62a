#pragma once

#include "proto/parser.h"

/* QUIC: the client's hello, as TLS's, of versions 1 and 2; others by name. */
extern const struct proto_parser proto_quic;

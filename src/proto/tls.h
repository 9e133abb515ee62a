#pragma once

#include "proto/parser.h"

/* SSL 2.0, 3.0, TLS 1.0 to 1.3: both hellos and the server's certificate. */
extern const struct proto_parser proto_tls;

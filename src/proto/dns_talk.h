#pragma once

#include "proto/parser.h"

/* DNS over UDP and TCP, mDNS and LLMNR among it. */
extern const struct proto_parser proto_dns;

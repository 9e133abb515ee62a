/* memcached: commands, as text and binary. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_memcached;
/* Couchbase speaks memcached's binary protocol, with logins and more commands. */
extern const struct proto_parser proto_couchbase;

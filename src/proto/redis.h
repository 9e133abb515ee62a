/* Redis: commands, their class and first key; who logs in. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_redis;

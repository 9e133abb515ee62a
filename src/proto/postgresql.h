/* PostgreSQL: who logs in, to what database, statements; errors. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_postgresql;

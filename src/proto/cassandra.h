/* Cassandra: statements of CQL, who logs in; errors. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_cassandra;

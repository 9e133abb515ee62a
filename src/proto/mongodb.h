/* MongoDB: commands, on what database and collection; refused logins. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_mongodb;

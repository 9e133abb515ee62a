/* Erlang's port mapper, and what its nodes say to each other, by name. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_erlang;

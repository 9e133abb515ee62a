/* STUN, and TURN with it, by name. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_stun;

/* SSH: versions and software of both sides. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_ssh;

/* TNS (Oracle): service, who connects, statements where they can be found. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_tns;

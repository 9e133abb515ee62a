/* Syslog, by name. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_syslog;

/* SNMP 1, 2c and 3, by name. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_snmp;

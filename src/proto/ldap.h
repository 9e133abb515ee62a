/* LDAP (RFC 4511): by name only, from what a client asks first. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_ldap;

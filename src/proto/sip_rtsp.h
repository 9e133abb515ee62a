/*
 * SIP (RFC 3261) and RTSP (RFC 2326, 7826): by name only. Their requests and
 * answers look like HTTP's and tell by their version.
 */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_sip;
extern const struct proto_parser proto_rtsp;

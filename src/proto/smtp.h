/* SMTP: commands, who writes to whom, what is written. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_smtp;

/* TDS (MS SQL Server, Sybase): who logs in, statements, procedures; errors. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_tds;

/* MySQL, MariaDB: who logs in, what is used, statements; refused logins. */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_mysql;

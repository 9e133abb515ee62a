/*
 * FTP (RFC 959), POP3 (RFC 1939) and IMAP (RFC 9051): by name only. The server
 * greets, the client commands.
 */
#pragma once

#include "proto/parser.h"

extern const struct proto_parser proto_ftp;
extern const struct proto_parser proto_pop3;
extern const struct proto_parser proto_imap;

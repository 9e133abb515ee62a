/*
 * Which software speaks HTTP, by what it says of itself: told once a connection
 * (proto_sink.known). One worker's thread.
 */
#pragma once

#include "proto/parser.h"

/* *told: a part of the connection's state. Each returns false to stop. */
bool http_software_by_path(uint64_t *told, const struct proto_sink *sink,
			   struct bytes path);
/* Header Server. */
bool http_software_by_server(uint64_t *told, const struct proto_sink *sink,
			     struct bytes value);
/* Any other header of an answer; the name in any case. */
bool http_software_by_header(uint64_t *told, const struct proto_sink *sink,
			     struct bytes name, struct bytes value);

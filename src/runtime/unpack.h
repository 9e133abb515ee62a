/*
 * Unpacking a foreign protobuf message within a budget of memory.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* NULL and *reterr: it is no such message, or takes RUNTIME_UNPACKED_MAX. */
void *unpack_message(const ProtobufCMessageDescriptor *type, const uint8_t *m,
		     size_t len, struct err *reterr);
/* NULL is accepted. */
void unpack_free(void *message);

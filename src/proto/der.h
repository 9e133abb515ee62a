/*
 * Values in DER and BER (X.690): a tag, a length, as many bytes. A value lies
 * wholly in what is left of the one around it, so no length leads out. Tags of
 * more than a byte and lengths that are not told at first are refused.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define DER_INTEGER  0x02
#define DER_OCTETS   0x04
#define DER_SEQUENCE 0x30

/* The next value with its tag. false: none, or it is broken; *b as it was. */
bool der_take(struct bytes *b, uint8_t *tag, struct bytes *ret);
/* The next value, if it has that tag; else false, *b as it was. */
bool der_take_tagged(struct bytes *b, uint8_t tag, struct bytes *ret);

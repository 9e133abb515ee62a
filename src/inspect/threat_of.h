/* Which threat (reference 6.2) it is that a parser, or a signature, noticed. */
#pragma once

#include <stdint.h>

#include "detect/sig.h"
#include "proto/fields.h"

/* An id of detect/threat.h; 0: it is none, and only counted. */
uint32_t threat_of_note(enum proto_note n);
/* By its "metadata:threat 2022"; likewise. */
uint32_t threat_of_signature(const struct signature *s);

/*
 * What is the same of every proposal, whoever makes it; for the files of this folder.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "intent/model.h"

bool proto_has_ports(uint8_t proto);
/*
 * A base protocol (http, tls, ...) carries anything, so wherever it listens
 * would allow too much; what a product's protocol is for, is known.
 */
bool app_is_product(uint32_t app);
/* What it is about, as long as more is learned of the same. NULL: out of memory. */
json_t *proposal_key(const char *from, const char *to, uint32_t app,
		     const struct port_word *w);

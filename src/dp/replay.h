/*
 * `weir-dp -p`: a capture, or a folder of them, through the same pipeline.
 */
#pragma once

#include <jansson.h>

#include "dp/options.h"

/*
 * Prints one line (or, with -o json, one object) a flow, in the order they
 * began, file after file; then what was blocked without becoming a flow. Drops
 * privileges before it parses. Returns the exit status.
 */
int replay_run(const struct options *opt, const json_t *load);

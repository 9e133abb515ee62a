/*
 * `weir dp explain`: may this connection be, and which rule says so?
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cli/out.h"

/* argv[0] is "explain"; returns an exit code as commands do (cli.h). */
int cmd_dp_explain(int argc, char **argv);

/* May all that weir_explain answered about be? */
bool explain_passes(const json_t *result);
/* What weir_explain answered, as text. CLI_FAILED: it does not pass. */
int explain_print(const struct out *o, const json_t *result);

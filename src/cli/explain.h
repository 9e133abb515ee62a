/*
 * `weir dp explain`: may this connection be, and which rule says so?
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "cli/out.h"

/* argv[0] is "explain"; returns an exit code as commands do (cli.h). */
int cmd_dp_explain(int argc, char **argv);

/*
 * "http.method=GET http.path=/cart" as an object, a new reference; NULL: *reterr.
 */
json_t *explain_request(const char *text, struct err *reterr);
/* "passes", "is dropped", "is rejected", with its colour: of one answer. */
const char *explain_word(const json_t *answer, enum out_colour *ret);
/* What more there is to one: threat, name, grace, tapped; a line each. */
void explain_more(const json_t *answer);
/* CLI_OK: there are answers of weir_explain, and all pass. */
int explain_status(const json_t *result);

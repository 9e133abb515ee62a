/* What the files of `weir rules` share. */
#pragma once

#include <jansson.h>

#include "cli/out.h"
#include "detect/sig_parse.h"

/* [{"file", "line", "column", "keyword", "text"}]: what was refused. New. */
json_t *rules_faults(const struct sig_list *l);
/* As lines of text. */
void rules_print_faults(const struct out *o, const json_t *faults);
/* NAME=VALUE, of --var; text is changed. -EINVAL, -E2BIG */
int rules_set_variable(struct sig_list *l, char *text, struct err *reterr);

/* rules_agent.c: what the agent has loaded, into a list. socket: NULL: default. */
int rules_of_agent(struct sig_list *l, const char *socket, struct err *reterr);
/* weir rules load, unload, status; argv[0] is that word. */
int rules_load(int argc, char **argv);
int rules_unload(int argc, char **argv);
int rules_status(int argc, char **argv);

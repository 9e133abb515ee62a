/*
 * What commands about the policy have in common (agent_policy.c, agent_learn.c).
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "cli/out.h"

/* "a,b" of texts (in buf), or a text as it is; "any" where there is nothing. */
const char *agent_words(const json_t *v, char *buf, size_t size);
/* Argument "file" is a path, or "-": its text becomes argument "text". */
int agent_prepare_file(json_t *args, struct err *reterr);
/* After a change: is it in force? An exit code, as those below. */
int agent_print_changed(const struct out *o, const json_t *answer);
/* What intent_diff() says, a line a difference. */
void agent_print_diff(const struct out *o, const json_t *diff);
/* "compared": what another policy would do otherwise. */
int agent_print_compared(const struct out *o, const json_t *answer);

/* argv[0] is the last word: weir policy learned ...; agent_learn.c */
int cmd_policy_learned(int argc, char **argv);
int cmd_policy_accept(int argc, char **argv);
int cmd_policy_reject(int argc, char **argv);
int cmd_policy_candidate(int argc, char **argv);
int cmd_policy_history(int argc, char **argv);
int cmd_policy_rollback(int argc, char **argv);

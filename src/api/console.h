/*
 * weir-api's commands for the console: users, and the link for the first one. They
 * change the same file as a weir-api that runs, which sees it within a second.
 */
#pragma once

#include "api/config.h"

extern const char console_help[];

/* argv: "user", ... or "setup". The exit code. */
int console_run(const struct api_config *c, int argc, char **argv);

/* The link for the first user, with a new word; -EEXIST: there are users. */
struct accounts;
int console_setup_link(struct accounts *a, const struct api_config *c,
		       struct err *reterr);

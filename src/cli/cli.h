/*
 * The subcommands of `weir`.
 *
 * A command gets argv from its own name on (argv[0] is "splice"), prints its
 * result on stdout and its errors through out.h, and returns an exit code. It
 * answers --help itself, on stdout, with examples.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* understood, but could not be done */
	CLI_USAGE = 2,	/* not understood; nothing was done */
};

struct cli_command {
	const char *name;
	const char *summary; /* one line, no full stop */
	int (*run)(int argc, char **argv);
	const char *words; /* what may follow it, for completion; NULL */
};

/* All of them, in the order of `weir help`. */
const struct cli_command *cli_commands(size_t *ret_n);

int cmd_apply(int argc, char **argv);	/* agent_policy.c */
int cmd_capture(int argc, char **argv); /* capture.c */
int cmd_upgrade(int argc, char **argv); /* upgrade.c */
/* agent_do.c: weir capture start, stop, list, get, delete; false: none of them. */
bool capture_is_agents(int argc, char **argv, int *ret_exit);
int cmd_completion(int argc, char **argv);  /* completion.c */
int cmd_demo(int argc, char **argv);	    /* demo_agent.c */
int cmd_demo_splice(int argc, char **argv); /* demo_splice.c */
int cmd_diff(int argc, char **argv);	    /* agent_policy.c */
int cmd_divert(int argc, char **argv);	    /* divert.c */
int cmd_doctor(int argc, char **argv);	    /* doctor.c, doctor_main.c */
int cmd_dp(int argc, char **argv);	    /* dp.c */
int cmd_events(int argc, char **argv);	    /* agent_told.c */
int cmd_explain(int argc, char **argv);	    /* agent_told.c */
int cmd_export(int argc, char **argv);	    /* export_status.c */
int cmd_fleet(int argc, char **argv);	    /* fleet.c */
int cmd_flows(int argc, char **argv);	    /* agent_told.c */
int cmd_group(int argc, char **argv);	    /* agent_policy.c */
int cmd_hook(int argc, char **argv);	    /* hook.c */
int cmd_import(int argc, char **argv);	    /* import.c */
int cmd_ls(int argc, char **argv);	    /* agent_show.c */
int cmd_mode(int argc, char **argv);	    /* divert.c */
int cmd_policy(int argc, char **argv);	    /* agent_policy.c */
int cmd_quarantine(int argc, char **argv);  /* agent_show.c */
int cmd_release(int argc, char **argv);	    /* divert.c */
int cmd_response(int argc, char **argv);    /* agent_respond.c */
int cmd_rules(int argc, char **argv);	    /* rules.c */
int cmd_show(int argc, char **argv);	    /* agent_show.c */
int cmd_status(int argc, char **argv);	    /* agent_show.c */
int cmd_top(int argc, char **argv);	    /* top.c */
/* HHLL, four hex digits, of --mark. -EINVAL */
int cli_parse_mark(const char *text, int *ret, struct err *reterr);

int cmd_splice(int argc, char **argv); /* splice.c */

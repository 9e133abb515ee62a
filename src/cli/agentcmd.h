/*
 * Commands that are one request to the agent: what is on the command line
 * becomes its arguments, by a table, and its answer is printed.
 *
 * All take -o text|json|yaml, --socket PATH, --node NODE (of the fleet) and --help.
 */
#pragma once

#include <jansson.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "door/agentclient.h"

enum agent_value {
	AGENT_FLAG,   /* true */
	AGENT_UNFLAG, /* false */
	AGENT_TEXT,
	AGENT_TEXTS, /* may come again: an array */
	AGENT_NUMBER,
	AGENT_SIGNED, /* -1 is one, too */
	AGENT_AGO, /* "90", "15m", "3h", "7d": as that time, seconds since 1970 */
};

struct agent_option {
	const char *name; /* --NAME */
	char letter;	  /* -L; 0: none */
	enum agent_value value;
	const char *member; /* of the arguments */
};

struct agent_cmd {
	const char *name;    /* as errors call it: "policy add" */
	const char *help;    /* whole text of --help */
	const char *command; /* the agent's */
	const struct agent_option
		*options; /* ends with a NULL name; may be NULL */
	const char
		*words; /* members for the words behind: "group mode? ids*" */
	/* Looks at or changes the arguments before they are sent; may be NULL. */
	int (*prepare)(json_t *args, struct err *reterr);
	/* As text. An exit code. */
	int (*print)(const struct out *o, const json_t *answer);
	/* Its texts may be printed as they are: YAML, which has its own escapes. */
	bool verbatim;
	/*
	 * Its answer comes in pages, each behind "next" of the one before: their
	 * list. Of one "revision", if they have one, or all of them once more.
	 * NULL: it does not.
	 */
	const char *pages;
	/* Is the answer no, so that it exits with 1? NULL: it never is. */
	bool (*is_no)(const json_t *answer);
	/* A line of what is followed, as text; NULL: it follows nothing. */
	void (*print_event)(const struct out *o, const json_t *event);
};

/* argv[0] is the last word of the name. An exit code. */
int agent_cmd_run(const struct agent_cmd *cmd, int argc, char **argv);

/* A command whose second word says which; ends with a NULL name. */
int agent_cmd_choose(const struct cli_command *list, const char *name, int argc,
		     char **argv);

/* -o json and yaml, of an answer without "id". Takes it. */
void agent_print_value(const struct out *o, json_t *answer);

/*
 * The agent's half of commands that can do without one (divert.c), in
 * agent_show.c and agent_policy.c.
 */
extern const struct agent_cmd agent_divert_cmd, agent_release_cmd,
	agent_mode_cmd;

/*
 * weir fleet: many hosts with one policy. One row here is one word of it, and one
 * function in a file of its own.
 */
#include "cli/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"

static const struct fleet_word {
	const char *name;
	const char *summary; /* one line, no full stop */
	int (*run)(int argc, char **argv);
} words[] = {
	{ "init", "makes a fleet's certificates and its servers' files",
	  fleet_init },
	{ "retire", "a server that was removed: the others keep its share",
	  fleet_retire_server },
	{ "status", "which nodes there are, and what is in force there",
	  fleet_status },
	{ "forget", "a node that is gone for good", fleet_forget_node },
};

#define N_WORDS (sizeof words / sizeof *words)

static int help(void)
{
	puts("Usage: weir fleet WORD ...\n"
	     "\n"
	     "Many hosts with one policy, through servers of NATS.\n");
	for (size_t i = 0; i < N_WORDS; i++)
		printf("  %-8s  %s\n", words[i].name, words[i].summary);
	puts("\n`weir fleet WORD --help` tells more, with examples.");
	return CLI_OK;
}

/* "init, status or forget expected" */
static void tell_words(const char *said, struct err *reterr)
{
	char all[ERR_TEXT_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < N_WORDS && len < sizeof all; i++)
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%s",
					i == 0		   ? ""
					: i + 1 == N_WORDS ? " or "
							   : ", ",
					words[i].name);
	(void)err_set(reterr, EINVAL, said, "%s expected", all);
}

int cmd_fleet(int argc, char **argv)
{
	const char *said = argc > 1 ? argv[1] : NULL;
	struct out out = out_default();
	struct err err = { 0 };

	if (said && (strcmp(said, "--help") == 0 || strcmp(said, "-h") == 0))
		return help();
	for (size_t i = 0; said && i < N_WORDS; i++)
		if (strcmp(words[i].name, said) == 0)
			return words[i].run(argc - 1, argv + 1);
	tell_words(said, &err);
	return out_usage(&out, "fleet", &err);
}

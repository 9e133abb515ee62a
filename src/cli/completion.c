/*
 * `weir completion`: a script that completes command lines of `weir`, made from
 * the table of commands, so that it cannot know less or more than this program.
 *
 * The first word is a command, each other may be one of its words; behind -o is
 * a format; all else is left to the shell, as files are.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define FORMATS "text json yaml"

static const char help_text[] =
	"Usage: weir completion bash|zsh\n"
	"\n"
	"Prints what that shell has to read to complete command lines of "
	"weir.\n"
	"An installed weir brings it along.\n"
	"\n"
	"Examples:\n"
	"  source <(weir completion bash)\n"
	"  weir completion zsh >~/.zfunc/_weir    # a folder of $fpath\n";

/* 'text', as both shells read it. */
static void put_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	putchar('\'');
}

/* A case for each command that has words: PUT 'words' */
static void put_cases(const char *before, const char *after)
{
	size_t n;
	const struct cli_command *c = cli_commands(&n);

	for (; n > 0; n--, c++)
		if (c->words)
			printf("    %s) %s%s%s ;;\n", c->name, before, c->words,
			       after);
}

static void bash(void)
{
	size_t n;
	const struct cli_command *c = cli_commands(&n);

	puts("_weir() {\n"
	     "    local words= cur=${COMP_WORDS[COMP_CWORD]}\n"
	     "    case ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	     "    -o | --output) words='" FORMATS "' ;;\n"
	     "    *) case $COMP_CWORD in");
	fputs("    1) words='", stdout);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", c[i].name);
	puts("' ;;\n"
	     "    *) case ${COMP_WORDS[1]} in");
	put_cases("words='", "'");
	puts("    esac ;;\n"
	     "    esac ;;\n"
	     "    esac\n"
	     "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "}\n"
	     "complete -o default -F _weir weir");
}

static void zsh(void)
{
	size_t n;
	const struct cli_command *c = cli_commands(&n);

	puts("#compdef weir\n"
	     "local -a all\n"
	     "all=(");
	for (size_t i = 0; i < n; i++) {
		printf("    %s:", c[i].name);
		put_quoted(c[i].summary);
		putchar('\n');
	}
	puts(")\n"
	     "case $words[CURRENT-1] in\n"
	     "-o | --output) compadd " FORMATS "; return ;;\n"
	     "esac\n"
	     "case $CURRENT in\n"
	     "2) _describe command all; return ;;\n"
	     "*) case $words[2] in");
	put_cases("compadd ", "");
	puts("    esac ;;\n"
	     "esac\n"
	     "_files");
}

int cmd_completion(int argc, char **argv)
{
	const char *shell = argc == 2 ? argv[1] : "";

	if (strcmp(shell, "--help") == 0 || strcmp(shell, "-h") == 0)
		fputs(help_text, stdout);
	else if (strcmp(shell, "bash") == 0)
		bash();
	else if (strcmp(shell, "zsh") == 0)
		zsh();
	else {
		fputs("weir completion: say bash or zsh\n", stderr);
		return CLI_USAGE;
	}
	return CLI_OK;
}

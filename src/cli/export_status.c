/*
 * weir export status: what weir-export says of itself, in its file. Whoever is
 * gone has said nothing for a while: then the file is not believed.
 */
#include "cli/export_status.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/agentcmd.h"
#include "cli/dplist.h"
#include "cli/human.h"
#include "cli/table.h"
#include "wire/member.h"

#define STATUS_FILE "/run/weir-export/status.json"
/* It is written twice a second. */
#define STALE_S 15

static const char help_text[] =
	"Usage: weir export status [--file FILE] [-o text|json|yaml]\n\n"
	"How the outputs of weir-export(8) are: what was sent, what waits, "
	"what was lost.\nExits with 1 if weir-export does not run, or one of "
	"them fails.\n\n"
	"  --file FILE  where it says so (" STATUS_FILE ")\n\n"
	"Examples:\n"
	"  weir export status\n"
	"  weir export status -o json | jq '.outputs[] | select(.lost > 0)'\n";

struct status_args {
	struct out out;
	const char *file;
	bool help;
};

static int parse(int argc, char **argv, struct status_args *a,
		 struct err *reterr)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc = 0;

	opterr = 0;
	while (rc == 0 &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'f': a->file = optarg; break;
		case 'o': rc = out_set_format(&a->out, optarg, reterr); break;
		case 'h': a->help = true; break;
		default:
			rc = err_set(reterr, EINVAL, argv[optind - 1],
				     "is not an option, or lacks its value");
		}
	}
	if (rc == 0 && optind < argc)
		rc = err_set(reterr, EINVAL, argv[optind], "is not expected");
	return rc;
}

static int read_status(const char *path, json_t **ret, struct err *reterr)
{
	uint64_t now = (uint64_t)time(NULL), at;
	json_error_t why;
	json_t *s = json_load_file(path, 0, &why);

	if (!json_is_object(s)) {
		json_decref(s);
		return err_set(reterr, ESRCH, path,
			       "weir-export does not run, or says nothing "
			       "there (systemctl status weir-export)");
	}
	at = member_number(s, "at");
	if (now > at + STALE_S) {
		json_decref(s);
		return err_set(reterr, ESRCH, path,
			       "weir-export does not run: its last word is "
			       "%llu s old",
			       (unsigned long long)(now - at));
	}
	*ret = s;
	return 0;
}

static bool is_bad(const json_t *s)
{
	const json_t *list = json_object_get(s, "outputs"), *o;
	bool bad = strcmp(member_text(json_object_get(s, "agent"), "state"),
			  "up") != 0;
	size_t i;

	json_array_foreach (list, i, o)
		bad |= strcmp(member_text(o, "state"), "ok") != 0;
	return bad;
}

static void add_output(struct table *t, const json_t *o)
{
	char sent[HUMAN_MAX], waiting[HUMAN_MAX], lost[HUMAN_MAX];

	table_add(t, "%s", member_text(o, "name"));
	table_add(t, "%s", member_text(o, "kind"));
	table_add(t, "%s", member_text(o, "state"));
	table_add(t, "%s", human_count(member_number(o, "sent"), sent));
	table_add(t, "%s", human_count(member_number(o, "waiting"), waiting));
	table_add(t, "%s",
		  human_count(member_number(o, "lost") +
				      member_number(o, "refused"),
			      lost));
	table_add(t, "%s", member_text(o, "last_error"));
}

static void print_text(const struct out *out, const json_t *s)
{
	const json_t *agent = json_object_get(s, "agent");
	bool up = strcmp(member_text(agent, "state"), "up") == 0;
	static const char *const head[] = { "OUTPUT",	 "KIND",    "STATE",
					    "SENT",	 "WAITING", "LOST",
					    "LAST ERROR" };
	static const struct dplist list = {
		.member = "outputs",
		.none = "no outputs",
		.head = head,
		.cols = 7,
		.right = 1u << 3 | 1u << 4 | 1u << 5,
		.add = add_output,
	};

	printf("agent: %s%s%s", out_colour(out, up ? OUT_GREEN : OUT_RED),
	       member_text(agent, "state"), out_colour(out, OUT_PLAIN));
	if (member_text(agent, "text")[0])
		printf(" (%s)", member_text(agent, "text"));
	printf("; %llu events and %llu records, %llu missed\n",
	       (unsigned long long)member_number(agent, "events"),
	       (unsigned long long)member_number(agent, "trail"),
	       (unsigned long long)member_number(agent, "missed"));
	dplist_show(out, s, &list, 0);
}

static int export_status(int argc, char **argv)
{
	struct status_args a = { .out = out_default(), .file = STATUS_FILE };
	json_t *status = NULL;
	struct err err;
	int code;

	if (parse(argc, argv, &a, &err) < 0)
		return out_usage(&a.out, "export status", &err);
	if (a.help) {
		fputs(help_text, stdout);
		return CLI_OK;
	}
	if (read_status(a.file, &status, &err) < 0)
		return out_error(&a.out, "export status", &err);
	code = is_bad(status) ? CLI_FAILED : CLI_OK;
	if (a.out.json) {
		agent_print_value(&a.out, status);
		return code;
	}
	print_text(&a.out, status);
	json_decref(status);
	return code;
}

int cmd_export(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "status") == 0)
		return export_status(argc - 1, argv + 1);
	return cmd_export_policy(argc, argv);
}

/*
 * weir rules load, unload, status: files of signatures, for the agent to keep and
 * its data plane to run.
 *
 * Files are read here first, with the parser that everybody has, so that what is
 * refused is told by the paths that were said. Then the agent keeps them, and it
 * is asked until the data plane has built them: 30 s for 20,000 rules.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/agentcmd.h"
#include "cli/rules.h"
#include "wire/member.h"

/* A data plane that is there says within this that it builds them. */
#define BEGIN_US (5 * USEC_PER_SEC)
#define LOOK_MS	 100

static const char load_help[] =
	"Usage: weir rules load [--add] [--strict] [--var NAME=VALUE]... "
	"[--no-wait]\n"
	"                       [-o text|json] FILE...\n"
	"\n"
	"Gives files of signatures (docs/rules.md) to the agent, which keeps "
	"them, and to\nits data plane, in place of those that were loaded "
	"before. Those that come with\nWeir stay. Traffic goes on by the old "
	"ones until the new ones are built.\n"
	"\n"
	"      --add             beside those that are loaded, in place of "
	"those "
	"of the\n"
	"                        same names\n"
	"      --strict          load nothing if a rule is refused\n"
	"      --var NAME=VALUE  what $NAME stands for (HOME_NET is any)\n"
	"      --no-wait         do not wait until they are in force\n"
	"      --socket PATH     the agent's\n"
	"  -o, --output text|json\n"
	"  -h, --help\n"
	"\n"
	"Exits with 1 when nothing was loaded, or --strict found a mistake.\n"
	"\n"
	"Examples:\n"
	"  weir rules load my.rules\n"
	"  weir rules load --add --strict --var HOME_NET=10.0.0.0/8 "
	"other.rules\n";

struct load {
	struct out out;
	const char *socket;
	struct sig_list *list;
	json_t *args; /* for the agent */
	bool no_wait, strict;
};

static const struct option longs[] = {
	{ "add", no_argument, NULL, 'a' },
	{ "strict", no_argument, NULL, 's' },
	{ "no-wait", no_argument, NULL, 'n' },
	{ "var", required_argument, NULL, 'v' },
	{ "socket", required_argument, NULL, 'S' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char *socket_of(const char *said)
{
	const char *socket = said ? said : getenv("WEIR_SOCKET");

	return socket && socket[0] ? socket : AGENT_SOCKET_DEFAULT;
}

static void add_variable(struct load *l, char *text, struct err *reterr)
{
	json_t *variables = json_object_get(l->args, "variables");

	if (rules_set_variable(l->list, text, reterr) < 0)
		return;
	/* cut at its '=' now */
	(void)json_object_set_new(variables, text,
				  out_json_text(text + strlen(text) + 1));
}

/* false: it ends here, with *ret_exit; else files are argv[optind..] */
static bool parse_options(struct load *l, int argc, char **argv, int *ret_exit)
{
	struct err err = { 0 };
	int c;

	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'h':
			fputs(load_help, stdout);
			*ret_exit = CLI_OK;
			return false;
		case 'a':
			(void)json_object_set_new(l->args, "add", json_true());
			break;
		case 's':
			l->strict = true;
			(void)json_object_set_new(l->args, "strict",
						  json_true());
			break;
		case 'n': l->no_wait = true; break;
		case 'v': add_variable(l, optarg, &err); break;
		case 'S': l->socket = optarg; break;
		case 'o': (void)out_set_format(&l->out, optarg, &err); break;
		default:
			(void)err_set(&err, EINVAL, argv[optind - 1],
				      "no such option, or its value is "
				      "missing");
		}
	}
	if (!err.code && optind == argc)
		(void)err_set(&err, EINVAL, NULL, "say a file of rules");
	if (err.code)
		*ret_exit = out_usage(&l->out, "rules load", &err);
	return !err.code;
}

/* --- files ---------------------------------------------------------------------- */

/* As it is called for the agent: without its folders. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int add_file(struct load *l, const char *path, struct err *reterr)
{
	FILE *f = fopen(path, "re");
	struct stat st = { .st_size = 0 };
	char *text = NULL;
	json_t *one;
	int rc = 0;

	if (!f || fstat(fileno(f), &st) < 0)
		rc = err_set(reterr, errno, path, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size > RULES_BYTES_MAX)
		rc = err_set(reterr, E2BIG, path,
			     "is no file, or has more than %u bytes",
			     RULES_BYTES_MAX);
	if (rc == 0)
		text = malloc((size_t)st.st_size + 1);
	if (rc == 0 && !text)
		rc = err_set(reterr, ENOMEM, path, "out of memory");
	if (rc == 0 &&
	    fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		rc = err_set(reterr, EIO, path, "cannot be read");
	if (f)
		(void)fclose(f); /* only read */
	if (rc == 0)
		rc = sig_list_text(l->list, path, text, (size_t)st.st_size,
				   reterr);
	if (rc == 0) {
		one = json_pack("{s:o, s:s%}", "name",
				out_json_text(name_of(path)), "text", text,
				(size_t)st.st_size);
		if (json_array_append_new(json_object_get(l->args, "files"),
					  one) < 0)
			rc = err_set(reterr, EINVAL, path, "is no UTF-8");
	}
	free(text);
	return rc;
}

/* --- until they are in force ---------------------------------------------------- */

static bool is_state(const json_t *answer, const char *word)
{
	return strcmp(member_text(json_object_get(answer, "signatures"),
				  "state"),
		      word) == 0;
}

/* *ret: of rules-status, the caller's; also when they are not. */
static int wait_built(struct agentclient *c, json_t **ret, struct err *reterr)
{
	usec_t begun = clock_now();

	for (;;) {
		int rc = agentclient_ask(c, "rules-status", NULL, ret, reterr);
		bool waits = rc == 0 && is_state(*ret, "waiting") &&
			     usec_since(clock_now(), begun) < BEGIN_US;

		if (rc < 0 || (!waits && !is_state(*ret, "building")))
			return rc;
		json_decref(*ret);
		*ret = NULL;
		(void)poll(NULL, 0, LOOK_MS);
	}
}

static void print_state(const struct out *o, const json_t *s, const char *noun)
{
	unsigned long long refused =
		member_number(s, "refused") + member_number(s, "left_out");
	const char *state = member_text(s, "state");
	bool bad = strcmp(state, "refused") == 0 ||
		   strcmp(state, "unknown") == 0;

	if (strcmp(state, "in force") == 0)
		printf("%s%llu %s in force%s", out_colour(o, OUT_GREEN),
		       (unsigned long long)member_number(s, noun), noun,
		       out_colour(o, OUT_PLAIN));
	else if (bad)
		printf("%snot in force: %s%s", out_colour(o, OUT_RED),
		       member_text(s, "error"), out_colour(o, OUT_PLAIN));
	else if (strcmp(state, "building") == 0)
		printf("%sbeing built%s; %llu %s are in force",
		       out_colour(o, OUT_YELLOW), out_colour(o, OUT_PLAIN),
		       (unsigned long long)member_number(s, noun), noun);
	else
		printf("%sin force when the data plane has them%s",
		       out_colour(o, OUT_YELLOW), out_colour(o, OUT_PLAIN));
	if (refused)
		printf(", %s%llu refused%s", out_colour(o, OUT_YELLOW), refused,
		       out_colour(o, OUT_PLAIN));
	puts("");
}

static int tell(const struct load *l, json_t *answer, const json_t *status)
{
	const json_t *s = json_object_get(status, "signatures");
	bool failed = is_state(status, "refused") ||
		      is_state(status, "unknown");

	if (l->out.json) {
		if (s)
			(void)json_object_set(answer, "signatures",
					      (json_t *)(uintptr_t)s);
		agent_print_value(&l->out, json_incref(answer));
		return failed ? CLI_FAILED : CLI_OK;
	}
	printf("%llu rules loaded, %llu refused; ",
	       (unsigned long long)member_number(answer, "rules"),
	       (unsigned long long)member_number(answer, "refused"));
	if (s)
		print_state(&l->out, s, "signatures");
	else
		puts("stored");
	return failed ? CLI_FAILED : CLI_OK;
}

static int send(struct load *l)
{
	struct agentclient c;
	json_t *answer = NULL, *status = NULL;
	struct err err = { 0 };
	int rc = agentclient_open(socket_of(l->socket), &c, &err), exit;

	if (rc < 0)
		return out_error(&l->out, "rules load", &err);
	rc = agentclient_ask(&c, "rules-load", json_incref(l->args), &answer,
			     &err);
	if (rc == 0 && !l->no_wait)
		rc = wait_built(&c, &status, &err);
	exit = rc < 0 ? out_error(&l->out, "rules load", &err)
		      : tell(l, answer, status);
	json_decref(answer);
	json_decref(status);
	agentclient_done(&c);
	return exit;
}

/* What is refused is told first, by the paths as they were said. */
static int load(struct load *l, int argc, char **argv)
{
	json_t *faults;
	struct err err = { 0 };
	int rc = 0;

	for (int i = optind; i < argc && rc == 0; i++)
		rc = add_file(l, argv[i], &err);
	if (rc < 0)
		return out_error(&l->out, "rules load", &err);
	faults = rules_faults(l->list);
	if (!l->out.json)
		rules_print_faults(&l->out, faults);
	json_decref(faults);
	if (l->strict && !l->out.json && sig_list_refused(l->list)) {
		printf("%" PRIu64 " refused, nothing was loaded\n",
		       sig_list_refused(l->list));
		return CLI_FAILED;
	}
	return send(l);
}

int rules_load(int argc, char **argv)
{
	struct load l = { .out = out_default(),
			  .list = sig_list_new(),
			  .args = json_pack("{s:[], s:{}}", "files",
					    "variables") };
	struct err err = { 0 };
	int exit = CLI_OK;

	if (!l.list || !l.args) {
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		exit = out_error(&l.out, "rules load", &err);
	} else if (parse_options(&l, argc, argv, &exit)) {
		exit = load(&l, argc, argv);
	}
	sig_list_free(l.list);
	json_decref(l.args);
	return exit;
}

/* --- what is loaded ------------------------------------------------------------- */

static int read_loaded(struct sig_list *l, const json_t *answer,
		       struct err *reterr)
{
	const json_t *f;
	const char *name;
	json_t *v;
	size_t i;
	int rc = 0;

	json_object_foreach (json_object_get(answer, "variables"), name, v)
		if (rc == 0)
			rc = sig_list_set(l, name, json_string_value(v),
					  reterr);
	json_array_foreach (json_object_get(answer, "files"), i, f) {
		const char *text = member_text(f, "text");

		if (rc == 0)
			rc = sig_list_text(l, member_text(f, "name"), text,
					   strlen(text), reterr);
	}
	return rc;
}

int rules_of_agent(struct sig_list *l, const char *socket, struct err *reterr)
{
	struct agentclient c;
	json_t *answer = NULL;
	int rc = agentclient_open(socket_of(socket), &c, reterr);

	if (rc < 0)
		return rc;
	rc = agentclient_ask(&c, "rules-loaded", NULL, &answer, reterr);
	if (rc == 0)
		rc = read_loaded(l, answer, reterr);
	json_decref(answer);
	agentclient_done(&c);
	return rc;
}

static int print_unloaded(const struct out *o, const json_t *a)
{
	printf("%zu files are loaded\n",
	       json_array_size(json_object_get(a, "files")));
	return CLI_OK;
}

static const struct agent_option unload_options[] = {
	{ "all", 0, AGENT_FLAG, "all" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd unload_cmd = {
	.name = "rules unload",
	.help = "Usage: weir rules unload NAME | --all\n\n"
		"Takes away a file that was loaded (weir rules status names "
		"them), or all of\nthem. Those that come with Weir stay: "
		"rules.builtin in weir.yaml.\n",
	.command = "rules-unload",
	.options = unload_options,
	.words = "name?",
	.print = print_unloaded,
};

int rules_unload(int argc, char **argv)
{
	return agent_cmd_run(&unload_cmd, argc, argv);
}

static void print_sensor_faults(const struct out *o, const json_t *faults)
{
	const json_t *f;
	size_t i;

	json_array_foreach (faults, i, f)
		printf("%s%s%s: %s\n", out_colour(o, OUT_RED),
		       member_text(f, "sensor"), out_colour(o, OUT_PLAIN),
		       member_text(f, "text"));
}

static int print_status(const struct out *o, const json_t *a)
{
	const json_t *s = json_object_get(a, "signatures"), *f;
	const json_t *sensors = json_object_get(a, "sensors");
	const char *missing = member_text(a, "builtin_missing");
	size_t i;

	printf("signatures  ");
	print_state(o, s, "signatures");
	if (missing[0])
		printf("  %snone of those that come with Weir: %s cannot be "
		       "read%s\n",
		       out_colour(o, OUT_YELLOW), missing,
		       out_colour(o, OUT_PLAIN));
	json_array_foreach (json_object_get(a, "files"), i, f)
		printf("  %-30s %10llu bytes%s\n", member_text(f, "name"),
		       (unsigned long long)member_number(f, "bytes"),
		       json_is_true(json_object_get(f, "builtin"))
			       ? ", comes with Weir"
			       : "");
	rules_print_faults(o, json_object_get(s, "faults"));
	printf("sensors     ");
	print_state(o, sensors, "sensors");
	print_sensor_faults(o, json_object_get(sensors, "faults"));
	return CLI_OK;
}

static const struct agent_cmd status_cmd = {
	.name = "rules status",
	.help = "Usage: weir rules status [-o text|json|yaml]\n\n"
		"Which files of signatures are loaded, what of them is in "
		"force, and what the\ndata plane refused; the same of "
		"sensors.\n",
	.command = "rules-status",
	.print = print_status,
};

int rules_status(int argc, char **argv)
{
	return agent_cmd_run(&status_cmd, argc, argv);
}

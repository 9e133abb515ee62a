/*
 * weir doctor: what this host allows, what is missing, and what to do. A program of
 * its own, weir-doctor, which `weir` becomes (doctor.c): what it asks runtimes with
 * takes libraries whose loading would double the time of each other command, as of
 * a hook that a container waits for.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_doctor.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "cli/visible.h"
#include "doctor/doctor.h"

#define CONFIG_DEFAULT "/etc/weir/weir.yaml"

static const char help_text[] =
	"Usage: weir doctor [--config FILE] [--wait SECONDS] [--long] [-o "
	"text|json|yaml]\n"
	"\n"
	"Says what this host's kernel, privileges, runtimes and network allow "
	"Weir to\n"
	"do, what is missing, and what to do about it. It finds out by trying, "
	"in\n"
	"namespaces that end with the try: nothing of the host is changed, "
	"and no agent\n"
	"has to run. Without root it says what it could not look at.\n"
	"\n"
	"  good        as it should be\n"
	"  limited     works, but not all of it\n"
	"  missing     Weir does not work without it\n"
	"  not looked at\n"
	"              could not be found out\n"
	"\n"
	"      --config FILE     of weir-agent (default " CONFIG_DEFAULT ")\n"
	"      --socket PATH     of weir-agent, instead of the "
	"configuration's\n"
	"      --control PATH    of weir-dp, likewise\n"
	"      --wait SECONDS    for runtimes that do not answer (3)\n"
	"  -l, --long            what each means also where it is good\n"
	"  -o, --output text|json|yaml\n"
	"  -h, --help\n"
	"\n"
	"Exits with 0 if nothing is missing, with 1 if something is.\n";

static const struct option longs[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 'S' },
	{ "control", required_argument, NULL, 'C' },
	{ "wait", required_argument, NULL, 'w' },
	{ "long", no_argument, NULL, 'l' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static enum out_colour colour_of(const char *result)
{
	return strcmp(result, "good") == 0	? OUT_GREEN
	       : strcmp(result, "limited") == 0 ? OUT_YELLOW
	       : strcmp(result, "missing") == 0 ? OUT_RED
						: OUT_DIM;
}

static void print_check(const struct out *o, const json_t *c, bool all)
{
	const char *result = text_of(c, "result");
	bool more = all || strcmp(result, "good") != 0;

	printf("  %s%-13s%s  %s: %s\n", out_colour(o, colour_of(result)),
	       result, out_colour(o, OUT_PLAIN), text_of(c, "name"),
	       text_of(c, "found"));
	if (more && text_of(c, "means"))
		printf("%17s%s\n", "", text_of(c, "means"));
	if (more && text_of(c, "do"))
		printf("%17s-> %s\n", "", text_of(c, "do"));
}

static void print_all(const struct out *o, const json_t *found, bool all)
{
	const json_t *counts = json_object_get(found, "counts"), *c;
	const char *group = "";
	size_t n;

	json_array_foreach (json_object_get(found, "checks"), n, c) {
		if (strcmp(group, text_of(c, "group")) != 0) {
			group = text_of(c, "group");
			printf("%s%s%s\n", out_colour(o, OUT_BOLD), group,
			       out_colour(o, OUT_PLAIN));
		}
		print_check(o, c, all);
	}
	for (int r = 0; r < DOCTOR_RESULT__MAX; r++)
		printf("%s%lld %s", r ? ", " : "",
		       (long long)json_integer_value(
			       json_object_get(counts, doctor_result_name(r))),
		       doctor_result_name(r));
	putchar('\n');
}

static int examine(const struct out *out, const struct doctor_options *options,
		   bool all)
{
	json_t *found = NULL;
	struct err err = { 0 };
	bool ok;

	if (doctor_examine(options, &found, &err) < 0)
		return out_error(out, "doctor", &err);
	ok = json_is_true(json_object_get(found, "ok"));
	if (out->json) {
		out_json(found);
	} else {
		visible_make(found);
		print_all(out, found, all);
		json_decref(found);
	}
	return ok ? CLI_OK : CLI_FAILED;
}

static int read_wait(const char *text, struct doctor_options *o,
		     struct err *reterr)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n == 0 || n > DOCTOR_WAIT_MAX_S)
		return err_set(reterr, EINVAL, "--wait",
			       "expected 1..%d seconds", DOCTOR_WAIT_MAX_S);
	o->wait_s = (unsigned)n;
	return 0;
}

struct asked {
	struct doctor_options options;
	struct out out;
	bool all, help;
};

static int take_option(struct asked *a, int c, const char *at,
		       struct err *reterr)
{
	switch (c) {
	case 'c':
		a->options.config = optarg;
		a->options.config_must = true;
		return 0;
	case 'S': a->options.agent = optarg; return 0;
	case 'C': a->options.plane = optarg; return 0;
	case 'w': return read_wait(optarg, &a->options, reterr);
	case 'l': a->all = true; return 0;
	case 'h': a->help = true; return 0;
	case 'o': return out_set_format(&a->out, optarg, reterr);
	default:
		return err_set(reterr, EINVAL, at,
			       "no such option, or its value is missing");
	}
}

static int run(int argc, char **argv)
{
	struct asked a = { .options = { .config = CONFIG_DEFAULT,
					.agent = getenv("WEIR_SOCKET") },
			   .out = out_default() };
	struct err err = { 0 };
	int c, rc = 0;

	opterr = 0;
	optind = 1;
	while (rc == 0 &&
	       (c = getopt_long(argc, argv, "lo:h", longs, NULL)) >= 0)
		rc = take_option(&a, c, argv[optind - 1], &err);
	if (rc == 0 && !a.help && optind < argc)
		rc = err_set(&err, EINVAL, argv[optind], "unexpected argument");
	if (rc < 0)
		return out_usage(&a.out, "doctor", &err);
	if (a.help) {
		fputs(help_text, stdout);
		return CLI_OK;
	}
	if (a.options.agent && !a.options.agent[0])
		a.options.agent = NULL;
	return examine(&a.out, &a.options, a.all);
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	/* output that nobody got is a failure */
	return fflush(stdout) != 0 && status == CLI_OK ? CLI_FAILED : status;
}

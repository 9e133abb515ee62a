/*
 * weir top: a screen, or one table after the other where there is none.
 */
#include "cli/top.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/stop.h"
#include "cli/table.h"
#include "door/agentclient.h"

#define DELAY_DEFAULT_MS 1000
/* Often enough for an eye; an answer costs the agent some milliseconds. */
#define DELAY_MIN_MS 200
#define DELAY_MAX_MS 3600000

static const char help_text[] =
	"Usage: weir top [-d SECONDS] [-s COLUMN] [-f TEXT] [-b] [-n TIMES]\n"
	"                [-o text|json|yaml]\n"
	"\n"
	"What goes on, workload by workload: traffic, sessions, what is "
	"blocked.\n"
	"On a terminal it is a screen; h shows its keys, q ends it.\n"
	"\n"
	"  -d, --delay SECONDS  between two looks (1)\n"
	"  -s, --sort COLUMN    name, mode, state, in, out, traffic, packets,\n"
	"                       sessions, new, blocked or dropped (traffic)\n"
	"  -r, --reverse        the other way round\n"
	"  -f, --filter TEXT    only workloads with that in name, mode or "
	"state\n"
	"  -b, --batch          no screen: a table a look\n"
	"  -n, --times N        so many looks, then end\n"
	"\n"
	"Traffic is what passed to and from a workload, blocked are "
	"connections that\nno rule allowed, dropped are frames that never "
	"left the kernel.\n"
	"\n"
	"Examples:\n"
	"  weir top -s blocked\n"
	"  weir top -b -n 3\n"
	"  weir top -n 1 -o json | jq '.total.rates'\n";

struct top_call {
	struct top_options o;
	struct out out;
	bool batch;
};

/* --- the command line ----------------------------------------------------------- */

static int parse_delay(const char *text, unsigned *ret, struct err *reterr)
{
	char *end;
	double v = strtod(text, &end);

	if (!isdigit((unsigned char)text[0]) || *end || !isfinite(v) ||
	    v * 1000 < DELAY_MIN_MS || v * 1000 > DELAY_MAX_MS)
		return err_set(reterr, EINVAL, "--delay",
			       "expected seconds, 0.2 to 3600, got \"%.40s\"",
			       text);
	*ret = (unsigned)(v * 1000);
	return 0;
}

static int parse_times(const char *text, unsigned *ret, struct err *reterr)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end || v < 1 || v > 1000000000)
		return err_set(reterr, EINVAL, "--times",
			       "expected a number from 1 on, got \"%.40s\"",
			       text);
	*ret = (unsigned)v;
	return 0;
}

static int take_option(struct top_call *c, int k, struct err *reterr)
{
	switch (k) {
	case 'b': c->batch = true; return 0;
	case 'd': return parse_delay(optarg, &c->o.delay_ms, reterr);
	case 'f': c->o.filter = optarg; return 0;
	case 'n': return parse_times(optarg, &c->o.times, reterr);
	case 'o': return out_set_format(&c->out, optarg, reterr);
	case 'r': c->o.reverse = true; return 0;
	case 's': return top_column_parse(optarg, &c->o.by, reterr);
	case 'S': c->o.socket = optarg; return 0;
	default:
		return err_set(reterr, EINVAL, NULL,
			       "no such option, or its value is missing");
	}
}

/* 0; 1: help was printed; -errno */
static int parse(struct top_call *c, int argc, char **argv, struct err *reterr)
{
	static const struct option longs[] = {
		{ "batch", no_argument, NULL, 'b' },
		{ "delay", required_argument, NULL, 'd' },
		{ "filter", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "output", required_argument, NULL, 'o' },
		{ "reverse", no_argument, NULL, 'r' },
		{ "socket", required_argument, NULL, 'S' },
		{ "sort", required_argument, NULL, 's' },
		{ "times", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	struct err later;
	int k, rc = 0;

	opterr = 0;
	optind = 1;
	while ((k = getopt_long(argc, argv, "bd:f:hn:o:rs:", longs, NULL)) >=
	       0) {
		if (k == 'h') {
			fputs(help_text, stdout);
			return 1;
		}
		/* after a mistake -o still says how it is told */
		if (take_option(c, k, &later) < 0 && rc == 0) {
			rc = -later.code;
			*reterr = later;
		}
	}
	if (rc < 0)
		return rc;
	if (optind < argc)
		return err_set(reterr, EINVAL, argv[optind],
			       "unexpected argument");
	return 0;
}

/* --- without a screen -------------------------------------------------------------- */

static void print_table(const struct out *o, const struct top_model *m)
{
	char head[2][TOP_CELL_MAX], cell[TOP_CELL_MAX];
	unsigned right = 0;
	struct table t;

	top_head(m, head);
	printf("%s\n%s\n\n", head[0], head[1]);
	for (int c = 0; c < TOP_COLUMN__MAX; c++)
		if (!top_column_is_text((enum top_column)c))
			right |= 1u << c;
	table_init(&t, TOP_COLUMN__MAX, right);
	for (int c = 0; c < TOP_COLUMN__MAX; c++)
		table_add(&t, "%s", top_column_title((enum top_column)c));
	for (size_t i = 0; i < m->n_shown; i++)
		for (int c = 0; c < TOP_COLUMN__MAX; c++) {
			top_cell(m->shown[i], (enum top_column)c, cell);
			table_add(&t, "%s", cell);
		}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
}

static int look(struct agentclient *client, struct top_model *m,
		struct err *reterr)
{
	json_t *answer;
	int rc = agentclient_ask(client, "top", NULL, &answer, reterr);

	if (rc == 0)
		top_model_add(m, answer);
	return rc;
}

/* Rates need two looks: the first is shown with the second. */
static int batch(const struct top_call *c)
{
	struct top_order order = { c->o.by, c->o.reverse, c->o.filter };
	unsigned wait_ms = c->o.delay_ms < DELAY_DEFAULT_MS ? c->o.delay_ms
							    : DELAY_DEFAULT_MS;
	struct top_model m = { .answer = NULL };
	struct agentclient client;
	struct err err;
	int rc = agentclient_open(c->o.socket, &client, &err);

	if (rc < 0)
		return out_error(&c->out, "top", &err);
	stop_catch();
	rc = look(&client, &m, &err);
	for (unsigned n = 0; rc == 0 && (n < c->o.times || c->o.times == 0);
	     n++) {
		if (stop_poll(NULL, 0, (int)wait_ms) < 0)
			break;
		rc = look(&client, &m, &err);
		if (rc < 0)
			break;
		top_model_order(&m, &order);
		if (n > 0 && !c->out.json)
			puts("");
		if (c->out.json)
			out_json(top_model_json(&m));
		else
			print_table(&c->out, &m);
		if (fflush(stdout) != 0) /* whoever read it is gone */
			break;
		wait_ms = c->o.delay_ms;
	}
	top_model_done(&m);
	agentclient_done(&client);
	return rc < 0 && !stop_wanted() ? out_error(&c->out, "top", &err)
					: CLI_OK;
}

int cmd_top(int argc, char **argv)
{
	struct top_call c = { .o = { .socket = getenv("WEIR_SOCKET"),
				     .delay_ms = DELAY_DEFAULT_MS,
				     .by = TOP_TRAFFIC,
				     .filter = "" },
			      .out = out_default() };
	struct err err = { 0 };
	int rc;

	/* without it, nothing but ASCII is known to be printable */
	(void)setlocale(LC_CTYPE, "");
	if (!c.o.socket || !c.o.socket[0])
		c.o.socket = AGENT_SOCKET_DEFAULT;
	rc = parse(&c, argc, argv, &err);
	if (rc < 0)
		return out_usage(&c.out, "top", &err);
	if (rc > 0)
		return CLI_OK;
	c.o.colour = c.out.colour;
	if (c.batch || c.out.json || !top_screen_can())
		return batch(&c);
	return top_screen_run(&c.o);
}

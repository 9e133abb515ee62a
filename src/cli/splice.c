/*
 * weir splice: the network library's splice_* calls, from the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/stop.h"
#include "net/splice.h"

static const char help_text[] =
	"Usage: weir splice up   --netns NS --agent NS [OPTION]...\n"
	"       weir splice mode --netns NS --agent NS [--dev DEV] "
	"pass|inline\n"
	"       weir splice down --netns NS --agent NS [--dev DEV]\n"
	"       weir splice down --agent NS --all\n"
	"       weir splice show --agent NS\n"
	"\n"
	"Diverts a workload's port through an agent namespace, where a data\n"
	"plane reads and writes its frames on vth. The port keeps its name,\n"
	"MAC, ifindex, addresses and routes; connections survive.\n"
	"\n"
	"  --netns NS          the workload's namespace: a name of `ip "
	"netns`,\n"
	"                      or a path such as /proc/4711/ns/net\n"
	"  --agent NS          where vex, vin, vbr and vth are\n"
	"  --dev DEV           the workload's device (eth0)\n"
	"  --mark HHLL         last two bytes of its mark 4e:65:75:56:HH:LL\n"
	"                      (default: from vex's ifindex)\n"
	"  --redirector R      auto, bpf or u32 (auto)\n"
	"  --mode M            pass: straight through; inline: the data plane\n"
	"                      decides on every frame (inline)\n"
	"  --all               all workloads of the agent\n"
	"  -o text|json        how to print\n"
	"\n"
	"Examples:\n"
	"  weir splice up --netns container-ns --agent agent-ns --mode pass\n"
	"  ip netns exec agent-ns weir-dp -n 1 &\n"
	"  weir splice mode --netns container-ns --agent agent-ns inline\n"
	"  weir splice down --agent agent-ns --all\n";

struct splice_args {
	struct out out;
	struct splice_spec spec;
	bool all;
	const char *rest; /* the word behind the options; NULL */
};

enum {
	OPT_NETNS = 256,
	OPT_AGENT,
	OPT_DEV,
	OPT_MARK,
	OPT_RED,
	OPT_MODE,
	OPT_ALL
};

static const struct option longs[] = {
	{ "netns", required_argument, NULL, OPT_NETNS },
	{ "agent", required_argument, NULL, OPT_AGENT },
	{ "dev", required_argument, NULL, OPT_DEV },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "redirector", required_argument, NULL, OPT_RED },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int cli_parse_mark(const char *text, int *ret, struct err *reterr)
{
	char *end;
	unsigned long n = strtoul(text, &end, 16);

	if (strlen(text) != 4 || *end || n > 0xffff)
		return err_set(reterr, EINVAL, "--mark",
			       "expected four hex digits, got \"%.20s\"", text);
	*ret = (int)n;
	return 0;
}

/* word: where it stands on the command line */
static int one_option(struct splice_args *a, int c, const char *word,
		      struct err *reterr)
{
	switch (c) {
	case OPT_NETNS: a->spec.workload = optarg; return 0;
	case OPT_AGENT: a->spec.agent = optarg; return 0;
	case OPT_DEV: a->spec.dev = optarg; return 0;
	case OPT_MARK: return cli_parse_mark(optarg, &a->spec.mark, reterr);
	case OPT_RED:
		a->spec.redirector_auto = strcmp(optarg, "auto") == 0;
		if (a->spec.redirector_auto)
			return 0;
		return redirector_parse(optarg, &a->spec.redirector, reterr);
	case OPT_MODE: return divert_mode_parse(optarg, &a->spec.mode, reterr);
	case OPT_ALL: a->all = true; return 0;
	case 'o': return out_set_format(&a->out, optarg, reterr);
	default:
		return err_set(reterr, EINVAL, word,
			       "no such option, or its value is missing");
	}
}

/* CLI_OK to go on; -1: help was printed; or an exit code. */
static int parse(struct splice_args *a, int argc, char **argv, const char *name)
{
	struct err err = { 0 };
	int c;

	*a = (struct splice_args){
		.out = out_default(),
		.spec = { .mark = SPLICE_MARK_AUTO,
			  .redirector_auto = true,
			  .mode = DIVERT_INLINE },
	};
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help_text, stdout);
			return -1;
		}
		if (one_option(a, c, argv[optind - 1], &err) < 0)
			return out_usage(&a->out, name, &err);
	}
	a->rest = optind < argc ? argv[optind++] : NULL;
	if (optind < argc)
		(void)err_set(&err, EINVAL, argv[optind],
			      "unexpected argument");
	else if (!a->spec.agent)
		(void)err_set(&err, EINVAL, "--agent", "missing");
	return err.code ? out_usage(&a->out, name, &err) : CLI_OK;
}

static json_t *stat_json(const struct splice_stat *s)
{
	char mac[MAC_TEXT_MAX], uc[MAC_TEXT_MAX], bc[MAC_TEXT_MAX];
	static const char *const names[] = {
#define X(name, text) text,
		DIVERT_COUNTERS(X)
#undef X
	};
	json_t *counters = json_object(), *o;

	for (int i = 0; i < DIVERT_COUNTER__MAX; i++)
		(void)json_object_set_new(
			counters, names[i],
			json_pack("{s:I,s:I}", "frames",
				  (json_int_t)s->counter[i].frames, "bytes",
				  (json_int_t)s->counter[i].bytes));
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:o}",
		      "state", splice_state_name(s->state), "netns",
		      s->workload, "dev", s->dev, "vex", s->vex, "vin", s->vin,
		      "iface", SPLICE_VTH, "mac", mac_format(s->mac, mac),
		      "ucmac", mac_format(s->ucmac, uc), "bcmac",
		      mac_format(s->bcmac, bc), "redirector",
		      redirector_name(s->redirector), "mode",
		      divert_mode_name(s->mode), "gap_us",
		      (json_int_t)s->gap_us, "counters", counters);
	return o;
}

static void print_stat(const struct out *o, const struct splice_stat *s)
{
	char mac[MAC_TEXT_MAX], uc[MAC_TEXT_MAX];
	static const char *const names[] = {
#define X(name, text) text,
		DIVERT_COUNTERS(X)
#undef X
	};

	printf("%s%s %s%s  %s\n", out_colour(o, OUT_BOLD), s->workload, s->dev,
	       out_colour(o, OUT_PLAIN), splice_state_name(s->state));
	printf("  %s <-> %s   mac %s   mark %s   %s, mode %s\n", s->vex, s->vin,
	       mac_format(s->mac, mac), mac_format(s->ucmac, uc),
	       redirector_name(s->redirector), divert_mode_name(s->mode));
	for (int i = 0; i < DIVERT_COUNTER__MAX; i++)
		if (s->counter[i].frames)
			printf("  %-16s %12llu frames %14llu bytes\n", names[i],
			       (unsigned long long)s->counter[i].frames,
			       (unsigned long long)s->counter[i].bytes);
}

static int need_netns(const struct splice_args *a, const char *name)
{
	struct err err;

	if (a->spec.workload)
		return CLI_OK;
	(void)err_set(&err, EINVAL, "--netns", "missing");
	return out_usage(&a->out, name, &err);
}

static int splice_cmd_up(struct splice_args *a)
{
	struct splice_stat s;
	struct err err;
	int rc = need_netns(a, "splice up");

	if (rc != CLI_OK)
		return rc;
	stop_catch();
	a->spec.stop = stop_flag();
	if (splice_up(&a->spec, &s, &err) < 0)
		return out_error(&a->out, "splice up", &err);
	if (a->out.json) {
		json_t *o = out_json_ok();

		(void)json_object_set_new(o, "splice", stat_json(&s));
		out_json(o);
		return CLI_OK;
	}
	print_stat(&a->out, &s);
	printf("  cut off for %llu us\n", (unsigned long long)s.gap_us);
	return CLI_OK;
}

static int splice_cmd_down(struct splice_args *a)
{
	struct err err;
	int rc;

	if (!a->all) {
		rc = need_netns(a, "splice down");
		if (rc != CLI_OK)
			return rc;
	}
	rc = a->all ? splice_down_all(a->spec.agent, &err)
		    : splice_down(a->spec.workload, a->spec.agent, a->spec.dev,
				  &err);
	if (rc < 0)
		return out_error(&a->out, "splice down", &err);
	if (a->out.json)
		out_json(out_json_ok());
	return CLI_OK;
}

static int splice_cmd_show(struct splice_args *a)
{
	struct splice_stat *list;
	json_t *array;
	struct err err;
	size_t n;

	if (splice_list(a->spec.agent, &list, &n, &err) < 0)
		return out_error(&a->out, "splice show", &err);
	array = json_array();
	for (size_t i = 0; i < n; i++) {
		if (a->out.json)
			(void)json_array_append_new(array, stat_json(&list[i]));
		else
			print_stat(&a->out, &list[i]);
	}
	if (a->out.json) {
		json_t *o = out_json_ok();

		(void)json_object_set(o, "splices", array);
		out_json(o);
	} else if (n == 0) {
		puts("nothing is spliced through this agent");
	}
	json_decref(array);
	free(list);
	return CLI_OK;
}

static int splice_cmd_mode(struct splice_args *a)
{
	enum divert_mode mode;
	struct err err;
	int rc = need_netns(a, "splice mode");

	if (rc != CLI_OK)
		return rc;
	if (!a->rest)
		(void)err_set(&err, EINVAL, NULL, "which mode? pass or inline");
	if (!a->rest || divert_mode_parse(a->rest, &mode, &err) < 0)
		return out_usage(&a->out, "splice mode", &err);
	if (splice_set_mode(a->spec.workload, a->spec.agent, a->spec.dev, mode,
			    &err) < 0)
		return out_error(&a->out, "splice mode", &err);
	if (a->out.json)
		out_json(out_json_ok());
	return CLI_OK;
}

static const struct {
	const char *name, *full;
	int (*run)(struct splice_args *a);
} verbs[] = {
	{ "up", "splice up", splice_cmd_up },
	{ "down", "splice down", splice_cmd_down },
	{ "show", "splice show", splice_cmd_show },
	{ "mode", "splice mode", splice_cmd_mode },
};

int cmd_splice(int argc, char **argv)
{
	struct out o = out_default();
	struct splice_args a;
	struct err err;
	int rc;

	if (argc < 2) {
		(void)err_set(&err, EINVAL, NULL,
			      "what? up, mode, down or show");
		return out_usage(&o, "splice", &err);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(help_text, stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, argv[1]) != 0)
			continue;
		rc = parse(&a, argc - 1, argv + 1, verbs[i].full);
		if (rc != CLI_OK)
			return rc < 0 ? CLI_OK : rc;
		return verbs[i].run(&a);
	}
	(void)err_set(&err, EINVAL, argv[1],
		      "not understood; expected up, mode, down or show");
	return out_usage(&o, "splice", &err);
}

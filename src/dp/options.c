/*
 * NeuVector's monitor starts its data plane with -n 1 and, at times, -c, -m,
 * -j and -v NAME (reference 1.7). Those that mean nothing here are accepted
 * and named in --help, so that the same supervisor can start weir-dp.
 */
#include "dp/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static const char usage_text[] =
	"Usage: weir-dp [-n N] [OPTION]...          judge live traffic\n"
	"       weir-dp -p FILE|DIR [OPTION]...     judge a capture\n"
	"\n"
	"The data plane: reads frames from the interface it is told about,\n"
	"judges them, sends on what may pass. Driven by JSON messages.\n"
	"\n"
	"  -n N               workers, 1..16 (default 1): threads that share "
	"out\n"
	"                     the workloads; each workload uses one of them\n"
	"  -p FILE|DIR        read captures (pcap, pcapng), print one line a "
	"flow;\n"
	"                     by one worker\n"
	"      --load FILE    messages to start with (an array, as\n"
	"                     `weir dp config` prints them)\n"
	"      --listen PATH  NeuVector-compatible datagram door\n"
	"                     (default /tmp/dp_listen.sock; \"\" for none)\n"
	"      --notify PATH  where NeuVector's agent is told of connections, "
	"threats\n"
	"                     and names (default /tmp/ctrl_listen.sock; \"\" "
	"for none)\n"
	"      --control PATH own door, answers each message\n"
	"                     (default /run/weir/dp.sock; \"\" for none)\n"
	"      --take-over    carry on from the data plane that serves that "
	"door: it\n"
	"                     hands over flows, interfaces and doors, and "
	"ends; "
	"no\n"
	"                     frame is lost. -n and --flows are to be its\n"
	"      --user NAME    account that reads the frames (default: weir-dp "
	"if\n"
	"                     it exists, else nobody)\n"
	"      --flows N      flows held at a time, by all workers together\n"
	"                     (default 131072); each has 64 at least\n"
	"      --crash DIR    where it is kept what a worker that died or hung "
	"tells\n"
	"      --no-watchdog  a worker that hangs is not ended: for a "
	"debugger\n"
	"  -o, --output text|json  how -p prints\n"
	"      --hand-over N  to debug with -p: after every N frames all that "
	"is "
	"known\n"
	"                     goes to a new worker, as in an upgrade; the same "
	"is "
	"printed\n"
	"  -h, --help         this\n"
	"  -V, --version      version\n"
	"  -s WORD            standalone: without a supervisor that watches\n"
	"                     the heartbeat in /dev/shm/dp_mnt.shm\n"
	"  -v thrt_tls_1dot0, -v thrt_tls_1dot1\n"
	"                     looks for threats 2012 and 2027: TLS 1.0, TLS "
	"1.1\n"
	"  -c -m -j           accepted for NeuVector's monitor, no effect\n"
	"\n"
	"Examples:\n"
	"  ip netns exec agent-ns weir-dp -n 1\n"
	"  weir-dp -p trace.pcap --load policy.json\n"
	"  weir dp stats\n";

enum {
	OPT_LISTEN = 256,
	OPT_NOTIFY,
	OPT_CONTROL,
	OPT_USER,
	OPT_LOAD,
	OPT_FLOWS,
	OPT_TAKE_OVER,
	OPT_CRASH,
	OPT_NO_WATCHDOG,
	OPT_HAND_OVER
};

static const struct option longs[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "notify", required_argument, NULL, OPT_NOTIFY },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "user", required_argument, NULL, OPT_USER },
	{ "load", required_argument, NULL, OPT_LOAD },
	{ "flows", required_argument, NULL, OPT_FLOWS },
	{ "crash", required_argument, NULL, OPT_CRASH },
	{ "no-watchdog", no_argument, NULL, OPT_NO_WATCHDOG },
	{ "take-over", no_argument, NULL, OPT_TAKE_OVER },
	{ "hand-over", required_argument, NULL, OPT_HAND_OVER },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int number(const char *text, unsigned long min, unsigned long max,
		  unsigned long *ret)
{
	char *end;
	unsigned long n;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "weir-dp: %s: %s (try --help)\n", what, value);
	return 2;
}

static int one_option(struct options *opt, int c)
{
	unsigned long n;

	switch (c) {
	case 'n':
		if (number(optarg, 1, WORKERS_MAX, &n) < 0)
			return usage_error("not a number of workers (1..16)",
					   optarg);
		opt->workers = (unsigned)n;
		break;
	case 'p': opt->replay = optarg; break;
	case OPT_LISTEN: opt->listen = optarg ? optarg : ""; break;
	case OPT_NOTIFY: opt->notify = optarg ? optarg : ""; break;
	case OPT_CONTROL: opt->control = optarg ? optarg : ""; break;
	case OPT_USER: opt->user = optarg; break;
	case OPT_LOAD: opt->load = optarg; break;
	case OPT_CRASH: opt->crash = optarg; break;
	case OPT_NO_WATCHDOG: opt->no_watchdog = true; break;
	case OPT_TAKE_OVER: opt->take_over = true; break;
	case OPT_FLOWS:
		if (number(optarg, FLOWS_MIN, FLOWS_MAX, &n) < 0)
			return usage_error(
				"not a number of flows (64..16777216)", optarg);
		opt->max_flows = (uint32_t)n;
		break;
	case OPT_HAND_OVER:
		if (number(optarg, 1, UINT32_MAX, &n) < 0)
			return usage_error("not a number of frames (1 and up)",
					   optarg);
		opt->hand_over = (uint32_t)n;
		break;
	case 'o':
		if (strcmp(optarg, "json") != 0 && strcmp(optarg, "text") != 0)
			return usage_error("output is text or json", optarg);
		opt->json = strcmp(optarg, "json") == 0;
		break;
	case 's': opt->standalone = true; break;
	case 'v':
		opt->tls_10 |= strcmp(optarg, "thrt_tls_1dot0") == 0;
		opt->tls_11 |= strcmp(optarg, "thrt_tls_1dot1") == 0;
		break;
	case 'c':
	case 'm':
	case 'j': break;
	default: return usage_error("bad option", "see above");
	}
	return 0;
}

int options_parse(struct options *opt, int argc, char **argv, int *ret_exit)
{
	int c;

	*opt = (struct options){ .listen = "/tmp/dp_listen.sock",
				 .notify = "/tmp/ctrl_listen.sock",
				 .control = "/run/weir/dp.sock",
				 .user = NULL,
				 .workers = 1,
				 .max_flows = FLOWS_DEFAULT };
	while ((c = getopt_long(argc, argv, "n:p:o:s:v:cmjhV", longs, NULL)) >=
	       0) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? usage_text
				       : "weir-dp " WEIR_VERSION "\n",
			      stdout);
			*ret_exit = 0;
			return -1;
		}
		*ret_exit = one_option(opt, c);
		if (*ret_exit)
			return -1;
	}
	if (optind < argc) {
		*ret_exit = usage_error("unexpected argument", argv[optind]);
		return -1;
	}
	if (opt->take_over &&
	    (opt->replay || opt->load || strlen(opt->control) == 0)) {
		*ret_exit = usage_error("--take-over",
					"needs --control, and neither -p nor "
					"--load");
		return -1;
	}
	if (!opt->replay && strlen(opt->listen) == 0 &&
	    strlen(opt->control) == 0) {
		*ret_exit = usage_error("no door to be driven by",
					"--listen \"\" --control \"\"");
		return -1;
	}
	return 0;
}

/*
 * weir capture: a workload's frames with what the data plane has decided about
 * each, from a ring that it shares with us (wire/capture.h).
 *
 * The frames are as the data plane sees them, but for one thing: the workload's
 * mark is replaced by its MAC again, before the filter is asked and before
 * anybody sees them.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/capture_text.h"
#include "cli/capture_whose.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "cli/stop.h"
#include "door/agentclient.h"
#include "door/captor.h"
#include "door/dpclient.h"

static const char help_text[] =
	"Usage: weir capture --mac MAC | --netns NS | NAME [OPTION]... "
	"[FILTER]...\n"
	"       weir capture start | stop | list | get | delete ...\n"
	"\n"
	"Shows a workload's frames as the data plane sees them, each with its\n"
	"verdict. While it runs no flow of the workload is left to the "
	"kernel,\n"
	"so nothing passes unseen but what is never diverted: ARP, groups, "
	"and\n"
	"what modes pass and quarantine decide in the kernel. Verdicts:\n"
	"\n"
	"  forward, drop       what became of the frame\n"
	"  watched             it is a tap's: the reason only says what was "
	"found\n"
	"  held                a fragment that waits for the others\n"
	"  made                Weir's own answer, a RST or ICMP error\n"
	"\n"
	"  NAME                a workload's, as `weir ls` shows them; without "
	"an\n"
	"                      agent: a namespace of `ip netns`\n"
	"      --mac MAC       the workload's\n"
	"      --netns NS      its namespace: a name of `ip netns`, or a path\n"
	"      --dev DEV       its device, if it has several (eth0)\n"
	"  -w FILE             write pcapng to FILE, - for stdout; each "
	"packet's\n"
	"                      comment has flow, verdict, reason and rule\n"
	"  -c N                end after N frames\n"
	"      --seconds N     end after N seconds\n"
	"  -s N                keep at most N bytes of a frame (all)\n"
	"      --control PATH  the data plane's door "
	"(default " DP_CONTROL_DEFAULT ")\n"
	"      --socket PATH   the agent's "
	"(default " AGENT_SOCKET_DEFAULT ")\n"
	"  -h, --help\n"
	"\n"
	"The other form has the agent capture into a file of its own, within "
	"bounds; see\n"
	"weir capture start --help. A workload with one of these names is "
	"captured with\n"
	"--netns or --mac.\n"
	"\n"
	"FILTER is what pcap-filter(7) says. Large frames are those that the\n"
	"kernel has not segmented yet; their checksums may be unfinished.\n"
	"\n"
	"Examples:\n"
	"  weir capture web tcp port 443\n"
	"  weir capture web -w - | wireshark -k -i -\n"
	"  weir capture --mac 02:42:ac:11:00:02 -c 100 -w web.pcapng\n";

struct capture_args {
	struct out out;
	const char *control, *file;
	struct capture_whose whose;
	uint64_t frames, seconds; /* 0: without end */
	uint32_t snaplen;
	char filter[1024];
};

struct capturing {
	const struct capture_args *args;
	struct captor *captor;
	FILE *to;
	struct pcapng_sums sums;
};

static const struct option longs[] = {
	{ "mac", required_argument, NULL, 'm' },
	{ "netns", required_argument, NULL, 'n' },
	{ "dev", required_argument, NULL, 'd' },
	{ "seconds", required_argument, NULL, 'S' },
	{ "control", required_argument, NULL, 'C' },
	{ "socket", required_argument, NULL, 'A' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* --- the command line ------------------------------------------------------ */

static uint64_t number(const char *at, const char *text, uint64_t min,
		       uint64_t max, struct err *reterr)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v < min ||
	    v > max)
		(void)err_set(reterr, EINVAL, at,
			      "expected a number of %llu..%llu, got \"%.20s\"",
			      (unsigned long long)min, (unsigned long long)max,
			      text);
	return v;
}

static void set_option(struct capture_args *a, int c, char **argv,
		       struct err *reterr)
{
	switch (c) {
	case 'm':
		if (mac_parse(optarg, &a->whose.mac) < 0 ||
		    mac_is_zero(a->whose.mac))
			(void)err_set(reterr, EINVAL, "--mac",
				      "\"%.20s\" is no MAC", optarg);
		break;
	case 'n': a->whose.netns = optarg; break;
	case 'd': a->whose.dev = optarg; break;
	case 'A': a->whose.socket = optarg; break;
	case 'w': a->file = optarg; break;
	case 'c': a->frames = number("-c", optarg, 1, INT64_MAX, reterr); break;
	case 'S':
		a->seconds = number("--seconds", optarg, 1, 31536000, reterr);
		break;
	case 's':
		a->snaplen = (uint32_t)number("-s", optarg, 0, 65535, reterr);
		break;
	case 'C': a->control = optarg; break;
	default:
		(void)err_set(reterr, EINVAL, argv[optind - 1],
			      "no such option, or its value is missing");
	}
}

static void add_words(struct capture_args *a, char **words, struct err *reterr)
{
	size_t len = 0;

	for (; *words && !reterr->code; words++) {
		int n = snprintf(a->filter + len, sizeof a->filter - len,
				 "%s%s", len ? " " : "", *words);

		if ((size_t)n >= sizeof a->filter - len)
			(void)err_set(reterr, EINVAL, "FILTER",
				      "at most %zu bytes",
				      sizeof a->filter - 1);
		else
			len += (size_t)n;
	}
}

/* What is said fits together; words are what stands behind the options. */
static void check(struct capture_args *a, char **words, struct err *reterr)
{
	struct capture_whose *w = &a->whose;

	if (mac_is_zero(w->mac) && !w->netns && *words)
		w->name = *words++;
	if (!mac_is_zero(w->mac) + !!w->netns + !!w->name != 1)
		(void)err_set(reterr, EINVAL, NULL,
			      "expected one of --mac, --netns and a name");
	else if (a->file && strcmp(a->file, "-") == 0 && isatty(STDOUT_FILENO))
		(void)err_set(reterr, EINVAL, "-w",
			      "a terminal shows no pcapng; write to a file or "
			      "a pipe");
	else
		add_words(a, words, reterr);
}

/* false: it ends here, with *ret_exit */
static bool parse_args(struct capture_args *a, int argc, char **argv,
		       int *ret_exit)
{
	struct err err = { 0 };
	int c;

	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "w:c:s:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			printf("%s", help_text);
			*ret_exit = CLI_OK;
			return false;
		}
		set_option(a, c, argv, &err);
	}
	if (!err.code)
		check(a, argv + optind, &err);
	if (!err.code)
		return true;
	*ret_exit = out_usage(&a->out, "capture", &err);
	return false;
}

/* --- beginning ------------------------------------------------------------- */

/* Only for who captures: it holds what others have said. */
static int open_file(struct capturing *c, struct err *reterr)
{
	const char *name = c->args->file;
	int fd;

	c->to = stdout;
	if (!name || strcmp(name, "-") == 0)
		return 0;
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	c->to = fd < 0 ? NULL : fdopen(fd, "w");
	if (c->to)
		return 0;
	return err_set(reterr, errno, "-w", "%s: %s", name, strerror(errno));
}

/* --- frames ---------------------------------------------------------------- */

static int write_frame(struct capturing *c, const struct capture_frame *f,
		       uint64_t at_us, struct bytes bytes)
{
	char text[CAPTURE_LINE_MAX], comment[CAPTOR_COMMENT_MAX];

	c->sums.written++;
	if (c->args->file)
		return pcapng_frame(
			c->to, &(struct pcapng_frame){
				       .at_us = at_us,
				       .bytes = bytes,
				       .wire_len = f->wire_len,
				       .inbound = f->ingress,
				       .comment = captor_comment(comment, f),
			       });
	errno = 0;
	if (fprintf(c->to, "%s\n", capture_line(text, f, bytes, at_us)) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static bool is_enough(const struct capturing *c)
{
	return c->args->frames && c->sums.written >= c->args->frames;
}

/* All that is there now, and to whoever reads it. */
static int drain(struct capturing *c, struct err *reterr)
{
	struct capture_frame f;
	struct bytes bytes;
	bool broken = false;
	uint64_t at_us;
	int rc = 0;

	captor_round(c->captor);
	while (rc == 0 && !is_enough(c) &&
	       captor_next(c->captor, &f, &at_us, &bytes, &broken))
		rc = write_frame(c, &f, at_us, bytes);
	captor_count(c->captor, &c->sums);
	if (broken)
		return err_set(reterr, EPROTO, NULL,
			       "the data plane's ring is broken");
	if (rc == 0 && fflush(c->to) != 0)
		rc = -errno;
	return rc == 0 ? 0
		       : err_set(reterr, -rc, c->args->file ? "-w" : NULL,
				 "writing: %s", strerror(-rc));
}

/*
 * `before`: how many had come a round ago. true: it is over, but for what is
 * there now; *rc: 0, or why it had to be.
 */
static bool await(struct capturing *c, usec_t end, uint64_t before, int *rc,
		  struct err *reterr)
{
	struct pollfd fds[] = {
		{ .fd = captor_fd(c->captor), .events = POLLIN },
		/* a pipe that nobody reads any more is an error on it */
		{ .fd = fileno(c->to), .events = 0 },
	};

	if (is_enough(c) || stop_wanted() ||
	    (c->args->seconds && !usec_before(clock_now(), end)))
		return true;
	if (captor_is_over(c->captor)) {
		fputs("the workload is gone\n", stderr);
		return true;
	}
	/* a ring that fills is looked at more often */
	if (stop_poll(fds, 2, c->sums.received > before ? 1 : CAPTURE_LOOK_MS) <
	    0)
		return true;
	if (fds[0].revents)
		*rc = err_set(reterr, ECONNRESET, NULL,
			      "the data plane is gone");
	return fds[0].revents || fds[1].revents & POLLERR;
}

static int run(struct capturing *c, struct err *reterr)
{
	const struct capture_whose *w = &c->args->whose;
	usec_t end = usec_add(clock_now(), c->args->seconds * USEC_PER_SEC);
	const struct pcapng_about about = {
		.program = "weir " WEIR_VERSION,
		.if_name = w->name    ? w->name
			   : w->netns ? w->netns
				      : "workload",
		.filter = c->args->filter,
		.snaplen = c->args->snaplen,
	};
	uint64_t before;
	int rc = 0;

	c->sums.begin_us = clock_unix_us();
	if (c->args->file)
		rc = pcapng_begin(c->to, &about);
	if (rc < 0)
		return err_set(reterr, -rc, "-w", "writing: %s", strerror(-rc));
	do {
		before = c->sums.received;
		rc = drain(c, reterr);
	} while (rc == 0 && !await(c, end, before, &rc, reterr));
	return rc == 0 ? drain(c, reterr) : rc;
}

/* Sums at the end of the file, and for people. */
static int finish(struct capturing *c, struct err *reterr)
{
	struct pcapng_sums *s = &c->sums;
	int rc = 0;

	s->end_us = clock_unix_us();
	captor_count(c->captor, s);
	if (c->args->file)
		rc = pcapng_end(c->to, s);
	if (rc == 0 && fflush(c->to) != 0)
		rc = -errno;
	fprintf(stderr,
		"%" PRIu64 " frames captured, %" PRIu64 " shown, %" PRIu64
		" lost\n",
		s->received + s->dropped, s->written, s->dropped);
	return rc == 0 ? 0
		       : err_set(reterr, -rc, "-w", "writing: %s",
				 strerror(-rc));
}

static int capture(struct capturing *c, struct err *reterr)
{
	struct captor_spec spec = { .door = c->args->control,
				    .snaplen = c->args->snaplen,
				    .filter = c->args->filter };
	struct err ignored;
	int rc = captor_check(spec.filter, reterr);

	if (rc == 0)
		rc = capture_find_mac(&c->args->whose, &spec.mac, reterr);
	if (rc == 0)
		rc = open_file(c, reterr);
	if (rc < 0)
		return rc;
	c->captor = captor_open(&spec, reterr);
	if (!c->captor)
		return -reterr->code;
	rc = run(c, reterr);
	/* who has read enough has not failed; nor who ends it while it writes */
	if (rc == -EPIPE || rc == -EINTR)
		return 0;
	if (rc < 0) {
		/* what could be written is complete; it has failed anyhow */
		(void)finish(c, &ignored);
		return rc;
	}
	rc = finish(c, reterr);
	return rc == -EPIPE || rc == -EINTR ? 0 : rc;
}

int cmd_capture(int argc, char **argv)
{
	struct capture_args a = { .out = out_default(),
				  .control = DP_CONTROL_DEFAULT,
				  .whose.socket = getenv("WEIR_SOCKET") };
	struct capturing c = { .args = &a };
	int status = CLI_OK;
	struct err err = { 0 };

	if (capture_is_agents(argc, argv, &status))
		return status;
	if (!a.whose.socket || !a.whose.socket[0])
		a.whose.socket = AGENT_SOCKET_DEFAULT;
	if (!parse_args(&a, argc, argv, &status))
		return status;
	stop_catch();
	if (capture(&c, &err) < 0)
		status = strcmp(err.at, "FILTER") == 0
				 ? out_usage(&a.out, "capture", &err)
				 : out_error(&a.out, "capture", &err);
	captor_free(c.captor);
	if (c.to && c.to != stdout && fclose(c.to) != 0 && status == CLI_OK)
		status = CLI_FAILED;
	return status;
}

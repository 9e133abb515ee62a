/*
 * `weir demo splice`: plays the steps of demo_steps.c in order. The first that fails
 * ends the story; whatever happened - also Ctrl-C - everything is taken down,
 * and it is shown that nothing is left, unless --keep was given and all went
 * well.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/demo_dp.h"
#include "cli/demo_net.h"
#include "cli/demo_proof.h"
#include "cli/demo_steps.h"
#include "cli/stop.h"
#include "net/probe.h"

#define SECONDS_MAX 3600

static const char help_text[] =
	"Usage: weir demo splice [OPTION]...\n"
	"       weir demo splice --down\n"
	"\n"
	"Diverts a container's traffic through the data plane, in both "
	"layouts,\n"
	"shows that it is judged there, and puts everything back. It plays in "
	"network\n"
	"namespaces of its own; nothing else on this machine is touched.\n"
	"Takes about half a minute, needs root.\n"
	"\n"
	"      --keep       leaves it up, to look around\n"
	"      --down       takes down what --keep (or a crash) has left\n"
	"      --redirector auto|bpf|u32\n"
	"                   who redirects in the kernel (default auto: what "
	"works)\n"
	"      --ipv6       tells it over IPv6 as well; streams over IPv6\n"
	"      --here       this namespace plays the host, as in the article\n"
	"      --seconds N  how long each TCP stream runs (default 1)\n"
	"  -o, --output text|json\n"
	"  -h, --help\n"
	"\n"
	"Exits with 0 when all went as it must, 1 when not, 2 when the "
	"command\n"
	"line was not understood.\n"
	"\n"
	"Examples:\n"
	"  weir demo splice\n"
	"  weir demo splice --ipv6 --keep; ip netns exec agent-ns tcpdump -eni "
	"vbr\n"
	"  weir demo splice --down\n";

/* --- the command line ------------------------------------------------- */

enum {
	OPT_KEEP = 256,
	OPT_DOWN,
	OPT_REDIRECTOR,
	OPT_IPV6,
	OPT_HERE,
	OPT_SECONDS
};

static const struct option longs[] = {
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "down", no_argument, NULL, OPT_DOWN },
	{ "redirector", required_argument, NULL, OPT_REDIRECTOR },
	{ "ipv6", no_argument, NULL, OPT_IPV6 },
	{ "here", no_argument, NULL, OPT_HERE },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_seconds(const char *text, unsigned *ret, struct err *reterr)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || n < 1 ||
	    n > SECONDS_MAX)
		return err_set(reterr, EINVAL, "--seconds",
			       "\"%s\" is not a number in 1..%d", text,
			       SECONDS_MAX);
	*ret = (unsigned)n;
	return 0;
}

static int parse_redirector(const char *text, struct demo_options *opt,
			    struct err *reterr)
{
	opt->redirector_auto = strcmp(text, "auto") == 0;
	if (opt->redirector_auto)
		return 0;
	if (redirector_parse(text, &opt->redirector, NULL) == 0)
		return 0;
	return err_set(reterr, EINVAL, "--redirector",
		       "\"%s\" is none; expected auto, bpf or u32", text);
}

static int one_option(struct demo_options *opt, struct out *out, int c,
		      const char *word, struct err *reterr)
{
	switch (c) {
	case OPT_KEEP: opt->keep = true; return 0;
	case OPT_DOWN: opt->down = true; return 0;
	case OPT_IPV6: opt->ipv6 = true; return 0;
	case OPT_HERE: opt->here = true; return 0;
	case OPT_REDIRECTOR: return parse_redirector(optarg, opt, reterr);
	case OPT_SECONDS: return parse_seconds(optarg, &opt->seconds, reterr);
	case 'o': return out_set_format(out, optarg, reterr);
	default:
		return err_set(reterr, EINVAL, word,
			       "no such option, or its value is missing");
	}
}

/* false: it ends here, with *ret_exit */
static bool parse_options(struct demo_options *opt, struct out *out, int argc,
			  char **argv, int *ret_exit)
{
	struct err err = { 0 };
	int c;

	*opt = (struct demo_options){ .seconds = 1, .redirector_auto = true };
	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			printf("%s", help_text);
			*ret_exit = CLI_OK;
			return false;
		}
		(void)one_option(opt, out, c, argv[optind - 1], &err);
	}
	if (!err.code && optind < argc)
		(void)err_set(&err, EINVAL, argv[optind],
			      "demo splice takes no arguments");
	else if (!err.code && opt->down &&
		 (opt->keep || opt->here || opt->ipv6))
		(void)err_set(&err, EINVAL, "--down", "goes alone");
	if (!err.code)
		return true;
	*ret_exit = out_usage(out, "demo splice", &err);
	return false;
}

/* --- --down ----------------------------------------------------------- */

static void tell_down(const struct out *out, unsigned n_down,
		      unsigned n_running)
{
	json_t *r;

	if (!out->json) {
		if (n_down == 0)
			printf("no demo was left up\n");
		if (n_running > 0)
			printf("%u running demo%s left alone\n", n_running,
			       n_running == 1 ? "" : "s");
		return;
	}
	r = out_json_ok();
	(void)json_object_set_new(r, "taken_down", json_integer(n_down));
	(void)json_object_set_new(r, "left_running", json_integer(n_running));
	out_json(r);
}

static int run_down(const struct out *out)
{
	struct demo_state *list = NULL;
	unsigned n_down = 0, n_running = 0;
	struct err err = { 0 };
	size_t n = 0;

	if (demo_state_list(&list, &n, &err) < 0)
		return out_error(out, "demo splice --down", &err);
	for (size_t i = 0; i < n; i++) {
		struct demo_state s = list[i];

		if (!s.kept && demo_proc_alive(&s.owner)) {
			n_running++;
			continue;
		}
		if (demo_net_down(&s, &err) < 0) {
			free(list);
			return out_error(out, "demo splice --down", &err);
		}
		if (!out->json)
			printf("taken down: %s %s %s\n",
			       list[i].ns[DEMO_CONTAINER].name,
			       list[i].ns[DEMO_AGENT].name,
			       list[i].ns[DEMO_HOST].name);
		n_down++;
	}
	free(list);
	tell_down(out, n_down, n_running);
	return CLI_OK;
}

/* --- the story -------------------------------------------------------- */

static void tell_intro(struct demo *d)
{
	struct tale *t = &d->tale;

	if (!tale_is_text(t))
		return;
	printf("%sweir demo splice%s: a container's traffic is diverted "
	       "through a "
	       "data plane and judged there.\n",
	       out_colour(&t->out, OUT_BOLD), out_colour(&t->out, OUT_PLAIN));
	if (!d->opt.here)
		printf("host-ns stands for the host: nothing else on this "
		       "machine is touched.\n");
}

/* Before anything is made: can this kernel do what is asked for? */
static int check_kernel(const struct demo *d, struct err *reterr)
{
	enum redirector best;

	if (geteuid() != 0)
		return err_set(reterr, EPERM, NULL,
			       "the demo makes network namespaces: run it as "
			       "root");
	if (d->opt.down)
		return 0;
	return d->opt.redirector_auto
		       ? probe_best(&best, reterr)
		       : probe_redirector(d->opt.redirector, reterr);
}

static int play(struct demo *d, struct err *reterr)
{
	for (size_t i = 0; i < demo_n_steps; i++) {
		const struct demo_step *s = &demo_steps[i];
		int rc;

		tale_step(&d->tale, s->name, s->title);
		rc = s->run(d, reterr);
		/* Ctrl-C also ends helpers, whose failures are not news. */
		if (stop_wanted())
			return err_set(reterr, EINTR, NULL, "stopped");
		if (rc < 0)
			return rc;
		/* Nobody reads on: `weir demo | head` */
		if (ferror(stdout))
			return err_set(reterr, EPIPE, NULL,
				       "standard output was closed");
		if (d->tale.failed > 0)
			return err_set(reterr, EREMOTEIO, s->name,
				       "did not go as it must");
	}
	return 0;
}

static void close_namespaces(struct demo *d)
{
	for (int i = 0; i < DEMO_ROLE__MAX; i++)
		netns_done(&d->ns[i]);
}

/* What went wrong first counts: returns `failed` if that is an error. */
static int down_and_prove(struct demo *d, const struct demo_snapshot *before,
			  int failed, struct err *err)
{
	struct demo_state made = d->state;
	struct err now = { 0 };
	int rc[3] = { 0 };

	tale_step(&d->tale, "down",
		  failed ? "Taking everything down" : "Everything is put back");
	stream_free(d->stream);
	d->stream = NULL;
	if (!failed)
		rc[0] = demo_step_restore(d, &now);
	close_namespaces(d);
	rc[1] = demo_net_down(&d->state, rc[0] ? NULL : &now);
	rc[2] = demo_prove(&d->tale, before, &made,
			   rc[0] || rc[1] ? NULL : &now);
	for (int i = 0; i < 3 && failed == 0; i++) {
		failed = rc[i];
		if (failed)
			*err = now;
	}
	return failed;
}

static void tell_kept(struct demo *d)
{
	const char *agent = demo_ns_name(d, DEMO_AGENT);
	struct tale *t = &d->tale;

	tale_step(t, "kept", "It stays up (--keep); look around");
	if (d->opt.here)
		tale_say(t, "ping 10.10.10.88");
	else
		tale_say(t, "ip netns exec %s ping 10.10.10.88",
			 demo_ns_name(d, DEMO_HOST));
	tale_say(t, "ip netns exec %s tcpdump -eni " SPLICE_VBR, agent);
	tale_say(t, "weir splice show --agent %s", agent);
	tale_say(t, "weir dp flows --control %s/dp.sock", d->state.dir);
	tale_say(t, "weir dp blocks --control %s/dp.sock", d->state.dir);
	tale_say(t, "weir dp flows --control %s/%s", d->state.dir,
		 demo_dp_files[DEMO_INPLACE].control);
	tale_say(t, "ip netns exec %s weir divert show",
		 demo_ns_name(d, DEMO_HOST));
	tale_say(t, "weir demo splice --down");
	tale_fact(t, "control", json_sprintf("%s/dp.sock", d->state.dir));
	tale_fact(t, "host", json_string(d->state.ns[DEMO_HOST].name));
	tale_fact(t, "container",
		  json_string(d->state.ns[DEMO_CONTAINER].name));
	tale_fact(t, "agent", json_string(agent));
}

static bool run_story(struct demo *d)
{
	struct demo_snapshot before;
	struct err err = { 0 };
	bool kept = false;
	int rc;

	if (demo_snapshot(&before, &err) < 0)
		return tale_end(&d->tale, &err, false);
	tell_intro(d);
	rc = demo_state_create(&d->state, &err);
	if (rc == 0)
		rc = play(d, &err);
	if (rc == 0 && d->opt.keep) {
		d->state.kept = true;
		rc = demo_state_save(&d->state, &err);
		kept = rc == 0;
	}
	if (kept) {
		tell_kept(d);
		close_namespaces(d);
	} else {
		rc = down_and_prove(d, &before, rc, &err);
	}
	demo_snapshot_done(&before);
	return tale_end(&d->tale, rc < 0 ? &err : NULL, kept);
}

int cmd_demo_splice(int argc, char **argv)
{
	struct out out = out_default();
	struct demo d = { 0 };
	struct err err = { 0 };
	bool ok;
	int code;

	if (!parse_options(&d.opt, &out, argc, argv, &code))
		return code;
	if (check_kernel(&d, &err) < 0)
		return out_error(&out, "demo splice", &err);
	if (d.opt.down)
		return run_down(&out);
	for (int i = 0; i < DEMO_ROLE__MAX; i++)
		d.ns[i].fd = -1;
	stop_catch();
	tale_init(&d.tale, out);
	d.tale.down = "weir demo splice --down";
	ok = run_story(&d);
	tale_done(&d.tale);
	return ok ? CLI_OK : CLI_FAILED;
}

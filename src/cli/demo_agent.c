/*
 * `weir demo`: plays the steps of demo_agent_steps.c in a world of its own
 * (demo_world.c), which ends with it - all it made ends with it, too, also with
 * Ctrl-C or when it is killed. `weir demo splice` is the article's story.
 */
#include "cli/demo_agent.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/stop.h"

#define WORDS_MAX 200

static const char help_text[] =
	"Usage: weir demo [OPTION]...\n"
	"       weir demo --down\n"
	"       weir demo splice --help\n"
	"\n"
	"Starts two containers and an agent that finds them, learns what they "
	"do,\n"
	"protects one, blocks what is not allowed, explains it, and takes all "
	"down again.\n"
	"It runs in namespaces of its own, with its own dockerd or podman: no "
	"container,\n"
	"network, file or service of this machine is touched. Takes about "
	"half a minute,\n"
	"needs root.\n"
	"\n"
	"      --runtime docker|podman|namespaces\n"
	"                   what runs the containers (default: the first that "
	"can)\n"
	"      --namespaces the same as --runtime namespaces\n"
	"      --keep       leaves it up while web is protected, with the web "
	"UI, and tells\n"
	"                   how to look around\n"
	"      --down       takes down what --keep has left\n"
	"  -o, --output text|json|yaml\n"
	"  -h, --help\n"
	"\n"
	"weir demo splice tells another story, that of a single diverted port, "
	"in both\n"
	"layouts, without an agent.\n"
	"\n"
	"Exits with 0 when all went as it must, 1 when not, 2 when the "
	"command\n"
	"line was not understood.\n"
	"\n"
	"Examples:\n"
	"  weir demo\n"
	"  weir demo --keep\n"
	"  weir demo --down\n";

enum { OPT_KEEP = 256, OPT_DOWN, OPT_RUNTIME, OPT_NAMESPACES };

static const struct option longs[] = {
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "down", no_argument, NULL, OPT_DOWN },
	{ "runtime", required_argument, NULL, OPT_RUNTIME },
	{ "namespaces", no_argument, NULL, OPT_NAMESPACES },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int one_option(struct demo_agent *d, struct out *out, int c,
		      const char *word, struct err *reterr)
{
	switch (c) {
	case OPT_KEEP: d->keep = true; return 0;
	case OPT_DOWN: d->down = true; return 0;
	case OPT_NAMESPACES:
		d->kind = BOX_NAMESPACES;
		d->kind_auto = false;
		return 0;
	case OPT_RUNTIME:
		d->kind_auto = false;
		return box_kind_parse(optarg, &d->kind, reterr);
	case 'o': return out_set_format(out, optarg, reterr);
	default:
		return err_set(reterr, EINVAL, word,
			       "no such option, or its value is missing");
	}
}

/* false: it ends here, with *ret_exit */
static bool parse_options(struct demo_agent *d, struct out *out, int argc,
			  char **argv, int *ret_exit)
{
	struct err err = { 0 };
	int c;

	d->kind_auto = true;
	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			printf("%s", help_text);
			*ret_exit = CLI_OK;
			return false;
		}
		(void)one_option(d, out, c, argv[optind - 1], &err);
	}
	if (!err.code && optind < argc)
		(void)err_set(&err, EINVAL, argv[optind],
			      "no such story; there is splice, or none said");
	else if (!err.code && d->down && (d->keep || !d->kind_auto))
		(void)err_set(&err, EINVAL, "--down", "goes alone");
	if (!err.code)
		return true;
	*ret_exit = out_usage(out, "demo", &err);
	return false;
}

static int run_down(const struct out *out)
{
	struct err err = { 0 };
	unsigned n;
	json_t *r;

	if (demo_world_down(&n, &err) < 0)
		return out_error(out, "demo --down", &err);
	if (out->json) {
		r = out_json_ok();
		(void)json_object_set_new(r, "taken_down", json_integer(n));
		out_json(r);
	} else if (n == 0) {
		puts("no demo was left up");
	} else {
		printf("%u taken down\n", n);
	}
	return CLI_OK;
}

/* The first runtime that has what it needs here, or the one that was asked for. */
static int choose_kind(struct demo_agent *d, struct err *reterr)
{
	enum box_kind last = BOX_NAMESPACES;
	const char *missing = NULL;

	for (enum box_kind k = 0; d->kind_auto && k <= last; k++)
		if (!box_kind_missing(k) || k == last) {
			d->kind = k;
			break;
		}
	missing = box_kind_missing(d->kind);
	if (!missing)
		return 0;
	return err_set(reterr, ENOENT, box_kind_name(d->kind),
		       "it needs %s, which is not installed here", missing);
}

/* --- the story, within its world ------------------------------------------- */

static void tell_intro(struct demo_agent *d)
{
	struct tale *t = &d->tale;

	if (!tale_is_text(t))
		return;
	printf("%sweir demo%s: two containers, web and app; an agent learns "
	       "what they do and protects them.\n"
	       "All of it in namespaces of its own: nothing else on this "
	       "machine is touched.\n",
	       out_colour(&t->out, OUT_BOLD), out_colour(&t->out, OUT_PLAIN));
}

static int play_steps(struct demo_agent *d, struct err *reterr)
{
	for (size_t i = 0; i < demo_agent_n_steps; i++) {
		const struct demo_agent_step *s = &demo_agent_steps[i];
		int rc;

		if (d->keep && s->ends)
			return 0;
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

static void tell_kept(struct demo_agent *d)
{
	struct tale *t = &d->tale;
	struct err err = { 0 };
	int pid = d->world->pid;

	tale_step(t, "kept", "It stays up (--keep); look around");
	if (demo_agent_ui(d, &err) < 0)
		tale_say(t, "The web UI does not run: %s%s%s", err.at,
			 err.at[0] ? ": " : "", err.text);
	else
		tale_say(t, "The web UI, with a user to be made: %s", d->link);
	tale_say(t, "export WEIR_SOCKET=/proc/%d/root/run/weir/agent.sock",
		 pid);
	tale_say(t, "weir ls; weir events --follow");
	tale_say(t, "weir policy add --from app --to web --port tcp/8080");
	tale_say(t, "nsenter -t %d -m -n -p %s wget -q -O - http://%s:8080/",
		 pid, boxes_typed(&d->boxes, BOX_APP), d->web);
	tale_say(t, "nsenter -t %d -m -n -p weir capture web", pid);
	tale_say(t, "weir demo --down");
	tale_fact(t, "pid", json_integer(pid));
	tale_fact(t, "socket",
		  json_sprintf("/proc/%d/root/run/weir/agent.sock", pid));
	tale_fact(t, "web", json_string(d->web));
	if (d->link[0])
		tale_fact(t, "link", json_string(d->link));
}

static int play(void *arg, const struct demo_world *w)
{
	struct demo_agent *d = arg;
	struct err err = { 0 };
	char words[WORDS_MAX];
	bool ok, kept;
	int rc;

	d->world = w;
	/* The agent in here is at its usual place. */
	(void)unsetenv("WEIR_SOCKET");
	tell_intro(d);
	rc = play_steps(d, &err);
	kept = rc == 0 && d->keep;
	if (kept)
		tell_kept(d);
	program_last_words(DEMO_AGENT_LOG, words, sizeof words);
	if (rc < 0 && rc != -EINTR && words[0])
		tale_show(&d->tale, "weir-agent's last words: %s", words);
	ok = tale_end(&d->tale, rc < 0 ? &err : NULL, kept);
	return kept ? DEMO_WORLD_KEEP : ok ? CLI_OK : CLI_FAILED;
}

int cmd_demo(int argc, char **argv)
{
	struct demo_agent d = { 0 };
	struct out out = out_default();
	struct err err = { 0 };
	int code;

	if (argc > 1 && strcmp(argv[1], "splice") == 0)
		return cmd_demo_splice(argc - 1, argv + 1);
	if (!parse_options(&d, &out, argc, argv, &code))
		return code;
	if (geteuid() != 0)
		(void)err_set(&err, EPERM, NULL,
			      "the demo makes namespaces: run it as root");
	else if (!d.down)
		(void)choose_kind(&d, &err);
	if (err.code)
		return out_error(&out, "demo", &err);
	if (d.down)
		return run_down(&out);
	if (netns_open_self(&d.outside, &err) < 0)
		return out_error(&out, "demo", &err);
	stop_catch();
	tale_init(&d.tale, out);
	d.tale.down = "weir demo --down";
	code = demo_world_run(play, &d, &err);
	tale_done(&d.tale);
	netns_done(&d.outside);
	return code < 0 ? out_error(&out, "demo", &err) : code;
}

/*
 * One TCP stream runs from "tap" to "kill", through every change; that it ends
 * in order, with every byte that was sent, is the proof that nothing was cut.
 *
 * What net/inplace.h does it does in the caller's namespace, so each act is a
 * short visit to the demo's host.
 */
#include "cli/demo_inplace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/demo_dp.h"
#include "cli/demo_net.h"
#include "cli/demo_policy.h"
#include "cli/demo_try.h"
#include "cli/dpshow.h"
#include "cli/human.h"
#include "cli/stop.h"
#include "cli/table.h"
#include "net/inplace.h"
#include "net/link.h"

/* How long a mode is looked at while the stream runs. */
#define LOOK_MS 250
/* How often it is looked, a fifth of that apart, whether a queue is empty. */
#define QUEUE_TRIES 100
/* A stream that was held goes on with the sender's next try; far more. */
#define GO_ON_MS 10000
#define SOME	 (64ull * 1024) /* bytes that tell that it goes on */

/* --- acts on the host -------------------------------------------------- */

struct act {
	const struct inplace_spec *spec;
	enum inplace_mode mode;
	struct inplace_stat stat;
};

static int add_here(void *arg, struct err *reterr)
{
	struct act *a = arg;

	return inplace_add(a->spec, &a->stat, reterr);
}

static int del_here(void *arg, struct err *reterr)
{
	struct act *a = arg;

	return inplace_del(&a->spec->port, reterr);
}

static int mode_here(void *arg, struct err *reterr)
{
	struct inplace_change change = INPLACE_CHANGE_NOTHING;
	struct act *a = arg;

	change.mode = (int)a->mode;
	return inplace_set(&a->spec->port, &change, reterr);
}

static struct inplace_spec spec_of(const struct demo *d)
{
	return (struct inplace_spec){
		.port = { .netns = demo_ns_name(d, DEMO_WEB) },
		.mark = DEMO_MARK,
	};
}

static int divert(struct demo *d, enum inplace_mode mode,
		  enum inplace_failure failure, struct inplace_stat *ret,
		  struct err *reterr)
{
	struct inplace_spec spec = spec_of(d);
	struct act a = { .spec = &spec };
	int rc;

	spec.mode = mode;
	spec.failure = failure;
	rc = netns_call(&d->ns[DEMO_HOST], add_here, &a, reterr);
	if (rc == 0 && ret)
		*ret = a.stat;
	return rc;
}

static int release(struct demo *d, struct err *reterr)
{
	struct inplace_spec spec = spec_of(d);
	struct act a = { .spec = &spec };

	return netns_call(&d->ns[DEMO_HOST], del_here, &a, reterr);
}

static int set_mode(struct demo *d, enum inplace_mode mode, struct err *reterr)
{
	struct inplace_spec spec = spec_of(d);
	struct act a = { .spec = &spec, .mode = mode };

	return netns_call(&d->ns[DEMO_HOST], mode_here, &a, reterr);
}

/* --- divert -------------------------------------------------------------- */

static void tell_form(struct demo *d)
{
	struct tale *t = &d->tale;

	tale_blank(t);
	tale_say(t, "  %-43s %s", demo_ns_name(d, DEMO_HOST),
		 demo_ns_name(d, DEMO_WEB));
	tale_say(t, "  " DEMO_BRIDGE " ═══ " DEMO_WEB_DEV
		    " ◀═════ veth pair ═════▶ " DEMO_CONTAINER_DEV);
	tale_say(t, "  10.10.20.66     │ tc, both ways             "
		    " " DEMO_WEB_MAC);
	tale_say(t, "                  ▼                           "
		    "10.10.20.88");
	tale_say(t, "                 vth ◀──▶ weir-dp");
	tale_blank(t);
}

static int get_own(const struct demo *d, struct link_stat *ret,
		   struct err *reterr)
{
	struct nl *nl = NULL;
	int rc = nl_open(&d->ns[DEMO_WEB], &nl, reterr);

	if (rc == 0)
		rc = link_get(nl, DEMO_CONTAINER_DEV, ret, reterr);
	nl_free(nl);
	return rc;
}

static int divert_and_compare(struct demo *d, struct err *reterr)
{
	struct link_stat before = { 0 }, after = { 0 };
	struct inplace_stat s = { 0 };
	usec_t start;
	double ms;
	int rc = get_own(d, &before, reterr);

	start = clock_now();
	if (rc == 0)
		rc = divert(d, INPLACE_PASS, INPLACE_CLOSED, &s, reterr);
	ms = (double)usec_since(clock_now(), start) / 1000;
	if (rc == 0)
		rc = get_own(d, &after, reterr);
	if (rc < 0)
		return rc;
	tale_say(&d->tale,
		 "Two programs stand at %s (%s), after %.1f ms; mode pass.",
		 s.dev, hook_kind_name(s.hooks[INPLACE_IN]), ms);
	(void)tale_check(&d->tale,
			 before.ifindex == after.ifindex &&
				 before.peer == after.peer &&
				 before.mtu == after.mtu &&
				 mac_equal(before.mac, after.mac),
			 "the workload's device is the one it had: nothing was "
			 "moved or renamed");
	tale_fact(&d->tale, "divert_ms", json_real(ms));
	return 0;
}

int demo_inplace_divert(struct demo *d, struct err *reterr)
{
	int rc;

	d->layout = DEMO_INPLACE;
	rc = demo_net_web_up(d, reterr);
	if (rc < 0)
		return rc;
	tell_form(d);
	rc = demo_streams(d, d->rate[DEMO_RATE_BRIDGE], reterr);
	if (rc == 0)
		rc = divert_and_compare(d, reterr);
	if (rc == 0)
		rc = demo_ping(d, EXPECT_ANSWER, reterr);
	return rc;
}

/* --- the data plane ---------------------------------------------------------- */

static int ask(struct demo *d, json_t *message, struct err *reterr)
{
	json_t *answer = NULL;
	int rc = demo_dp_ask(d, message, &answer, reterr);

	json_decref(answer);
	json_decref(message);
	return rc;
}

/* Starts it, and gives it the workload and its policy. */
static int start_dp(struct demo *d, struct err *reterr)
{
	int rc = demo_dp_start(d, reterr);

	if (rc == 0)
		rc = ask(d,
			 json_pack("{s:{s:s,s:s,s:s,s:s}}", "ctrl_add_mac",
				   "iface", SPLICE_VTH, "mac", DEMO_WEB_MAC,
				   "ucmac", DEMO_UCMAC, "bcmac", DEMO_BCMAC),
			 reterr);
	if (rc == 0)
		rc = ask(d,
			 json_pack("{s:{s:b,s:[s]}}", "ctrl_cfg_mac", "tap", 0,
				   "macs", DEMO_WEB_MAC),
			 reterr);
	if (rc == 0)
		rc = demo_policy_last(d, reterr);
	/* Its port comes last: no frame is judged before the policy is there */
	if (rc == 0)
		rc = ask(d,
			 json_pack("{s:{s:s}}", "ctrl_add_srvc_port", "iface",
				   SPLICE_VTH),
			 reterr);
	return rc;
}

/* The session of the stream, from weir-dp's list. *ret is owned; NULL: none */
static int find_session(struct demo *d, json_t **ret, struct err *reterr)
{
	json_t *answer = NULL, *s;
	size_t i;
	int rc = demo_dp_flows(d, &answer, reterr);

	if (rc < 0)
		return rc;
	*ret = NULL;
	json_array_foreach (json_object_get(answer, "sessions"), i, s)
		if (!*ret &&
		    json_integer_value(json_object_get(s, "server_port")) ==
			    DEMO_PORT &&
		    json_integer_value(json_object_get(s, "client_bytes")) > 0)
			*ret = json_incref(s);
	json_decref(answer);
	return 0;
}

static json_int_t number(const json_t *s, const char *name)
{
	return json_integer_value(json_object_get(s, name));
}

static int check_goes_on(struct demo *d, const char *what, struct err *reterr)
{
	int rc = stream_await(d->stream, SOME, GO_ON_MS);

	if (rc < 0)
		return err_set(reterr, EINTR, NULL, "stopped");
	(void)tale_check(&d->tale, rc == 1, "%s", what);
	return 0;
}

int demo_inplace_tap(struct demo *d, struct err *reterr)
{
	json_t *s = NULL;
	char text[HUMAN_MAX];
	int rc = start_dp(d, reterr);

	if (rc == 0)
		rc = set_mode(d, INPLACE_TAP, reterr);
	if (rc < 0)
		return rc;
	tale_say(&d->tale,
		 "weir-dp runs in %s and gets a copy of each frame. "
		 "A TCP stream is started,",
		 demo_ns_name(d, DEMO_HOST));
	tale_say(&d->tale, "and runs through all that follows.");
	rc = demo_stream_start(d, reterr);
	if (rc == 0)
		rc = check_goes_on(d, "the stream runs", reterr);
	if (rc == 0 && stop_poll(NULL, 0, LOOK_MS) < 0)
		rc = err_set(reterr, EINTR, NULL, "stopped");
	if (rc == 0)
		rc = find_session(d, &s, reterr);
	if (rc < 0)
		return rc;
	(void)tale_check(&d->tale, s != NULL,
			 "weir-dp sees it: %s so far, as flow %lld",
			 human_bytes((uint64_t)number(s, "client_bytes"), text),
			 (long long)number(s, "id"));
	d->tapped = number(s, "id");
	json_decref(s);
	return demo_connect(d, DEMO_PORT_DENIED, EXPECT_ANSWER, reterr);
}

int demo_inplace_inline(struct demo *d, struct err *reterr)
{
	json_t *s = NULL;
	int rc = set_mode(d, INPLACE_INLINE, reterr);

	if (rc == 0)
		rc = check_goes_on(d, "mode inline: the stream goes on",
				   reterr);
	if (rc == 0)
		rc = find_session(d, &s, reterr);
	if (rc < 0)
		return rc;
	(void)tale_check(&d->tale,
			 s && number(s, "id") == d->tapped &&
				 json_is_false(json_object_get(s, "blocked")),
			 "it is the same flow to weir-dp, taken over from tap");
	json_decref(s);
	tale_say(&d->tale,
		 "The policy of step 6 rules now; in tap port %u "
		 "still answered:",
		 DEMO_PORT_DENIED);
	rc = demo_connect(d, DEMO_PORT_DENIED, EXPECT_SILENCE, reterr);
	return rc < 0 ? rc : demo_policy_tell_block(d, 0, reterr);
}

/* --- flips ------------------------------------------------------------------- */

/* Bytes that came while that mode was on. */
/* What is in the receiver's queue already is not of a mode that lets nothing in. */
static int queue_is_read(struct demo *d)
{
	uint64_t before, now = stream_received(d->stream);

	/* on a busy machine the reader may not run for a while */
	for (int i = 0, same = 0; i < QUEUE_TRIES && same < 3; i++) {
		before = now;
		if (stop_poll(NULL, 0, LOOK_MS / 5) < 0)
			return -EINTR;
		now = stream_received(d->stream);
		same = now == before ? same + 1 : 0;
	}
	return 0;
}

static int look_at(struct demo *d, enum inplace_mode mode, uint64_t *ret,
		   struct err *reterr)
{
	uint64_t before;
	int rc = set_mode(d, mode, reterr);

	if (rc < 0)
		return rc;
	/* a stream that was held needs its time to go on */
	if (mode != INPLACE_QUARANTINE &&
	    stream_await(d->stream, SOME, GO_ON_MS) < 0)
		return err_set(reterr, EINTR, NULL, "stopped");
	if (mode == INPLACE_QUARANTINE && queue_is_read(d) < 0)
		return err_set(reterr, EINTR, NULL, "stopped");
	before = stream_received(d->stream);
	if (stop_poll(NULL, 0, LOOK_MS) < 0)
		return err_set(reterr, EINTR, NULL, "stopped");
	*ret = stream_received(d->stream) - before;
	return 0;
}

static void flip_row(struct table *t, enum inplace_mode mode, uint64_t bytes)
{
	static const char *const means[] = {
		"weir-dp is not asked", "weir-dp gets copies",
		"weir-dp decides", "nothing passes", "nothing passes"
	};
	char text[HUMAN_MAX];

	_Static_assert(sizeof means / sizeof *means == INPLACE_MODE__MAX,
		       "one each");
	table_add(t, "%s", inplace_mode_name(mode));
	table_add(t, "%s", means[mode]);
	table_add(t, "%s",
		  human_rate((double)bytes * 8 * 1000 / LOOK_MS, text));
}

int demo_inplace_flips(struct demo *d, struct err *reterr)
{
	static const enum inplace_mode modes[] = {
		INPLACE_PASS,	    INPLACE_TAP, INPLACE_INLINE, INPLACE_PASS,
		INPLACE_QUARANTINE, INPLACE_TAP, INPLACE_INLINE,
	};
	uint64_t bytes = 0, while_shut = 0;
	bool moved = true;
	struct table t;
	int rc = 0;

	table_init(&t, 3, 1u << 2);
	table_add(&t, "mode");
	table_add(&t, "means");
	table_add(&t, "the stream does");
	for (size_t i = 0; rc == 0 && i < sizeof modes / sizeof *modes; i++) {
		rc = look_at(d, modes[i], &bytes, reterr);
		if (rc < 0)
			break;
		flip_row(&t, modes[i], bytes);
		if (modes[i] == INPLACE_QUARANTINE)
			while_shut += bytes;
		else
			moved &= bytes > 0;
	}
	if (rc == 0 && tale_is_text(&d->tale))
		table_print(&t, 3, out_colour(&d->tale.out, OUT_DIM),
			    out_colour(&d->tale.out, OUT_PLAIN));
	table_done(&t);
	if (rc < 0)
		return rc;
	(void)tale_check(&d->tale, moved,
			 "each flip is one write to one map; the stream goes "
			 "on");
	(void)tale_check(&d->tale, while_shut == 0,
			 "quarantine lets nothing through");
	return check_goes_on(d, "and afterwards the same connection lives",
			     reterr);
}

/* --- kill ---------------------------------------------------------------------- */

static int kill_closed(struct demo *d, struct err *reterr)
{
	int rc;

	demo_dp_kill(d);
	tale_say(&d->tale, "on_failure closed: weir-dp is killed (SIGKILL)");
	rc = demo_ping(d, EXPECT_SILENCE, reterr);
	if (rc == 0)
		rc = start_dp(d, reterr);
	return rc < 0 ? rc
		      : check_goes_on(d, "weir-dp is back: the stream goes on",
				      reterr);
}

static int kill_open(struct demo *d, struct err *reterr)
{
	int rc = release(d, reterr);

	if (rc == 0)
		rc = divert(d, INPLACE_INLINE, INPLACE_OPEN, NULL, reterr);
	if (rc < 0)
		return rc;
	demo_dp_kill(d);
	tale_say(&d->tale, "on_failure open: weir-dp is killed");
	rc = check_goes_on(d, "the stream goes on without it", reterr);
	if (rc == 0)
		rc = start_dp(d, reterr);
	return rc < 0 ? rc : check_goes_on(d, "and with it again", reterr);
}

int demo_inplace_kill(struct demo *d, struct err *reterr)
{
	struct stream_result r = { 0 };
	char text[HUMAN_MAX];
	int rc = kill_closed(d, reterr);

	if (rc == 0)
		rc = kill_open(d, reterr);
	if (rc < 0)
		return rc;
	rc = stream_stop(d->stream, &r, reterr);
	stream_free(d->stream);
	d->stream = NULL;
	if (rc < 0)
		return rc;
	(void)tale_check(
		&d->tale, r.bytes == r.sent,
		"the stream of step 10 ends in order after %.1f s: all "
		"%s that were sent have come",
		(double)r.us / 1e6, human_bytes(r.bytes, text));
	return 0;
}

/* --- what it costs ---------------------------------------------------------------- */

/* The rate, and its share of another. */
static void two_cells(struct table *t, const struct stream_result *r,
		      const struct stream_result *of)
{
	double rate = demo_rate(r), base = of ? demo_rate(of) : 0;
	char text[HUMAN_MAX];

	table_add(t, "%s", rate > 0 ? human_rate(rate, text) : "-");
	if (rate > 0 && base > 0)
		table_add(t, "%.2f", rate / base);
	else
		table_add(t, "%s", "");
}

static void tell_costs(struct demo *d)
{
	static const struct {
		const char *name, *key;
		int of; /* whose ratio it is; -1: none */
	} rows[] = {
		[DEMO_RATE_WIRE] = { "one wire, undiverted", "wire", -1 },
		[DEMO_RATE_SPLICED] = { "  spliced, inline, all inspected",
					"spliced", DEMO_RATE_WIRE },
		[DEMO_RATE_BRIDGE] = { "over the bridge, undiverted", "bridge",
				       -1 },
		[DEMO_RATE_INPLACE] = { "  in place, inline, all inspected",
					"inplace", DEMO_RATE_BRIDGE },
		[DEMO_RATE_CACHED] = { "  in place, given back once judged",
				       "cached", DEMO_RATE_BRIDGE },
	};
	json_t *fact = json_object();
	struct table t;

	_Static_assert(sizeof rows / sizeof *rows == DEMO_RATE__MAX,
		       "one each");
	table_init(&t, 1 + 2 * DEMO_CC__MAX, ~1u);
	table_add(&t, "one TCP stream, %u s", d->opt.seconds);
	for (int c = 0; c < DEMO_CC__MAX; c++) {
		table_add(&t, "%s", d->rate[DEMO_RATE_WIRE][c].congctl);
		table_add(&t, "share");
	}
	for (int i = 0; i < DEMO_RATE__MAX; i++) {
		json_t *one = json_object();

		table_add(&t, "%s", rows[i].name);
		for (int c = 0; c < DEMO_CC__MAX; c++) {
			const struct stream_result *r = &d->rate[i][c];

			two_cells(&t, r,
				  rows[i].of < 0 ? NULL
						 : &d->rate[rows[i].of][c]);
			if (r->us)
				(void)json_object_set_new(
					one, r->congctl,
					json_real(demo_rate(r) / 1e6));
		}
		(void)json_object_set_new(fact, rows[i].key, one);
	}
	if (tale_is_text(&d->tale))
		table_print(&t, 3, out_colour(&d->tale.out, OUT_DIM),
			    out_colour(&d->tale.out, OUT_PLAIN));
	table_done(&t);
	tale_fact(&d->tale, "mbit_per_s", fact);
}

static int set_cache(struct demo *d, bool on, struct err *reterr)
{
	return ask(
		d,
		json_pack("{s:{s:{s:b}}}", "weir_settings", "cache", "on", on),
		reterr);
}

static int count_here(void *arg, struct err *reterr)
{
	uint64_t *cached = arg;
	struct inplace_stat *list;
	size_t n;
	int rc = inplace_list(&list, &n, reterr);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		for (int way = 0; way < 2; way++)
			*cached +=
				list[i].counts.bytes[way][INPLACE_COUNT_CACHED];
	free(list);
	return 0;
}

/* Bytes that the kernel has let go on by itself during such streams. */
static int streams(struct demo *d, struct stream_result *r, uint64_t *ret,
		   struct err *reterr)
{
	uint64_t before = 0, after = 0;
	int rc = netns_call(&d->ns[DEMO_HOST], count_here, &before, reterr);

	if (rc == 0)
		rc = demo_streams(d, r, reterr);
	if (rc == 0)
		rc = netns_call(&d->ns[DEMO_HOST], count_here, &after, reterr);
	*ret = after - before;
	return rc;
}

int demo_inplace_speed(struct demo *d, struct err *reterr)
{
	uint64_t unseen = 0, given_back = 0;
	char text[HUMAN_MAX];
	int rc = set_cache(d, false, reterr);

	if (rc == 0)
		rc = streams(d, d->rate[DEMO_RATE_INPLACE], &unseen, reterr);
	if (rc == 0)
		rc = set_cache(d, true, reterr);
	if (rc == 0)
		rc = streams(d, d->rate[DEMO_RATE_CACHED], &given_back, reterr);
	if (rc < 0)
		return rc;
	tell_costs(d);
	(void)tale_check(&d->tale, unseen == 0,
			 "all inspected: the kernel let nothing go on by "
			 "itself");
	(void)tale_check(&d->tale, given_back > 0,
			 "given back: %s went on in the kernel, as weir-dp had "
			 "judged",
			 human_bytes(given_back, text));
	tale_say(&d->tale, "One short stream each; `make bench` measures with "
			   "care.");
	return 0;
}

/* --- back ----------------------------------------------------------------------------- */

int demo_inplace_restore(struct demo *d, struct err *reterr)
{
	int status, rc;

	d->layout = DEMO_INPLACE;
	rc = release(d, reterr);
	if (rc < 0)
		return rc;
	tale_say(&d->tale, "The workload in place is released:");
	rc = demo_ping(d, EXPECT_ANSWER, reterr);
	status = demo_net_stop_dp(&d->state, DEMO_INPLACE);
	(void)tale_check(&d->tale, status == 0,
			 "its weir-dp ends when it is asked to (exit status "
			 "%d)",
			 status);
	d->layout = DEMO_SPLICED;
	return rc;
}

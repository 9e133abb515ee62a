#include "cli/demo_steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/demo_dp.h"
#include "cli/demo_inplace.h"
#include "cli/demo_net.h"
#include "cli/demo_policy.h"
#include "cli/demo_proof.h"
#include "cli/demo_try.h"
#include "cli/dpshow.h"
#include "cli/human.h"
#include "cli/ping.h"
#include "cli/stop.h"
#include "cli/watch.h"

#define MESSAGE_SHOWN 92 /* characters of a message that fit on a line */

/* --- 1: the default form ---------------------------------------------- */

static void tell_default_form(struct demo *d)
{
	const char *host = demo_ns_name(d, DEMO_HOST);
	const char *container = demo_ns_name(d, DEMO_CONTAINER);
	struct tale *t = &d->tale;

	tale_blank(t);
	tale_say(t, "  %-21s                       %s", host, container);
	tale_say(t, "  " DEMO_HOST_DEV
		    " ◀══════════ veth pair ═══════════▶ " DEMO_CONTAINER_DEV);
	tale_say(t, "  " DEMO_HOST_MAC
		    "                           " DEMO_CONTAINER_MAC);
	tale_say(t, "  10.10.10.66/24                              "
		    "10.10.10.88/24");
	if (d->opt.ipv6)
		tale_say(t, "  fd00:10:10:10::66/64                        "
			    "fd00:10:10:10::88/64");
	tale_blank(t);
}

static void tell_rates(struct demo *d, const char *key,
		       const struct stream_result r[DEMO_CC__MAX])
{
	json_t *fact = json_object();

	for (int i = 0; i < DEMO_CC__MAX; i++) {
		double rate = demo_rate(&r[i]),
		       plain = demo_rate(&d->rate[DEMO_RATE_WIRE][i]);
		char text[HUMAN_MAX], ratio[64] = "";
		json_t *one;

		if (rate == 0)
			continue;
		one = json_pack("{s:f}", "mbit_per_s", rate / 1e6);
		if (r != d->rate[DEMO_RATE_WIRE] && plain > 0) {
			(void)snprintf(ratio, sizeof ratio,
				       ", %.2f of undiverted", rate / plain);
			(void)json_object_set_new(one, "ratio",
						  json_real(rate / plain));
		}
		tale_say(&d->tale, "one TCP stream, %u s, %-6s %s%s",
			 d->opt.seconds, r[i].congctl, human_rate(rate, text),
			 ratio);
		(void)json_object_set_new(fact, r[i].congctl, one);
	}
	tale_fact(&d->tale, key, fact);
}

static int step_plain(struct demo *d, struct err *reterr)
{
	int rc;

	rc = demo_net_up(d, reterr);
	if (rc < 0)
		return rc;
	tell_default_form(d);
	rc = demo_ping(d, EXPECT_ANSWER, reterr);
	if (rc == 0)
		rc = demo_streams(d, d->rate[DEMO_RATE_WIRE], reterr);
	if (rc == 0)
		tell_rates(d, "stream", d->rate[DEMO_RATE_WIRE]);
	return rc;
}

/* --- 2: the splice ---------------------------------------------------- */

static void tell_diverted_form(struct demo *d)
{
	struct tale *t = &d->tale;
	const struct splice_stat *s = &d->splice;

	tale_blank(t);
	tale_say(t, "  %-21s   %-36s %s", demo_ns_name(d, DEMO_HOST),
		 demo_ns_name(d, DEMO_AGENT), demo_ns_name(d, DEMO_CONTAINER));
	tale_say(t,
		 "  " DEMO_HOST_DEV " ◀════════════▶ %-5s           "
		 "%5s ◀════════════▶ " DEMO_CONTAINER_DEV,
		 s->vex, s->vin);
	tale_say(t, "  " DEMO_HOST_MAC "        │   tc ingress    │         "
		    "        " DEMO_CONTAINER_MAC);
	tale_say(t, "  10.10.10.66              └─────▶ " SPLICE_VBR
		    " ◀─────┘                 10.10.10.88");
	tale_say(t, "                                    ║");
	tale_say(t, "                                   " SPLICE_VTH
		    " ◀──▶ weir-dp");
	tale_blank(t);
}

static void tell_splice(struct demo *d)
{
	const struct splice_stat *s = &d->splice;
	char mac[MAC_TEXT_MAX], mark[MAC_TEXT_MAX];
	struct tale *t = &d->tale;

	tell_diverted_form(d);
	tale_say(t,
		 "The container's end of the pair moved to %s as %s; a new "
		 "pair %s ═ %s took",
		 demo_ns_name(d, DEMO_AGENT), s->vex, s->vin, s->dev);
	tale_say(t,
		 "its name, index, MAC, addresses and routes. It was cut off "
		 "for %.1f ms.",
		 (double)s->gap_us / 1000);
	tale_say(t,
		 "On " SPLICE_VBR " and " SPLICE_VTH " its MAC %s is written "
		 "as its mark, %s.",
		 mac_format(s->mac, mac), mac_format(s->ucmac, mark));
	tale_say(t,
		 "Redirector %s, mode pass: the kernel itself forwards %s ◀▶ "
		 "%s.",
		 redirector_name(s->redirector), s->vex, s->vin);
	tale_fact(t, "splice",
		  json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "redirector",
			    redirector_name(s->redirector), "vex", s->vex,
			    "vin", s->vin, "mac", mac, "ucmac", mark, "gap_us",
			    (json_int_t)s->gap_us));
}

/* The counters of our splice now. */
static int read_counters(struct demo *d,
			 struct splice_counter ret[DIVERT_COUNTER__MAX],
			 struct err *reterr)
{
	struct splice_stat *list = NULL;
	size_t n = 0;
	int rc = splice_list(demo_ns_name(d, DEMO_AGENT), &list, &n, reterr);

	if (rc < 0)
		return rc;
	if (n == 1)
		memcpy(ret, list[0].counter, sizeof list[0].counter);
	else
		rc = err_set(reterr, ENOENT, NULL, "%zu splices, expected one",
			     n);
	free(list);
	return rc;
}

static int step_splice(struct demo *d, struct err *reterr)
{
	struct splice_spec spec = {
		.workload = demo_ns_name(d, DEMO_CONTAINER),
		.agent = demo_ns_name(d, DEMO_AGENT),
		.dev = DEMO_CONTAINER_DEV,
		.mark = DEMO_MARK,
		.redirector_auto = d->opt.redirector_auto,
		.redirector = d->opt.redirector,
		.mode = DIVERT_PASS,
		.stop = stop_flag(),
	};
	struct splice_counter c[DIVERT_COUNTER__MAX] = { 0 };
	uint64_t in, out, dp;
	int rc;

	rc = splice_up(&spec, &d->splice, reterr);
	if (rc < 0)
		return rc;
	d->spliced = true;
	tell_splice(d);
	rc = demo_ping(d, EXPECT_ANSWER, reterr);
	/* The u32 redirector's filters count elsewhere. */
	if (rc < 0 || d->splice.redirector != REDIRECTOR_BPF)
		return rc;
	rc = read_counters(d, c, reterr);
	if (rc < 0)
		return rc;
	in = c[DIVERT_COUNT_PASS_IN].frames;
	out = c[DIVERT_COUNT_PASS_OUT].frames;
	dp = c[DIVERT_COUNT_TO_DP_IN].frames + c[DIVERT_COUNT_TO_DP_OUT].frames;
	(void)tale_check(&d->tale, in >= 3 && out >= 3 && dp == 0,
			 "the kernel's programs count %u frames in, %u out, %u "
			 "diverted",
			 (unsigned)in, (unsigned)out, (unsigned)dp);
	return 0;
}

/* --- 3: the data plane ------------------------------------------------ */

static void tell_messages(struct demo *d)
{
	struct tale *t = &d->tale;
	json_t *sent = json_array();

	tale_say(t,
		 "The article's four messages, through the compatible door:");
	for (unsigned i = 0; i < DEMO_DP_MESSAGES; i++) {
		const char *m = demo_dp_message(d, i);

		tale_show(t, "▷ %.*s%s", MESSAGE_SHOWN, m,
			  strlen(m) > MESSAGE_SHOWN ? "…" : "");
		(void)json_array_append_new(sent, json_string(m));
	}
	tale_fact(t, "messages", sent);
}

static int start_dp(struct demo *d, struct err *reterr)
{
	json_t *version = NULL;
	const char *v = "?";
	int pid = 0;
	int rc;

	rc = demo_dp_start(d, reterr);
	if (rc == 0)
		rc = demo_dp_ask_name(d, "weir_version", &version, reterr);
	if (rc < 0)
		return rc;
	(void)json_unpack(version, "{s?s, s?i}", "version", &v, "pid", &pid);
	tale_say(&d->tale, "weir-dp %s runs in %s (pid %d)", v,
		 demo_ns_name(d, DEMO_AGENT), pid);
	json_decref(version);
	return demo_dp_configure(d, reterr);
}

static int set_inline(struct demo *d, struct err *reterr)
{
	int rc = splice_set_mode(demo_ns_name(d, DEMO_CONTAINER),
				 demo_ns_name(d, DEMO_AGENT),
				 DEMO_CONTAINER_DEV, DIVERT_INLINE, reterr);

	if (rc == 0)
		tale_say(&d->tale,
			 "Mode %s: only what weir-dp sends back goes on.",
			 divert_mode_name(DIVERT_INLINE));
	return rc;
}

/* Packets both ways of all ICMP flows of the container. */
static int count_icmp(struct demo *d, json_int_t *ret_there,
		      json_int_t *ret_back, struct err *reterr)
{
	json_t *answer = NULL;
	const json_t *s;
	size_t i;
	int rc = demo_dp_flows(d, &answer, reterr);

	if (rc < 0)
		return rc;
	*ret_there = *ret_back = 0;
	json_array_foreach (json_object_get(answer, "sessions"), i, s) {
		const char *proto =
			json_string_value(json_object_get(s, "proto"));

		if (!proto || strncmp(proto, "icmp", 4) != 0)
			continue;
		*ret_there += json_integer_value(
			json_object_get(s, "client_packets"));
		*ret_back += json_integer_value(
			json_object_get(s, "server_packets"));
	}
	json_decref(answer);
	return 0;
}

static int step_dataplane(struct demo *d, struct err *reterr)
{
	json_int_t there = 0, back = 0, want = 3 * (json_int_t)demo_families(d);
	int rc;

	rc = start_dp(d, reterr);
	if (rc < 0)
		return rc;
	tell_messages(d);
	rc = set_inline(d, reterr);
	if (rc == 0)
		rc = demo_ping(d, EXPECT_ANSWER, reterr);
	if (rc == 0)
		rc = count_icmp(d, &there, &back, reterr);
	if (rc < 0)
		return rc;
	(void)tale_check(&d->tale, there == want && back == want,
			 "every frame went through weir-dp: its flows count %d "
			 "requests, %d replies",
			 (int)there, (int)back);
	return 0;
}

/* --- 4: the same frame, seen twice ------------------------------------- */

struct sightings {
	unsigned real, marked; /* frames with the container's MAC, its mark */
};

/* The line with the mark, or else the real MAC, standing out. */
static void show_marked(struct demo *d, const char *line)
{
	const struct out *o = &d->tale.out;
	const char *mac = strstr(line, DEMO_UCMAC);
	enum out_colour c = mac ? OUT_YELLOW : OUT_GREEN;
	int before, len = MAC_TEXT_MAX - 1;

	if (!mac)
		mac = strstr(line, DEMO_CONTAINER_MAC);
	if (!mac) {
		tale_show(&d->tale, "%s", line);
		return;
	}
	before = (int)(mac - line);
	tale_say(&d->tale, "%s%.*s%s%s%.*s%s%s%s%s", out_colour(o, OUT_DIM),
		 before, line, out_colour(o, OUT_PLAIN), out_colour(o, c), len,
		 mac, out_colour(o, OUT_PLAIN), out_colour(o, OUT_DIM),
		 mac + len, out_colour(o, OUT_PLAIN));
}

static void tell_seen(struct demo *d, const char *dev, const struct seen *s)
{
	char link[WATCH_LINE_MAX], net[WATCH_LINE_MAX];

	watch_format(s, link, net);
	show_marked(d, link);
	tale_show(&d->tale, "    %s", net);
	(void)json_array_append_new(json_object_get(d->tale.step, dev),
				    json_sprintf("%s %s", link, net));
}

static struct sightings look(struct demo *d, const char *dev, const char *what,
			     int fd, uint16_t id)
{
	struct sightings n = { 0 };
	struct seen s;

	tale_say(&d->tale, "%s, %s:", dev, what);
	tale_fact(&d->tale, dev, json_array());
	while (watch_next(fd, &s)) {
		struct mac theirs = s.is_reply ? s.src : s.dst;

		if (s.id != id)
			continue;
		n.real += mac_equal(theirs, d->splice.mac);
		n.marked += mac_equal(theirs, d->splice.ucmac);
		tell_seen(d, dev, &s);
	}
	return n;
}

static int watch_ping(struct demo *d, enum demo_family family, int vex, int vbr,
		      struct err *reterr)
{
	struct ping_spec spec = {
		.ns = &d->ns[DEMO_HOST],
		.to = demo_addr(DEMO_SPLICED, family),
		.count = 1,
		.timeout_ms = 5000,
	};
	struct ping_result r;
	struct sightings on_vex, on_vbr;
	int rc;

	rc = ping_run(&spec, &r, reterr);
	if (rc < 0)
		return rc;
	/* Both have passed every tap when the reply is here. */
	on_vex = look(d, d->splice.vex, "as it is on the wire", vex, r.id);
	on_vbr = look(d, SPLICE_VBR, "to weir-dp and back from it", vbr, r.id);
	(void)tale_check(
		&d->tale, on_vex.real == 2 && on_vex.marked == 0,
		"%s: request and reply with the real MAC, " DEMO_CONTAINER_MAC,
		d->splice.vex);
	(void)tale_check(&d->tale, on_vbr.real == 0 && on_vbr.marked == 4,
			 SPLICE_VBR ": each with the mark " DEMO_UCMAC
				    ", to weir-dp and back from it");
	return 0;
}

/*
 * The kernel starts to stamp frames with their time some moments after the
 * first socket has asked for it; until then a frame gets the time it is read.
 */
static int warm_up(struct demo *d, struct err *reterr)
{
	struct ping_spec spec = {
		.ns = &d->ns[DEMO_HOST],
		.to = demo_addr(DEMO_SPLICED, DEMO_IP4),
		.count = 2,
		.interval_ms = 50,
		.timeout_ms = 5000,
	};
	struct ping_result r;

	return ping_run(&spec, &r, reterr);
}

static int step_capture(struct demo *d, struct err *reterr)
{
	int vex = -1, vbr = -1;
	int rc;

	rc = watch_open(&d->ns[DEMO_AGENT], d->splice.vex, &vex, reterr);
	if (rc == 0)
		rc = watch_open(&d->ns[DEMO_AGENT], SPLICE_VBR, &vbr, reterr);
	if (rc == 0)
		rc = warm_up(d, reterr);
	for (unsigned f = 0; rc == 0 && f < demo_families(d); f++)
		rc = watch_ping(d, f, vex, vbr, reterr);
	if (vex >= 0)
		close(vex);
	if (vbr >= 0)
		close(vbr);
	return rc;
}

/* --- 5: without the data plane ----------------------------------------- */

static int step_kill(struct demo *d, struct err *reterr)
{
	struct splice_counter a[DIVERT_COUNTER__MAX] = { 0 };
	struct splice_counter b[DIVERT_COUNTER__MAX] = { 0 };
	int rc;

	demo_dp_kill(d);
	tale_say(&d->tale, "weir-dp was killed (SIGKILL); the kernel goes on "
			   "diverting.");
	rc = read_counters(d, a, reterr);
	if (rc == 0)
		rc = demo_ping(d, EXPECT_SILENCE, reterr);
	if (rc == 0)
		rc = read_counters(d, b, reterr);
	if (rc == 0 && d->splice.redirector == REDIRECTOR_BPF)
		tale_say(&d->tale,
			 "%s sent %u frames to " SPLICE_VBR
			 ", nobody sent one back.",
			 d->splice.vex,
			 (unsigned)(b[DIVERT_COUNT_TO_DP_IN].frames -
				    a[DIVERT_COUNT_TO_DP_IN].frames));
	if (rc == 0)
		rc = start_dp(d, reterr);
	if (rc == 0)
		rc = demo_ping(d, EXPECT_ANSWER, reterr);
	return rc;
}

/* --- 7, 8: speed, flows ------------------------------------------------ */

static int step_speed(struct demo *d, struct err *reterr)
{
	struct stream_result *r = d->rate[DEMO_RATE_SPLICED];
	int rc;

	tale_say(&d->tale, "Inline, every frame through the flow table and the "
			   "policy of step 6:");
	rc = demo_streams(d, r, reterr);
	if (rc < 0)
		return rc;
	tell_rates(d, "stream", r);
	return 0;
}

static int step_flows(struct demo *d, struct err *reterr)
{
	json_t *answer = NULL;
	int rc;

	rc = demo_dp_flows(d, &answer, reterr);
	if (rc < 0)
		return rc;
	if (tale_is_text(&d->tale))
		dpshow_flows(&d->tale.out, answer, 1);
	tale_fact(&d->tale, "sessions",
		  json_incref(json_object_get(answer, "sessions")));
	(void)tale_check(&d->tale,
			 json_array_size(json_object_get(answer, "sessions")) >
				 0,
			 "weir-dp knows the conversations");
	json_decref(answer);
	return 0;
}

/* --- 9: back ----------------------------------------------------------- */

int demo_step_restore(struct demo *d, struct err *reterr)
{
	int status, rc;

	rc = demo_inplace_restore(d, reterr);
	if (rc < 0)
		return rc;
	status = demo_net_stop_dp(&d->state, DEMO_SPLICED);
	(void)tale_check(&d->tale, status == 0,
			 "weir-dp ends when it is asked to (exit status %d)",
			 status);
	rc = splice_down(demo_ns_name(d, DEMO_CONTAINER),
			 demo_ns_name(d, DEMO_AGENT), DEMO_CONTAINER_DEV,
			 reterr);
	if (rc < 0)
		return rc;
	d->spliced = false;
	tale_say(&d->tale, "The container has its own device back:");
	rc = demo_ping(d, EXPECT_ANSWER, reterr);
	(void)tale_check(&d->tale, demo_count_inside(&d->state) == 0,
			 "no process is left in the namespaces");
	return rc;
}

const struct demo_step demo_steps[] = {
	{ "plain", "A container with an ordinary network", step_plain },
	{ "splice", "The wire is cut and led through agent-ns", step_splice },
	{ "dataplane", "The data plane decides on every frame",
	  step_dataplane },
	{ "capture", "The same frame, seen on both sides of the mark",
	  step_capture },
	{ "kill", "Without the data plane nothing passes", step_kill },
	{ "policy", "Policy denies, and says why", demo_policy },
	{ "speed", "What it costs", step_speed },
	{ "flows", "The conversations it has seen", step_flows },
	{ "divert", "The other layout: in place, nothing is moved",
	  demo_inplace_divert },
	{ "tap", "Mode tap: looked at, not held up", demo_inplace_tap },
	{ "inline", "Mode inline: flows are taken over, policy rules",
	  demo_inplace_inline },
	{ "flips", "Modes change under the running stream",
	  demo_inplace_flips },
	{ "failure", "The data plane is killed: closed, and open",
	  demo_inplace_kill },
	{ "costs", "What both layouts cost", demo_inplace_speed },
};
const size_t demo_n_steps = sizeof demo_steps / sizeof *demo_steps;

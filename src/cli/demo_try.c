#include "cli/demo_try.h"

#include <errno.h>
#include <string.h>

#include "cli/human.h"
#include "cli/ping.h"

#define PINGS		 3
#define PING_INTERVAL_MS 200
/*
 * An answer takes well under a millisecond, but may take long on a machine
 * that has other things to do. Silence has no end: it is believed after a
 * while.
 */
#define ANSWER_WAIT_MS	5000
#define SILENCE_WAIT_MS 400

static unsigned wait_ms(enum demo_expect want)
{
	return want == EXPECT_SILENCE ? SILENCE_WAIT_MS : ANSWER_WAIT_MS;
}

static void tell_echo(const struct ping_echo *e, void *arg)
{
	struct tale *t = arg;
	char from[IP_TEXT_MAX];

	switch (e->outcome) {
	case PING_REPLY:
		tale_show(t,
			  "%d bytes from %s: icmp_seq=%u ttl=%u time=%.3f ms",
			  PING_BYTES, ip_format(e->from, from), e->seq, e->ttl,
			  (double)e->rtt_us / 1000);
		break;
	case PING_REJECTED:
		tale_show(t, "From %s icmp_seq=%u %s (type %u code %u)",
			  ip_format(e->from, from), e->seq, ping_error_text(e),
			  e->type, e->code);
		break;
	case PING_SILENCE:
		tale_show(t, "no answer for icmp_seq=%u", e->seq);
		break;
	}
}

static void check_ping(struct demo *d, enum demo_expect want,
		       const struct ping_result *r)
{
	struct tale *t = &d->tale;
	unsigned lost = r->sent - r->received;

	if (want == EXPECT_ANSWER)
		(void)tale_check(
			t, lost == 0, "%u of %u answered, round trip %.3f ms",
			r->received, r->sent, (double)r->avg_us / 1000);
	else if (want == EXPECT_SILENCE)
		(void)tale_check(t, lost == r->sent && r->rejected == 0,
				 "none may get through: %u of %u lost, %u %%",
				 lost, r->sent, 100 * lost / r->sent);
	else
		(void)tale_check(t, r->rejected == r->sent,
				 "%u of %u rejected, and the sender is told",
				 r->rejected, r->sent);
}

static void ping_fact(struct tale *t, const char *to,
		      const struct ping_result *r)
{
	json_t *all = json_object_get(t->step, "ping");

	if (!all) {
		all = json_array();
		tale_fact(t, "ping", all);
	}
	(void)json_array_append_new(
		all,
		json_pack("{s:s, s:i, s:i, s:i, s:f}", "to", to, "sent",
			  r->sent, "received", r->received, "rejected",
			  r->rejected, "avg_ms", (double)r->avg_us / 1000));
}

static int ping_family(struct demo *d, enum demo_family family,
		       enum demo_expect want, struct err *reterr)
{
	struct ping_spec spec = {
		.ns = &d->ns[DEMO_HOST],
		.to = demo_addr(d->layout, family),
		.count = PINGS,
		.interval_ms = PING_INTERVAL_MS,
		.timeout_ms = wait_ms(want),
		.on_echo = tell_echo,
		.arg = &d->tale,
	};
	struct ping_result r;
	char to[IP_TEXT_MAX];
	int rc;

	(void)ip_format(spec.to, to);
	tale_say(&d->tale, "%s: ping %s", demo_ns_name(d, DEMO_HOST), to);
	rc = ping_run(&spec, &r, reterr);
	if (rc < 0)
		return rc;
	ping_fact(&d->tale, to, &r);
	check_ping(d, want, &r);
	return 0;
}

int demo_ping(struct demo *d, enum demo_expect want, struct err *reterr)
{
	int rc = 0;

	for (unsigned f = 0; rc == 0 && f < demo_families(d); f++)
		rc = ping_family(d, f, want, reterr);
	return rc;
}

/* The last family: IPv6 if there is any. */
static struct stream_spec stream_spec(const struct demo *d, uint16_t port,
				      enum demo_expect want)
{
	return (struct stream_spec){
		.from = &d->ns[DEMO_HOST],
		.to = &d->ns[demo_workload(d)],
		.addr = demo_addr(d->layout, demo_families(d) - 1),
		.port = port,
		.connect_ms = wait_ms(want),
		.run_ms = d->opt.seconds * 1000,
	};
}

int demo_connect(struct demo *d, uint16_t port, enum demo_expect want,
		 struct err *reterr)
{
	static const char *const wanted[] = { "connects", "no answer",
					      "connection refused" };
	struct stream_spec spec = stream_spec(d, port, want);
	struct err err = { 0 };
	int rc = stream_try(&spec, &err);
	bool ok = want == EXPECT_ANSWER	   ? rc == 0
		  : want == EXPECT_SILENCE ? rc == -ETIMEDOUT
					   : rc == -ECONNREFUSED;

	if (rc == -EINTR)
		return err_set(reterr, EINTR, NULL, "stopped");
	(void)tale_check(&d->tale, ok, "TCP port %u: %s%s%s%s", port,
			 wanted[want], ok ? "" : " expected, but: ",
			 ok	  ? ""
			 : rc < 0 ? err.text
				  : "connected",
			 "");
	return 0;
}

int demo_streams(struct demo *d, struct stream_result ret[DEMO_CC__MAX],
		 struct err *reterr)
{
	static const char *const names[] = { NULL, "cubic" };
	int rc;

	_Static_assert(sizeof names / sizeof *names == DEMO_CC__MAX,
		       "one name each");
	for (int i = 0; i < DEMO_CC__MAX; i++) {
		struct stream_spec spec =
			stream_spec(d, DEMO_PORT, EXPECT_ANSWER);

		if (i > 0 &&
		    strcmp(names[i], ret[DEMO_CC_DEFAULT].congctl) == 0)
			continue; /* it is the default here */
		spec.congctl = names[i];
		rc = stream_run(&spec, &ret[i], reterr);
		if (rc < 0 && !(i == DEMO_CC_CUBIC && rc == -ENOENT))
			return rc;
	}
	return 0;
}

int demo_stream_start(struct demo *d, struct err *reterr)
{
	struct stream_spec spec = stream_spec(d, DEMO_PORT, EXPECT_ANSWER);

	return stream_start(&spec, &d->stream, reterr);
}

double demo_rate(const struct stream_result *r)
{
	return r->us ? (double)r->bytes * 8e6 / (double)r->us : 0;
}

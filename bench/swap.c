/*
 * What a new policy costs the frames that flow meanwhile.
 *
 *   swap [-c] [-n SWAPS] [-f FLOWS] [-r FRAMES_PER_S] [-p RULES]
 *
 * A worker (dp/worker.h) is given frames at a steady rate, of so many TCP
 * connections one after the other, by a ring of ours that keeps a timetable:
 * frame k is due at k / rate, whether the worker asks for it or not. Meanwhile
 * this thread sends a policy again and again, as a message on the own door
 * would: text, rules, index, snapshot, mailbox, and the old one freed. A swap is
 * over when each connection has had a frame and was judged anew. Then this thread
 * only counts for as long as it took (busy), and then all is quiet, so that the
 * three are measured in the same minute and the machine's own stops are known.
 *
 * waited     from when a frame was due until the worker looks at it
 * inspected  inspect_frame(): after a swap it judges each flow anew
 *
 * With -c the timetable goes by what the worker has used of a processor: it
 * stands still while others have that. So what frames wait then is the worker's
 * own doing, on a busy machine, too; the rest of it is the scheduler's.
 *
 * Exit status 1: a frame was dropped.
 */
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "dp/config.h"
#include "dp/worker.h"
#include "frames.h"
#include "ring/ops.h"

#define OWN	  0x0a010005
#define PEER	  0x0a020000
#define PORT_PEER 443
/* Connections of one peer: so many ports of ours. */
#define PORTS_EACH 20000
#define MAC_OWN	   "02:00:00:00:00:01"
#define MAC_MARK   "4e:65:75:56:00:01"

/* --- histogram -------------------------------------------------------- */

#define SUB 16 /* buckets a power of two: told within 6 % */

struct histogram {
	uint64_t n[64 * SUB];
	uint64_t count, max;
	uint64_t over_1ms;
};

static unsigned bucket_of(uint64_t v)
{
	unsigned top;

	if (v < SUB)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return (top - 3) * SUB + (unsigned)(v >> (top - 4) & (SUB - 1));
}

/* The lowest value of a bucket. */
static uint64_t value_of(unsigned bucket)
{
	if (bucket < SUB)
		return bucket;
	return (uint64_t)(SUB + bucket % SUB) << (bucket / SUB - 1);
}

static void note(struct histogram *h, uint64_t ns)
{
	h->n[bucket_of(ns)]++;
	h->count++;
	h->over_1ms += ns > 1000000;
	if (ns > h->max)
		h->max = ns;
}

static uint64_t percentile(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)((double)h->count * share), seen = 0;

	for (unsigned i = 0; i < sizeof h->n / sizeof *h->n; i++) {
		seen += h->n[i];
		if (seen > want)
			return value_of(i);
	}
	return h->max;
}

/* --- the ring --------------------------------------------------------- */

enum phase { PHASE_NONE, PHASE_QUIET, PHASE_BUSY, PHASE_SWAP, PHASE__MAX };

struct timetable {
	struct ring ring;
	int fd;		 /* always readable: there is always a next frame */
	clockid_t clock; /* in the worker's thread */
	uint64_t start, period;
	uint32_t flows;
	uint64_t first;	 /* of the batch */
	uint64_t next;	 /* the first frame not handed out yet */
	uint64_t looked; /* when the worker looked at the last frame */
	uint64_t kept;
	_Atomic enum phase phase;
	struct histogram waited[PHASE__MAX], inspected[PHASE__MAX];
	uint8_t bytes[RING_BATCH][FRAME_HEADERS];
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* those asked for exist */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct timetable *of(struct ring *r)
{
	return (struct timetable *)r;
}

static uint64_t due(const struct timetable *t, uint64_t frame)
{
	return t->start + frame * t->period;
}

/* Frame k: of its connection the SYN, and then ACKs. */
static void fill_bytes(const struct timetable *t, uint64_t k,
		       uint8_t bytes[static FRAME_HEADERS])
{
	struct outbytes o = outbytes_of(bytes, FRAME_HEADERS);
	uint32_t flow = (uint32_t)(k % t->flows);
	bool first = k < t->flows;
	const struct frame_headers h = {
		.from = OWN,
		.to = PEER + flow / PORTS_EACH,
		.from_port = (uint16_t)(10000 + flow % PORTS_EACH),
		.to_port = PORT_PEER,
		.seq = first ? 0 : 1,
		.ack = 1,
		.flags = first ? TCP_SYN : TCP_ACK,
	};

	put_headers(&o, &h);
}

static int table_recv(struct ring *r)
{
	struct timetable *t = of(r);
	uint64_t ready = (clock_ns(t->clock) - t->start) / t->period + 1;
	uint64_t n = ready > t->next ? ready - t->next : 0;

	if (n > RING_BATCH)
		n = RING_BATCH;
	t->first = t->next;
	t->next += n;
	for (uint64_t i = 0; i < n; i++)
		fill_bytes(t, t->first + i, t->bytes[i]);
	return (int)n;
}

static struct ring_frame table_frame(const struct ring *r, unsigned i)
{
	/* what is measured is kept in the ring, which the hook has as const */
	struct timetable *t = of((struct ring *)(uintptr_t)r);
	enum phase p = atomic_load_explicit(&t->phase, memory_order_relaxed);

	t->looked = clock_ns(t->clock);
	note(&t->waited[p], t->looked - due(t, t->first + i));
	return (struct ring_frame){
		.bytes = bytes_of(t->bytes[i], FRAME_HEADERS),
		.wire_len = FRAME_HEADERS,
		.csum = { .state = FRAME_CSUM_VALID },
	};
}

static void table_keep(struct ring *r, unsigned i)
{
	struct timetable *t = of(r);
	enum phase p = atomic_load_explicit(&t->phase, memory_order_relaxed);

	(void)i; /* it goes nowhere */
	note(&t->inspected[p], clock_ns(t->clock) - t->looked);
	t->kept++;
}

static void table_flush(struct ring *r, struct ring *out)
{
	(void)r;
	(void)out;
}

static bool table_send(struct ring *r, struct bytes frame)
{
	(void)r;
	(void)frame;
	return true;
}

static int table_fd(const struct ring *r)
{
	return ((const struct timetable *)r)->fd;
}

static struct ring_counts table_counts(struct ring *r)
{
	return (struct ring_counts){ .received = of(r)->next,
				     .sent = of(r)->kept };
}

static void table_free(struct ring *r)
{
	(void)r; /* the one who made it reads it once more */
}

static const struct ring_ops table_ops = {
	.recv = table_recv,
	.frame = table_frame,
	.keep = table_keep,
	.flush = table_flush,
	.send = table_send,
	.fd = table_fd,
	.counts = table_counts,
	.free = table_free,
};

/* --- the policy ------------------------------------------------------- */

struct options {
	uint32_t swaps, flows, rate, rules;
	bool own_clock;
};

static uint64_t random_state = 20250101;

static uint32_t any(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static json_t *rule(uint32_t id, uint32_t first, uint32_t last, uint16_t port)
{
	char own[IP_TEXT_MAX], dip[IP_TEXT_MAX], dipr[IP_TEXT_MAX];

	(void)ip_format(ip_from_v4(OWN), own);
	(void)ip_format(ip_from_v4(first), dip);
	(void)ip_format(ip_from_v4(last), dipr);
	return json_pack("{s:i,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:b}", "id", id,
			 "sip", own, "dip", dip, "dipr", dipr, "port", port,
			 "portr", port, "proto", 6, "action", POLICY_ALLOW,
			 "ingress", 0);
}

/* Rules about many peers, single ones and small nets; the last one is ours. */
static char *policy_text(uint32_t n)
{
	json_t *rules = json_array(), *body, *whole;
	char *text;

	for (uint32_t i = 1; i < n; i++) {
		uint32_t peer = 0x0a800000 + any(1u << 22);
		uint32_t last = any(5) ? peer : peer | 0xff;

		(void)json_array_append_new(
			rules, rule(i, peer, last, (uint16_t)any(10000)));
	}
	(void)json_array_append_new(rules,
				    rule(n, PEER, PEER + 0xffff, PORT_PEER));
	body = json_pack("{s:i,s:i,s:i,s:i,s:[s],s:o}", "cmd", 1, "flag", 3,
			 "defact", POLICY_DENY, "dir", 3, "mac", MAC_OWN,
			 "rules", rules);
	whole = json_pack("{s:o}", "ctrl_cfg_policy", body);
	text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	BUG_ON(!text);
	return text;
}

/* --- the swap --------------------------------------------------------- */

/* Of each swap, in ns. */
enum step {
	STEP_READ,
	STEP_COMPILE,
	STEP_ASK,
	STEP_ADOPT,
	STEP_FREE,
	STEP__MAX
};

struct bench {
	struct worker *worker;
	struct config *config;
	struct timetable *table;
	uint64_t *took[STEP__MAX]; /* one a swap */
	uint32_t swap;		   /* under way */
	uint64_t begun;		   /* its compiling */
	uint64_t published;
};

struct adoption {
	const struct snapshot *next;
	uint64_t took;
};

static void adopt(struct worker_view *view, void *arg)
{
	struct adoption *a = arg;
	uint64_t from = clock_ns(CLOCK_MONOTONIC);

	(void)inspect_adopt(view->inspect, a->next); /* config.c frees it */
	a->took = clock_ns(CLOCK_MONOTONIC) - from;
}

static void publish(void *arg, const struct snapshot *next)
{
	struct bench *b = arg;
	struct adoption a = { .next = next };
	uint64_t from = clock_ns(CLOCK_MONOTONIC);

	worker_ask(b->worker, adopt, &a);
	b->published = clock_ns(CLOCK_MONOTONIC);
	b->took[STEP_COMPILE][b->swap] = from - b->begun;
	b->took[STEP_ASK][b->swap] = b->published - from;
	b->took[STEP_ADOPT][b->swap] = a.took;
}

/* As the own door does it. */
static void send_text(struct bench *b, const char *text)
{
	uint64_t from = clock_ns(CLOCK_MONOTONIC);
	struct ctrl_msg m;
	struct err err = { 0 };
	json_t *v = ctrl_load(text, strlen(text), &err), *body;
	const char *name;
	int rc = -1;

	json_object_foreach (v, name, body) {
		enum ctrl_kind kind = (enum ctrl_kind)ctrl_kind_by_name(name);

		BUG_ON(ctrl_parse(kind, body, true, &m, &err) < 0);
		b->begun = clock_ns(CLOCK_MONOTONIC);
		b->took[STEP_READ][b->swap] = b->begun - from;
		if (kind == CTRL_ADD_MAC)
			rc = config_add_mac(b->config, &m, &err);
		else if (kind == CTRL_CFG_MAC)
			rc = config_cfg_mac(b->config, &m, true, &err);
		else
			rc = config_policy(b->config, &m, true, &err);
		b->took[STEP_FREE][b->swap] =
			clock_ns(CLOCK_MONOTONIC) - b->published;
		ctrl_msg_done(&m);
	}
	json_decref(v);
	if (rc < 0)
		fprintf(stderr, "swap: %s: %s\n", err.at, err.text);
	BUG_ON(rc < 0);
}

static void pause_ms(uint64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000),
			      (long)(ms % 1000 * 1000000) };

	(void)nanosleep(&t, NULL); /* no signal has a handler here */
}

/* Keeps this processor busy for so long, with nothing that others could feel. */
static void count_for(uint64_t ns)
{
	uint64_t from = clock_ns(CLOCK_MONOTONIC);

	while (clock_ns(CLOCK_MONOTONIC) - from < ns)
		(void)any(2);
}

static void set_phase(struct bench *b, enum phase p)
{
	atomic_store_explicit(&b->table->phase, p, memory_order_relaxed);
}

static void attach(struct worker_view *view, void *arg)
{
	struct timetable *t = arg;

	t->start = clock_ns(t->clock);
	BUG_ON(worker_view_attach(view, 0, &t->ring) < 0);
}

static struct ring_counts counts_so_far;

static void detach(struct worker_view *view, void *arg)
{
	(void)arg;
	counts_so_far = ring_counts(worker_view_detach(view, 0));
}

static void run(struct bench *b, const struct options *o)
{
	/* each connection's next frame is met by the swap */
	uint64_t round_ms = (uint64_t)o->flows * 1000 / o->rate + 1;
	char *text = policy_text(o->rules);

	send_text(b, "{\"ctrl_add_mac\":{\"iface\":\"vth\",\"mac\":\"" MAC_OWN
		     "\",\"ucmac\":\"" MAC_MARK "\"}}");
	send_text(b, "{\"ctrl_cfg_mac\":{\"macs\":[\"" MAC_OWN
		     "\"],\"tap\":false}}");
	send_text(b, text);
	worker_ask(b->worker, attach, b->table);
	pause_ms(2 * round_ms); /* all connections are made by then */
	for (b->swap = 0; b->swap < o->swaps; b->swap++) {
		uint64_t from, busy;

		set_phase(b, PHASE_SWAP);
		from = clock_ns(CLOCK_MONOTONIC);
		send_text(b, text);
		busy = clock_ns(CLOCK_MONOTONIC) - from;
		pause_ms(round_ms);
		set_phase(b, PHASE_BUSY);
		count_for(busy);
		pause_ms(round_ms);
		set_phase(b, PHASE_QUIET);
		pause_ms(busy / 1000000 + round_ms);
	}
	set_phase(b, PHASE_NONE);
	worker_ask(b->worker, detach, NULL);
	free(text);
}

/* --- figures ---------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_steps(struct bench *b, uint32_t n)
{
	static const char *const names[STEP__MAX] = {
		[STEP_READ] = "message read",
		[STEP_COMPILE] = "compiled, snapshot built",
		[STEP_ASK] = "mailbox, there and back",
		[STEP_ADOPT] = "  of that in the worker",
		[STEP_FREE] = "old one freed",
	};

	printf("\n%-26s %12s %12s\n", "a swap", "median us", "longest us");
	for (int i = 0; i < STEP__MAX; i++) {
		uint64_t median, longest;

		qsort(b->took[i], n, sizeof *b->took[i], by_value);
		median = b->took[i][n / 2];
		longest = b->took[i][n - 1];
		printf("%-26s %12.1f %12.1f\n", names[i], (double)median / 1e3,
		       (double)longest / 1e3);
	}
}

static void print_histogram(const char *name, const struct histogram *h)
{
	printf("%-26s %10.2f %10.2f %10.2f %12.2f %10llu\n", name,
	       (double)percentile(h, 0.5) / 1e3,
	       (double)percentile(h, 0.99) / 1e3,
	       (double)percentile(h, 0.9999) / 1e3, (double)h->max / 1e3,
	       (unsigned long long)h->over_1ms);
}

static int report(struct bench *b, const struct options *o)
{
	const struct timetable *t = b->table;

	printf("%u rules, %u flows, %u frames/s, %u swaps, by %s\n\n", o->rules,
	       o->flows, o->rate, o->swaps,
	       o->own_clock ? "the worker's processor time" : "the clock");
	printf("%-26s %10s %10s %10s %12s %10s\n", "us", "median", "99 %",
	       "99.99 %", "longest", "over 1 ms");
	print_histogram("quiet: waited", &t->waited[PHASE_QUIET]);
	print_histogram("quiet: inspected", &t->inspected[PHASE_QUIET]);
	print_histogram("busy: waited", &t->waited[PHASE_BUSY]);
	print_histogram("busy: inspected", &t->inspected[PHASE_BUSY]);
	print_histogram("swap: waited", &t->waited[PHASE_SWAP]);
	print_histogram("swap: inspected", &t->inspected[PHASE_SWAP]);
	print_steps(b, o->swaps);
	printf("\n%llu frames, all kept: %s\n",
	       (unsigned long long)counts_so_far.received,
	       counts_so_far.received == counts_so_far.sent ? "yes" : "NO");
	return counts_so_far.received == counts_so_far.sent ? 0 : 1;
}

static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	unsigned long v = strtoul(text, NULL, 10);

	if (v >= min && v <= max)
		return (uint32_t)v;
	fprintf(stderr, "swap: %s: expected %u..%u\n", text, min, max);
	exit(2);
}

static struct options options_of(int argc, char **argv)
{
	struct options o = { 30, 50000, 100000, 10000, false };
	int c;

	while ((c = getopt(argc, argv, "cn:f:r:p:")) != -1)
		switch (c) {
		case 'c': o.own_clock = true; break;
		case 'n': o.swaps = number(optarg, 1, 100000); break;
		case 'f': o.flows = number(optarg, 64, 1u << 22); break;
		case 'r': o.rate = number(optarg, 1000, 2000000); break;
		case 'p': o.rules = number(optarg, 1, POLICY_RULES_MAX); break;
		default:
			fprintf(stderr,
				"usage: swap [-c] [-n SWAPS] [-f FLOWS] "
				"[-r FRAMES_PER_S] [-p RULES]\n");
			exit(2);
		}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = options_of(argc, argv);
	struct inspect_options io = { .max_flows = o.flows, .seed = 1 };
	int lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), status;
	struct bench b = { .table = calloc(1, sizeof *b.table) };
	struct inspect *in = inspect_new(&io);
	static struct pulse pulse;
	struct worker_options wo = { .lost_fd = lost_fd, .pulse = &pulse };
	struct err err = { 0 };

	BUG_ON(!b.table || !in || lost_fd < 0);
	b.table->ring.ops = &table_ops;
	b.table->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	b.table->clock = o.own_clock ? CLOCK_THREAD_CPUTIME_ID
				     : CLOCK_MONOTONIC;
	b.table->period = 1000000000u / o.rate;
	b.table->flows = o.flows;
	for (int i = 0; i < STEP__MAX; i++) {
		b.took[i] = calloc(o.swaps, sizeof *b.took[i]);
		BUG_ON(!b.took[i]);
	}
	pulse_begin(&pulse, 1);
	b.worker = worker_start(in, &wo, &err);
	BUG_ON(!b.worker);
	b.config = config_new(publish, &b);
	BUG_ON(!b.config);
	run(&b, &o);
	status = report(&b, &o);
	worker_stop(b.worker);
	config_free(b.config);
	for (int i = 0; i < STEP__MAX; i++)
		free(b.took[i]);
	close(b.table->fd);
	free(b.table);
	close(lost_fd);
	return status;
}

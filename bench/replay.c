/*
 * replay [-n ROUNDS] [-l LEVEL] [-c | -k] [-r RULES] CAPTURE...
 *
 * What a frame of real traffic costs in the pure pipeline, on one core: each capture
 * lies in memory and goes through inspect_frame() as a worker would give it, in
 * batches, with what ages in between. bench/replay.py records such captures.
 *
 *   -n  rounds, 21; told are the median, and the least in brackets
 *   -l  only that level, for who looks at it with a profiler
 *   -c  L4 checksums are looked at; else vouched for, as by a network card (and as
 *       they are where the sender's offload is on, unfilled)
 *   -k  crowded: flows of former rounds are still there, since it goes on at once,
 *       with another client's address (15 s after its end a connection is gone)
 *   -r  a file of signatures ("signatures print 2000" makes some), for the levels
 *       that look for them
 *
 * The workload is who has the MAC address ending in 01:02 (replay.py), behind a mark
 * as at a service port, under a policy of ten rules; the last one allows all of it. A
 * round is the whole capture, once at each level, and then the time after which
 * all its flows have ended: each round's connections are new ones. Time is this
 * process's processor time. Figures count only if each frame was forwarded by the
 * rule.
 *
 * Levels: "carried", applications are not looked for. "identified", by our parsers,
 * each connection up to its first answer (docs/decisions/0020). "read", to its end.
 * "breadth", as "identified", and nDPI is asked about what our parsers do not know:
 * the default. "signatures", as "identified", and all of them are looked for;
 * "+sensors", and all ready sensors, each with an alert.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "detect/sensor_scan.h"
#include "detect/sig_scan.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"
#include "packet/checksum.h"
#include "ring/ring.h"

#define ROUNDS_MAX     1000
#define ROUNDS_DEFAULT 21
#define RULES	       10
#define OTHER_PEER     0x0a010100 /* whom the first nine rules speak of */
/* Longer than any flow lives. */
#define PAUSE_US (1201 * USEC_PER_SEC)
#define REPORTS	 256
#define IP_OFF	 14 /* of frames: Ethernet, IPv4 without options */
#define IP_LEN	 20
#define SUM_OFF	 (IP_OFF + 10)
#define FROM_OFF (IP_OFF + 12)
#define TO_OFF	 (IP_OFF + 16)
#define CLIENT	 0x0a010001 /* replay.py's */
#define CLIENTS	 0x0a020000 /* behind that: whom it becomes */

static const struct mac own_mac = { { 2, 0, 0, 0, 1, 2 } };
static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };

/* What is looked at; each has a pipeline of its own. */
struct level {
	const char *name;
	bool on, all, breadth; /* as struct look_settings */
	bool signatures, sensors;
};

static const struct level levels[] = {
	{ .name = "carried" },
	{ .name = "identified", .on = true },
	{ .name = "read", .on = true, .all = true },
	{ .name = "breadth", .on = true, .breadth = true },
	{ .name = "signatures", .on = true, .signatures = true },
	{ .name = "+sensors", .on = true, .signatures = true, .sensors = true },
};
#define LEVELS (sizeof levels / sizeof *levels)

struct options {
	unsigned rounds;
	const char *only;  /* a level; NULL: all */
	const char *rules; /* NULL: no levels with signatures */
	bool check, crowded;
};

/* What is looked for; all NULL without rules. */
struct sets {
	struct sig_set *signatures;
	struct sensor_set *sensors;
	struct sensing *sensing; /* the workload's: all sensors */
};

struct shot {
	size_t at, len, wire_len; /* at: in the capture's bytes */
	usec_t time;		  /* since its first frame */
};

struct capture {
	const char *name;
	struct shot *shots;
	uint8_t *bytes;
	size_t n, room, used, bytes_room;
};

struct pipeline {
	struct inspect *in;
	struct snapshot *snapshot;
	const struct level *level;
	usec_t now;
	uint64_t pause_us; /* behind a round */
	enum frame_csum_state csum;
	double took_ns[ROUNDS_MAX]; /* a frame */
};

/* --- captures --------------------------------------------------------------- */

static void *grown(void *p, size_t n, size_t size)
{
	void *more = reallocarray(p, n, size);

	BUG_ON(!more);
	return more;
}

/* The workload's frames come with its mark. */
static void put_mark(uint8_t *frame)
{
	for (uint8_t *mac = frame; mac < frame + 12; mac += 6)
		if (memcmp(mac, own_mac.b, 6) == 0)
			memcpy(mac, mark.b, 6);
}

static void add_frame(struct capture *c, const struct ring_frame *f,
		      usec_t first)
{
	size_t len = bytes_len(f->bytes);

	BUG_ON(len == 0); /* no frame is */
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 1024;
		c->shots = grown(c->shots, c->room, sizeof *c->shots);
	}
	if (c->used + len > c->bytes_room) {
		c->bytes_room = 2 * c->bytes_room + FRAME_MAX;
		c->bytes = grown(c->bytes, c->bytes_room, 1);
	}
	memcpy(c->bytes + c->used, f->bytes.begin, len);
	if (len >= 12)
		put_mark(c->bytes + c->used);
	c->shots[c->n++] =
		(struct shot){ .at = c->used,
			       .len = len,
			       .wire_len = f->wire_len,
			       .time = { usec_since(f->time, first) } };
	c->used += len;
}

static struct capture read_capture(const char *path)
{
	FILE *file = fopen(path, "rbe");
	struct capture c = { .name = strrchr(path, '/') };
	struct err err = { 0 };
	struct ring *ring = file ? ring_capture_new(file, &err) : NULL;
	usec_t first = { 0 };

	c.name = c.name ? c.name + 1 : path;
	if (!ring) {
		(void)fprintf(stderr, "replay: %s: %s\n", path,
			      file ? err.text : "cannot be read");
		exit(1);
	}
	while (ring_recv(ring) > 0) {
		struct ring_frame f = ring_frame(ring, 0);

		if (c.n == 0)
			first = f.time;
		add_frame(&c, &f, first);
	}
	ring_free(ring);
	BUG_ON(c.n == 0);
	return c;
}

static void put(uint8_t *at, uint32_t value, unsigned bytes)
{
	struct outbytes o = outbytes_of(at, bytes);

	if (bytes == 4)
		put_be32(&o, value);
	else
		put_be16(&o, (uint16_t)value);
}

static bool is_at(const uint8_t *at, uint32_t address)
{
	struct bytes b = bytes_of(at, 4);
	uint32_t is;

	return take_be32(&b, &is) && is == address;
}

/* From now on it is client n's, which was n - 1's; 0 is the captured one. */
static void next_client(const struct capture *c, uint32_t n)
{
	uint32_t was = n > 1 ? CLIENTS + n - 1 : CLIENT;

	for (size_t i = 0; i < c->n; i++) {
		uint8_t *frame = c->bytes + c->shots[i].at;
		uint8_t *ip = frame + IP_OFF;
		bool from = is_at(frame + FROM_OFF, was);

		put(frame + (from ? FROM_OFF : TO_OFF), CLIENTS + n, 4);
		put(frame + SUM_OFF, 0, 2);
		put(frame + SUM_OFF,
		    checksum_fold(checksum_add(0, bytes_of(ip, IP_LEN))), 2);
	}
}

/* --- pipelines -------------------------------------------------------------- */

static struct policy *ten_rules(void)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct ip_addr none = ip_from_v4(0), last = ip_from_v4(UINT32_MAX);
	struct policy *p;
	struct err err;

	spec.rules = calloc(RULES, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	spec.n_rules = RULES;
	for (uint32_t i = 0; i < RULES; i++) {
		struct ip_addr other = ip_from_v4(OTHER_PEER + i);
		bool all = i == RULES - 1;

		spec.rules[i] = (struct rule_spec){
			.id = i + 1,
			.sip = all ? none : other,
			.sipr = all ? last : other,
			.dip = none,
			.dipr = last,
			.portr = UINT16_MAX,
			.ingress = true,
			.action = POLICY_ALLOW,
		};
	}
	p = policy_compile(&spec, &err);
	BUG_ON(!p);
	return p;
}

static struct sig_set *read_signatures(const char *path)
{
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };
	struct sig_set *set = NULL;

	BUG_ON(!l);
	if (sig_list_read(l, path, &err) == 0)
		set = sig_set_new(l, NULL, &err);
	if (!set) {
		(void)fprintf(stderr, "replay: %s: %s\n", path, err.text);
		exit(1);
	}
	return set;
}

static struct sets read_sets(const char *rules)
{
	struct sensor_list *ready = sensor_list_ready();
	struct sensing_spec spec = { .signatures = SIGNATURES_ALERT };
	struct sets s = { NULL };
	struct sensor_use *used;
	size_t n;

	BUG_ON(!ready);
	n = sensor_list_len(ready);
	used = n > 0 ? calloc(n, sizeof *used) : NULL;
	BUG_ON(!used);
	for (size_t i = 0; i < n; i++)
		used[i] = (struct sensor_use){ sensor_list_at(ready, i)->id,
					       SENSOR_ALERT };
	spec.own = (struct sensor_uses){ used, n };
	s.signatures = read_signatures(rules);
	s.sensors = sensor_set_new(ready, NULL, NULL); /* takes the list */
	s.sensing = sensing_new(&spec);
	BUG_ON(!s.sensors || !s.sensing);
	free(used);
	return s;
}

static void free_sets(struct sets *s)
{
	sensing_put(s->sensing);
	sensor_set_free(s->sensors);
	sig_set_free(s->signatures);
}

static void adopt_sets(struct pipeline *p, const struct level *l,
		       const struct sets *s)
{
	if (l->signatures) {
		struct sig_lane *lane = sig_lane_new(s->signatures);

		BUG_ON(!lane);
		inspect_adopt_signatures(p->in, lane);
	}
	if (l->sensors) {
		struct sensor_lane *lane = sensor_lane_new(s->sensors);

		BUG_ON(!lane);
		(void)inspect_adopt_sensors(p->in, lane); /* it has none */
	}
}

static void configure(struct pipeline *p, const struct level *l)
{
	struct inspect_settings s = inspect_settings_default();

	s.applications.on = l->on;
	s.applications.all = l->all;
	s.applications.breadth = l->breadth;
	/* there is one client */
	s.meters.rule[METER_SYN_FLOOD].upper = UINT32_MAX / 2;
	inspect_configure(p->in, &s);
}

static void begin(struct pipeline *p, const struct level *l,
		  const struct options *o, const struct sets *s)
{
	struct inspect_options opt = { .max_flows = 1u << 18,
				       .seed = 1,
				       .breadth = l->breadth,
				       .detection = l->signatures };
	struct endpoint e = { .used = true,
			      .mac = own_mac,
			      .ucmac = mark,
			      .sensing = l->sensors ? s->sensing : NULL };

	p->level = l;
	p->in = inspect_new(&opt);
	e.policy = ten_rules();
	p->snapshot = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = 1 });
	BUG_ON(!p->in || !p->snapshot);
	policy_put(e.policy);
	(void)inspect_adopt(p->in, p->snapshot);
	configure(p, l);
	adopt_sets(p, l, s);
	p->now = (usec_t){ USEC_PER_SEC };
	p->pause_us = o->crowded ? 0 : PAUSE_US;
	p->csum = o->check ? FRAME_CSUM_CHECK : FRAME_CSUM_VALID;
}

static void end(struct pipeline *p)
{
	struct sig_lane *lane;

	if (!p->in)
		return;
	if (p->level->signatures)
		inspect_drop_signatures(p->in);
	while (p->level->signatures &&
	       (lane = inspect_give_back_signatures(p->in)))
		sig_lane_free(lane);
	if (p->level->sensors)
		sensor_lane_free(inspect_adopt_sensors(p->in, NULL));
	inspect_free(p->in);
	snapshot_free(p->snapshot);
}

/* The control thread takes them every few seconds. */
static void take_reports(struct pipeline *p)
{
	static struct connection_record records[REPORTS];
	static struct finding_record found[REPORTS];

	while (inspect_drain_findings(p->in, found, REPORTS) == REPORTS)
		continue;
	while (inspect_drain_connections(p->in, records, REPORTS) == REPORTS)
		continue;
}

/* A function of its own also for compilers: a profiler is told to look at it. */
__attribute__((noinline)) static void play(struct pipeline *p,
					   const struct capture *c)
{
	usec_t start = p->now;

	for (size_t i = 0; i < c->n; i++) {
		const struct shot *s = &c->shots[i];
		struct frame f = { .bytes = bytes_of(c->bytes + s->at, s->len),
				   .wire_len = s->wire_len,
				   .csum = { p->csum } };
		usec_t now = usec_add(start, s->time.us);
		struct verdict v;

		/* a capture may step back in time; we do not */
		if (usec_before(p->now, now))
			p->now = now;
		if (i % RING_BATCH == 0)
			(void)inspect_age(p->in, p->now);
		v = inspect_frame(p->in, f, p->now);
		BUG_ON(!v.forward || v.reason != REASON_RULE);
	}
	p->now = usec_add(p->now, p->pause_us);
	while (inspect_age(p->in, p->now))
		continue;
	take_reports(p);
}

/* --- what is told ------------------------------------------------------------- */

static double now_ns(void)
{
	struct timespec ts;

	/* of this process: others may use the processor, too */
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void heading(void)
{
	printf("%-20s %8s %7s %8s %8s", "capture", "frames", "bytes", "flows",
	       "known");
	for (size_t i = 0; i < LEVELS; i++)
		printf(" %16s", levels[i].name);
	printf("\n");
}

/* A frame's mean length, flows, and what of them was identified at best. */
static void row(const struct capture *c, struct pipeline p[static LEVELS],
		unsigned rounds)
{
	double flows = 0, known = 0;

	for (size_t i = 0; i < LEVELS; i++) {
		struct inspect_counts n;

		if (!p[i].in)
			continue;
		n = inspect_counts(p[i].in);
		flows = (double)n.flows.made / rounds;
		known = (double)n.app_known / rounds;
	}
	printf("%-20s %8zu %7zu %8.0f %8.0f", c->name, c->n, c->used / c->n,
	       flows, known);
	for (size_t i = 0; i < LEVELS; i++) {
		if (!p[i].in) {
			printf(" %16s", "-");
			continue;
		}
		qsort(p[i].took_ns, rounds, sizeof *p[i].took_ns, by_value);
		printf(" %8.0f (%5.0f)", p[i].took_ns[rounds / 2],
		       p[i].took_ns[0]);
	}
	printf("\n");
	(void)fflush(stdout);
}

static void one_round(const struct capture *c, struct pipeline p[static LEVELS],
		      unsigned r)
{
	for (size_t i = 0; i < LEVELS; i++) {
		double start = now_ns();

		if (!p[i].in)
			continue;
		play(&p[i], c);
		p[i].took_ns[r] = (now_ns() - start) / (double)c->n;
	}
}

static bool is_measured(const struct level *l, const struct options *o)
{
	if (l->signatures && !o->rules)
		return false;
	return !o->only || strcmp(o->only, l->name) == 0;
}

static void measure(const struct capture *c, const struct options *o,
		    const struct sets *s)
{
	static struct pipeline p[LEVELS];

	memset(p, 0, sizeof p);
	for (size_t i = 0; i < LEVELS; i++)
		if (is_measured(&levels[i], o))
			begin(&p[i], &levels[i], o, s);
	for (unsigned r = 0; r < o->rounds; r++) {
		if (o->crowded && r > 0)
			next_client(c, r);
		one_round(c, p, r);
	}
	row(c, p, o->rounds);
	for (size_t i = 0; i < LEVELS; i++)
		end(&p[i]);
}

static void usage(void)
{
	(void)fprintf(stderr,
		      "usage: replay [-n ROUNDS (1..%u)] [-l LEVEL] [-c | -k] "
		      "[-r RULES] CAPTURE...\n",
		      ROUNDS_MAX);
	exit(2);
}

static bool is_level(const char *name)
{
	size_t i = 0;

	while (i < LEVELS && strcmp(name, levels[i].name) != 0)
		i++;
	return i < LEVELS;
}

static struct options read_options(int argc, char **argv)
{
	struct options o = { .rounds = ROUNDS_DEFAULT };
	int c;

	while ((c = getopt(argc, argv, "n:l:ckr:")) != -1) {
		switch (c) {
		case 'n': o.rounds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'l': o.only = optarg; break;
		case 'c': o.check = true; break;
		case 'k': o.crowded = true; break;
		case 'r': o.rules = optarg; break;
		default: usage();
		}
	}
	/* another address would make the checksums wrong */
	if (o.rounds < 1 || o.rounds > ROUNDS_MAX || optind == argc ||
	    (o.only && !is_level(o.only)) || (o.check && o.crowded))
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	struct sets sets = { NULL };

	if (o.rules)
		sets = read_sets(o.rules);
	heading();
	for (int i = optind; i < argc; i++) {
		struct capture c = read_capture(argv[i]);

		measure(&c, &o, &sets);
		free(c.shots);
		free(c.bytes);
	}
	free_sets(&sets);
	return 0;
}

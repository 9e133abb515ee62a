/*
 * How long a worker's traffic stands still when another process goes on with it
 * (inspect/image.h): what it knows is written into an image, whose memory is there
 * already, and taken from it into a pipeline that is new. One workload, so many
 * established TCP connections, half of them opened by it:
 *
 *   judged      SSH: known, and not listened to any more
 *   asking      each in the middle of the head of an HTTP request
 *   looked_at   likewise, with the signatures of RULES and a record of the trail
 *
 *   hand_over [FLOWS [RULES]]     prints NAME=VALUE lines, the medians of RUNS
 *
 * Exit status 1: something was not taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/touch.h"
#include "detect/sig_set.h"
#include "frames.h"
#include "inspect/image.h"
#include "inspect/inspect.h"

#define FLOWS 10000
#define RUNS  7
#define FRAME 1514
#define OWN   0x0a010005
#define PEER  0x0a020000
#define REQUEST                                                              \
	"POST /api/cart/items?id=1234567 HTTP/1.1\r\nHost: shop.example\r\n" \
	"User-Agent: bench/1.0\r\nAccept: */*\r\nX-Half: of it"

struct bench {
	struct inspect *in;
	struct snapshot *snapshot;
	struct sig_set *set; /* NULL: none is looked for */
	usec_t now;
};

static void make_snapshot(struct bench *b)
{
	struct policy_spec spec = { .defact = POLICY_DENY,
				    .dir = 3,
				    .n_rules = 2 };
	struct endpoint e = { .used = true, .mac = own_mac, .ucmac = mark };
	struct err err;

	spec.rules = calloc(2, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	for (uint32_t i = 0; i < 2; i++)
		spec.rules[i] =
			(struct rule_spec){ .id = i + 1,
					    .sipr = ip_from_v4(UINT32_MAX),
					    .dipr = ip_from_v4(UINT32_MAX),
					    .portr = UINT16_MAX,
					    .proto = PROTO_TCP,
					    .action = POLICY_ALLOW,
					    .ingress = i };
	e.policy = policy_compile(&spec, &err);
	BUG_ON(!e.policy);
	b->snapshot = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = 1 });
	BUG_ON(!b->snapshot);
	policy_put(e.policy);
}

static struct sig_set *read_rules(const char *path)
{
	struct sig_list *l = sig_list_new();
	struct sig_set *set;
	struct err err;
	char *text;
	size_t len;
	FILE *f = fopen(path, "re");

	BUG_ON(!l || !f);
	text = malloc(SIG_FILE_BYTES_MAX);
	BUG_ON(!text);
	len = fread(text, 1, SIG_FILE_BYTES_MAX, f);
	fclose(f);
	BUG_ON(sig_list_text(l, path, text, len, &err) < 0);
	free(text);
	set = sig_set_new(l, NULL, &err);
	BUG_ON(!set);
	return set;
}

static struct inspect *make_inspect(const struct bench *b, uint64_t seed)
{
	struct inspect_options opt = { .max_flows = FLOWS_DEFAULT,
				       .seed = seed,
				       .breadth = true,
				       .detection = true };
	struct inspect *in = inspect_new(&opt);

	BUG_ON(!in);
	if (b->set) {
		struct trail_record r;

		inspect_adopt_signatures(in, sig_lane_new(b->set));
		BUG_ON(inspect_drain_trail(in, &r, 1) > 0);
	}
	(void)inspect_adopt(in, b->snapshot); /* there was none before */
	return in;
}

static void free_inspect(struct inspect *in)
{
	struct sig_lane *lane;

	inspect_drop_signatures(in);
	while ((lane = inspect_give_back_signatures(in)))
		sig_lane_free(lane);
	inspect_free(in);
}

/* --- connections ------------------------------------------------------------- */

/* A connection: every second one comes to the workload. */
struct talk {
	struct bench *b;
	uint32_t i;
	uint32_t seq[2]; /* of server, client */
	uint16_t port;
};

static void say(struct talk *t, bool client, uint8_t flags, const char *text)
{
	static uint8_t bytes[FRAME];
	struct outbytes o = outbytes_of(bytes, sizeof bytes);
	bool from_own = client == (t->i % 2 == 0);
	uint32_t peer = PEER + t->i / 8;
	uint16_t client_port = (uint16_t)(20000 + t->i % 8);
	size_t len = strlen(text);
	struct frame f = { .bytes = bytes_of(bytes, FRAME_HEADERS + len),
			   .wire_len = FRAME_HEADERS + len,
			   .csum = { FRAME_CSUM_VALID } };
	const struct frame_headers h = {
		.from = from_own ? OWN : peer,
		.to = from_own ? peer : OWN,
		.from_port = client ? client_port : t->port,
		.to_port = client ? t->port : client_port,
		.seq = t->seq[client],
		.ack = flags & TCP_ACK ? t->seq[!client] : 0,
		.payload = len,
		.flags = flags,
		.to_own = !from_own,
	};

	put_headers(&o, &h);
	put_copy(&o, text, len);
	t->seq[client] += (uint32_t)len + !!(flags & TCP_SYN);
	t->b->now = usec_add(t->b->now, 10);
	BUG_ON(!inspect_frame(t->b->in, f, t->b->now).forward);
}

static void connect_one(struct bench *b, uint32_t i, bool asking)
{
	struct talk t = { .b = b, .i = i, .port = asking ? 80 : 22 };

	say(&t, true, TCP_SYN, "");
	say(&t, false, TCP_SYN | TCP_ACK, "");
	say(&t, true, TCP_ACK, "");
	if (asking) {
		say(&t, true, TCP_ACK | TCP_PSH, REQUEST);
		return;
	}
	say(&t, false, TCP_ACK | TCP_PSH, "SSH-2.0-OpenSSH_9.2p1\r\n");
	say(&t, true, TCP_ACK | TCP_PSH, "SSH-2.0-OpenSSH_9.2p1\r\n");
}

/* --- handing over -------------------------------------------------------------- */

struct times {
	double count_ms, save_ms, load_ms, mb;
};

/* Of this thread's CPU: how busy the machine is decides nothing. */
static usec_t spent(void)
{
	struct timespec t;

	BUG_ON(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0);
	return (usec_t){ (uint64_t)t.tv_sec * USEC_PER_SEC +
			 (uint64_t)t.tv_nsec / 1000 };
}

static double ms_since(usec_t from)
{
	return (double)(spent().us - from.us) / 1000;
}

static struct times hand_over(struct bench *b, uint64_t seed)
{
	struct inspect *next = make_inspect(b, seed);
	struct inspect_used used = inspect_used(b->in);
	struct inspect_taken taken;
	struct image_reader r;
	struct image_writer w;
	struct times t;
	size_t len;
	void *image;
	usec_t from = spent();

	image_write(&w, NULL, 0);
	inspect_save(b->in, &w);
	t.count_ms = ms_since(from);
	len = w.len;
	image = calloc(1, len);
	BUG_ON(!image);
	touch_memory(image, len);
	from = spent();
	image_write(&w, image, len);
	inspect_save(b->in, &w);
	t.save_ms = ms_since(from);
	inspect_touch(next, &used);
	from = spent();
	BUG_ON(image_read(&r, image, len) < 0);
	BUG_ON(inspect_load(next, &r, &taken) < 0);
	t.load_ms = ms_since(from);
	t.mb = (double)len / 1e6;
	for (unsigned i = 0; i < INSPECT_PART__MAX; i++)
		if (taken.missing & 1u << i) {
			fprintf(stderr, "hand_over: %s is not taken\n",
				inspect_part_name((enum inspect_part)i));
			exit(1);
		}
	free(image);
	free_inspect(b->in);
	b->in = next;
	return t;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *of)
{
	qsort(of, RUNS, sizeof *of, by_size);
	return of[RUNS / 2];
}

static void run(const char *name, uint32_t n, bool asking, struct sig_set *set)
{
	double count[RUNS], save[RUNS], load[RUNS], mb = 0;
	struct bench b = { .now = { USEC_PER_SEC }, .set = set };
	struct inspect_counts c;

	make_snapshot(&b);
	b.in = make_inspect(&b, 1);
	for (uint32_t i = 0; i < n; i++)
		connect_one(&b, i, asking);
	c = inspect_counts(b.in);
	BUG_ON(c.flows.total != n);
	for (unsigned i = 0; i < RUNS; i++) {
		struct times t = hand_over(&b, i + 2);

		count[i] = t.count_ms;
		save[i] = t.save_ms;
		load[i] = t.load_ms;
		mb = t.mb;
	}
	printf("%s_listened=%u\n%s_image_mb=%.1f\n%s_count_ms=%.2f\n"
	       "%s_save_ms=%.2f\n%s_load_ms=%.2f\n",
	       name, c.dialogues.in_use, name, mb, name, median(count), name,
	       median(save), name, median(load));
	free_inspect(b.in);
	snapshot_free(b.snapshot);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : FLOWS;
	struct sig_set *set = argc > 2 ? read_rules(argv[2]) : NULL;

	printf("flows=%u\n", n);
	run("judged", n, false, NULL);
	run("asking", n, true, NULL);
	if (set)
		run("looked_at", n, true, set);
	sig_set_free(set);
	return 0;
}

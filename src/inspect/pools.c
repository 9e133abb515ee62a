#include "inspect/pools.h"

#include "base/bug.h"
#include "base/limits.h"
#include "base/limits_memory.h"
#include "inspect/inspect.h"
#include "inspect/pools_own.h"
#include "inspect/talk.h"

static const struct {
	const char *name;
	uint32_t standard, least;
} pools[] = {
	[POOL_APPLICATIONS] = { "applications", BREADTH_FLOWS_DEFAULT, 0 },
	[POOL_HTTP2] = { "http2", HPACK_DECODERS_MAX, POOL_HTTP2_MIN },
	[POOL_BODIES] = { "bodies", INFLATERS_MAX, POOL_BODIES_MIN },
	[POOL_SENSORS] = { "sensors", SENSOR_CONVERSATIONS_DEFAULT,
			   POOL_SENSORS_MIN },
	[POOL_SIGNATURES] = { "signatures", SIG_FLOWS_DEFAULT,
			      POOL_SIGNATURES_MIN },
	[POOL_STREAMS] = { "streams", STREAMS_DEFAULT, POOL_STREAMS_MIN },
	[POOL_FLOWS] = { "flows", FLOWS_DEFAULT, POOL_FLOWS_MIN },
};
_Static_assert(sizeof pools / sizeof *pools == POOL__MAX, "one for each");

struct pools pools_default(uint32_t flows)
{
	struct pools p;

	for (unsigned i = 0; i < POOL__MAX; i++)
		p.n[i] = pools[i].standard;
	p.n[POOL_FLOWS] = flows;
	return p;
}

const char *pool_name(enum pool p)
{
	return pools[p].name;
}

/* Of a number that belongs to a pool, what goes with n; one at least. */
static uint32_t with(enum pool p, uint32_t n, uint32_t standard)
{
	uint64_t of = (uint64_t)n * standard / pools[p].standard;

	return of > 0 ? (uint32_t)of : 1;
}

struct stream_options pools_streams(const struct pools *p)
{
	struct stream_options o = stream_options_default();

	o.streams = p->n[POOL_STREAMS];
	o.blocks = with(POOL_STREAMS, o.streams, STREAM_BLOCKS_DEFAULT);
	return o;
}

struct dialogue_limits pools_dialogues(const struct pools *p)
{
	uint32_t n = p->n[POOL_STREAMS], bodies = p->n[POOL_BODIES];

	return (struct dialogue_limits){
		.dialogues = with(POOL_STREAMS, n, DIALOGUES_DEFAULT),
		.large = with(POOL_STREAMS, n, DIALOGUES_LARGE_DEFAULT),
		.hpack_decoders = p->n[POOL_HTTP2],
		.inflaters = bodies,
		.brotlis = with(POOL_BODIES, bodies, BROTLIS_MAX),
	};
}

struct sig_scanner_options pools_signatures(const struct pools *p)
{
	struct sig_scanner_options o = sig_scanner_options_default();

	o.flows = p->n[POOL_SIGNATURES];
	o.blocks = with(POOL_SIGNATURES, o.flows, SIG_BLOCKS_DEFAULT);
	o.waiting = with(POOL_SIGNATURES, o.flows, SIG_WAITING_DEFAULT);
	return o;
}

struct sensor_scanner_options pools_sensors(const struct pools *p)
{
	uint32_t n = p->n[POOL_SENSORS];

	return (struct sensor_scanner_options){
		.conversations = n,
		.windows = with(POOL_SENSORS, n, SENSOR_WINDOWS_DEFAULT),
		.progress = with(POOL_SENSORS, n, SENSOR_PROGRESS_DEFAULT),
	};
}

/* --- what they take ------------------------------------------------------- */

static uint64_t bytes_of_streams(const struct pools *p)
{
	struct stream_options o = pools_streams(p);
	struct dialogue_limits d = pools_dialogues(p);

	/* those of HTTP have pools of their own */
	return stream_pool_bytes(&o) + dialogue_pool_bytes(&d) -
	       d.hpack_decoders * (uint64_t)HPACK_ARENA_BYTES -
	       d.inflaters * (uint64_t)INFLATE_ARENA_BYTES -
	       d.brotlis * (uint64_t)BROTLI_ARENA_BYTES +
	       talks_bytes(d.dialogues);
}

uint64_t pool_bytes(enum pool which, uint32_t n)
{
	struct pools p = pools_default(FLOWS_DEFAULT);
	struct sig_scanner_options sigs;
	struct sensor_scanner_options sensors;

	p.n[which] = n;
	switch (which) {
	case POOL_APPLICATIONS:
		return n ? breadth_bytes(n) + MEMORY_NDPI_BYTES : 0;
	case POOL_HTTP2: return n * (uint64_t)HPACK_ARENA_BYTES;
	case POOL_BODIES:
		return n * (uint64_t)INFLATE_ARENA_BYTES +
		       pools_dialogues(&p).brotlis *
			       (uint64_t)BROTLI_ARENA_BYTES;
	case POOL_SENSORS:
		sensors = pools_sensors(&p);
		return sensor_scanner_bytes(&sensors);
	case POOL_SIGNATURES:
		sigs = pools_signatures(&p);
		return sig_scanner_bytes(&sigs);
	case POOL_STREAMS: return bytes_of_streams(&p);
	case POOL_FLOWS: return flow_table_bytes(n);
	case POOL__MAX: break;
	}
	BUG_ON(true);
}

uint64_t pools_bytes(const struct pools *p)
{
	uint64_t sum = MEMORY_WORKER_BYTES;

	for (unsigned i = 0; i < POOL__MAX; i++)
		sum += pool_bytes((enum pool)i, p->n[i]);
	return sum;
}

/* --- fewer ------------------------------------------------------------------ */

/* The most of it that takes no more than so many bytes, or its least. */
static uint32_t most(enum pool p, uint32_t n, uint64_t bytes)
{
	uint32_t least = pools[p].least < n ? pools[p].least : n;
	uint32_t above = n; /* which is too much */

	/* nDPI itself takes most of that */
	if (p == POOL_APPLICATIONS)
		return 0;
	while (above - least > 1) {
		uint32_t middle = least + (above - least) / 2;

		if (pool_bytes(p, middle) <= bytes)
			least = middle;
		else
			above = middle;
	}
	return least;
}

bool pools_fit(struct pools *p, uint64_t bytes)
{
	uint64_t sum = pools_bytes(p);

	for (unsigned i = 0; i < POOL__MAX && sum > bytes; i++) {
		uint64_t now = pool_bytes((enum pool)i, p->n[i]);
		uint64_t others = sum - now;

		p->n[i] = most((enum pool)i, p->n[i],
			       bytes > others ? bytes - others : 0);
		sum = others + pool_bytes((enum pool)i, p->n[i]);
	}
	return sum <= bytes;
}

uint64_t pools_share(uint64_t limit_bytes, unsigned workers)
{
	uint64_t tables = limit_bytes - limit_bytes / MEMORY_OTHERS_SHARE;

	if (tables <= MEMORY_PROCESS_BYTES)
		return 0;
	return (tables - MEMORY_PROCESS_BYTES) / workers;
}

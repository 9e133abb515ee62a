/*
 * Theory. nDPI wants packets, from IP on. It is given small ones that are made
 * here: addresses, ports, sequence numbers that go on, and the bytes.
 *
 * Its allocator is set for the whole process, so the two functions that it is
 * given must know whose memory is meant: `at_work` is the one of the thread that
 * calls nDPI just now; outside of that (making, freeing) it is the heap's. What
 * was taken from the one goes back to the one. Before each packet there must be
 * more left than a packet can need, because nDPI does not always ask whether it
 * got what it asked for.
 *
 * Not asked for are protocols of our parsers (who knows better has said no), what
 * is no protocol, and QUIC, for which nDPI would call a library that allocates.
 */
#include "detect/breadth.h"

#include <ndpi/ndpi_api.h>
#include <ndpi/ndpi_main.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/unset.h"
#include "detect/breadth_memory.h"
#include "packet/packet.h"
#include "proto/parsers.h"
#include "wire/app.h"

#define IP4_HEADER 20
#define IP6_HEADER 40
#define TCP_HEADER 20
#define UDP_HEADER 8
#define PACKET_MAX (IP6_HEADER + TCP_HEADER + BREADTH_BYTES_MAX)

struct talker {
	struct ndpi_flow_struct ndpi;
	struct breadth_ends ends;
	uint32_t next_seq[2]; /* of server, client */
	uint32_t next_free;
	bool used;
};

struct breadth {
	struct ndpi_detection_module_struct *ndpi;
	struct breadth_memory *memory;
	struct talker *talkers; /* limit + 1; [0] is unused */
	uint32_t free, used_ever;
	uint16_t apps[NDPI_LAST_IMPLEMENTED_PROTOCOL + 1]; /* by nDPI's id */
	struct breadth_counts counts;
};

static _Thread_local struct breadth_memory *at_work;

/*
 * Where start_ndpi() goes on if there is no memory for it: nDPI does not expect that
 * while it begins, and would read NULL. What it has by then is lost; who has so
 * little does not start.
 */
static _Thread_local jmp_buf *no_memory;

static void *take(size_t size)
{
	void *p = at_work ? breadth_memory_take(at_work, size) : malloc(size);

	if (!p && no_memory)
		longjmp(*no_memory, 1);
	return p;
}

static void give_back(void *p)
{
	if (!at_work || !breadth_memory_give_back(at_work, p))
		free(p);
}

/* Is that one nDPI may be asked for? */
static bool is_asked_for(uint32_t app)
{
	return app && app != APP_QUIC && app != APP_TLS &&
	       !proto_parser_of(app);
}

static bool begin_ndpi(struct breadth *b)
{
	NDPI_PROTOCOL_BITMASK asked;
	unsigned n;

	b->ndpi = ndpi_init_detection_module(ndpi_dont_load_tor_hosts |
					     ndpi_dont_init_libgcrypt);
	if (!b->ndpi)
		return false;
	n = ndpi_get_ndpi_num_supported_protocols(b->ndpi);
	NDPI_BITMASK_RESET(asked);
	for (unsigned i = 0; i < n && i <= NDPI_LAST_IMPLEMENTED_PROTOCOL;
	     i++) {
		uint32_t app = 0;

		/* a name that we do not know is not asked for */
		(void)breadth_app(ndpi_get_proto_by_id(b->ndpi, i), &app);
		if (!is_asked_for(app))
			continue;
		b->apps[i] = (uint16_t)app;
		NDPI_BITMASK_ADD(asked, i);
	}
	ndpi_set_protocol_detection_bitmask2(b->ndpi, &asked);
	ndpi_finalize_initialization(b->ndpi);
	return true;
}

static bool start_ndpi(struct breadth *b)
{
	jmp_buf failed;
	bool ok;

	set_ndpi_malloc(take);
	set_ndpi_free(give_back);
	set_ndpi_flow_malloc(take);
	set_ndpi_flow_free(give_back);
	if (setjmp(failed) != 0) {
		no_memory = NULL;
		b->ndpi = NULL; /* half of one cannot be given back */
		return false;
	}
	no_memory = &failed;
	ok = begin_ndpi(b);
	no_memory = NULL;
	return ok;
}

size_t breadth_bytes(uint32_t flows)
{
	const struct breadth *b = NULL;

	return breadth_memory_limit() + flows * sizeof *b->talkers;
}

struct breadth *breadth_new(uint32_t flows)
{
	struct breadth *b = calloc(1, sizeof *b);

	BUG_ON(flows < 1 || flows > BREADTH_FLOWS_MAX);
	if (!b)
		return NULL;
	b->counts.limit = flows;
	b->memory = breadth_memory_new();
	b->talkers = calloc((size_t)flows + 1, sizeof *b->talkers);
	if (!b->memory || !b->talkers || !start_ndpi(b)) {
		breadth_free(b);
		return NULL;
	}
	return b;
}

void breadth_free(struct breadth *b)
{
	if (!b)
		return;
	for (uint32_t i = 1; i <= b->used_ever; i++)
		if (b->talkers[i].used)
			breadth_close(b, i);
	at_work = b->memory;
	if (b->ndpi)
		ndpi_exit_detection_module(b->ndpi);
	at_work = NULL;
	free(b->talkers);
	breadth_memory_free(b->memory);
	free(b);
}

uint32_t breadth_open(struct breadth *b, const struct breadth_ends *ends)
{
	uint32_t handle = b->free;
	struct talker *t;

	if (handle == 0 && b->used_ever == b->counts.limit) {
		b->counts.no_place++;
		return 0;
	}
	if (handle)
		b->free = b->talkers[handle].next_free;
	else
		handle = ++b->used_ever;
	t = &b->talkers[handle];
	*t = (struct talker){ .ends = *ends,
			      .next_seq = { 1, 1 },
			      .used = true };
	b->counts.in_use++;
	b->counts.opened++;
	return handle;
}

static struct talker *talker_at(struct breadth *b, uint32_t handle)
{
	BUG_ON(handle == 0 || handle > b->used_ever ||
	       !b->talkers[handle].used);
	return &b->talkers[handle];
}

void breadth_close(struct breadth *b, uint32_t handle)
{
	struct talker *t;

	if (handle == 0)
		return;
	t = talker_at(b, handle);
	at_work = b->memory;
	ndpi_free_flow_data(&t->ndpi);
	at_work = NULL;
	t->used = false;
	t->next_free = b->free;
	b->free = handle;
	b->counts.in_use--;
}

static void put_ip4(struct outbytes *o, const struct breadth_ends *e,
		    bool client, size_t len)
{
	put_be16(o, 0x4500);
	put_be16(o, (uint16_t)(IP4_HEADER + len));
	put_be32(o, 0x4000);
	put_be16(o, (uint16_t)(64 << 8 | (e->tcp ? PROTO_TCP : PROTO_UDP)));
	put_be16(o, 0);
	put_copy(o, (client ? &e->client : &e->server)->b + 12, 4);
	put_copy(o, (client ? &e->server : &e->client)->b + 12, 4);
}

static void put_ip6(struct outbytes *o, const struct breadth_ends *e,
		    bool client, size_t len)
{
	put_be32(o, 0x60000000);
	put_be16(o, (uint16_t)len);
	put_be16(o, (uint16_t)((e->tcp ? PROTO_TCP : PROTO_UDP) << 8 | 64));
	put_copy(o, (client ? &e->client : &e->server)->b, 16);
	put_copy(o, (client ? &e->server : &e->client)->b, 16);
}

static void put_tcp(struct outbytes *o, const struct talker *t, bool client)
{
	put_be32(o, t->next_seq[client]);
	put_be32(o, t->next_seq[!client]);
	put_be16(o, 0x5018); /* PSH, ACK */
	put_be16(o, UINT16_MAX);
	put_be32(o, 0);
}

/* The packet that says that. Returns its length. */
static size_t make_packet(uint8_t buf[static PACKET_MAX], struct talker *t,
			  bool client, struct bytes b)
{
	const struct breadth_ends *e = &t->ends;
	struct outbytes o = outbytes_of(buf, PACKET_MAX);
	size_t head = e->tcp ? TCP_HEADER : UDP_HEADER;
	size_t len = head + bytes_len(b);

	if (ip_is_v4(e->client) && ip_is_v4(e->server))
		put_ip4(&o, e, client, len);
	else
		put_ip6(&o, e, client, len);
	put_be16(&o, client ? e->client_port : e->server_port);
	put_be16(&o, client ? e->server_port : e->client_port);
	if (e->tcp) {
		put_tcp(&o, t, client);
	} else {
		put_be16(&o, (uint16_t)len);
		put_be16(&o, 0);
	}
	put_copy(&o, b.begin, bytes_len(b));
	t->next_seq[client] += (uint32_t)bytes_len(b);
	return outbytes_len(&o);
}

/* The closer one, if it is a protocol. */
static uint32_t app_of(const struct breadth *b, ndpi_protocol p)
{
	uint32_t app = 0;

	if (p.app_protocol <= NDPI_LAST_IMPLEMENTED_PROTOCOL)
		app = b->apps[p.app_protocol];
	if (!app && p.master_protocol <= NDPI_LAST_IMPLEMENTED_PROTOCOL)
		app = b->apps[p.master_protocol];
	return app;
}

enum breadth_answer breadth_read(struct breadth *b, uint32_t handle,
				 bool client, struct bytes bytes, usec_t now,
				 uint32_t *ret_app)
{
	struct talker *t = talker_at(b, handle);
	UNSET uint8_t packet[PACKET_MAX];
	ndpi_protocol p;
	size_t len;

	if (bytes_len(bytes) > BREADTH_BYTES_MAX)
		bytes.end = bytes.begin + BREADTH_BYTES_MAX;
	if (bytes_len(bytes) == 0)
		return BREADTH_NOT_YET;
	if (!breadth_memory_suffices(b->memory)) {
		b->counts.no_memory++;
		return BREADTH_NEVER;
	}
	len = make_packet(packet, t, client, bytes);
	b->counts.packets++;
	at_work = b->memory;
	p = ndpi_detection_process_packet(b->ndpi, &t->ndpi, packet,
					  (unsigned short)len, now.us / 1000);
	at_work = NULL;
	*ret_app = app_of(b, p);
	if (*ret_app)
		b->counts.known++;
	return *ret_app ? BREADTH_KNOWN : BREADTH_NOT_YET;
}

struct breadth_counts breadth_counts(const struct breadth *b)
{
	struct breadth_counts c = b->counts;

	c.bytes = breadth_memory_in_use(b->memory);
	c.bytes_limit = breadth_memory_limit();
	return c;
}

void breadth_each_name(const struct breadth *b,
		       void (*fn)(void *arg, const char *name), void *arg)
{
	unsigned n = ndpi_get_ndpi_num_supported_protocols(b->ndpi);

	for (unsigned i = 0; i < n; i++)
		fn(arg, ndpi_get_proto_by_id(b->ndpi, i));
}

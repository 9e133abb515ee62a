#include "proto/worker.h"

#include <stdlib.h>
#include <string.h>

#include "proto/http_again.h"
#include "proto/worker_own.h"

struct proto_worker *proto_worker_new(uint64_t seed)
{
	struct proto_worker *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->seed = seed;
	w->unpack = unpack_pool_new();
	w->hpack = hpack_pool_new();
	w->again = http_again_new();
	if (!w->unpack || !w->hpack || !w->again) {
		proto_worker_free(w);
		return NULL;
	}
	return w;
}

void proto_worker_limit(struct proto_worker *w, uint32_t hpack_decoders,
			uint32_t inflaters, uint32_t brotlis)
{
	hpack_pool_limit(w->hpack, hpack_decoders);
	unpack_pool_limit(w->unpack, inflaters, brotlis);
}

void proto_worker_free(struct proto_worker *w)
{
	if (!w)
		return;
	http_again_free(w->again);
	hpack_pool_free(w->hpack);
	unpack_pool_free(w->unpack);
	free(w);
}

struct saved_worker {
	uint64_t seed;
	uint64_t quic_serial;
	uint64_t again_given;
	uint32_t quic_next;
	uint32_t reserved;
};
IMAGE_PART(saved_worker, "worker", struct saved_worker, 1);

/* One that somebody has; a few at most. */
struct saved_hello {
	uint64_t place;
	struct quic_hello hello;
};
IMAGE_PART(saved_hellos, "quic", struct saved_hello, 1);

void proto_worker_save(const struct proto_worker *w, const char *of,
		       struct image_writer *to)
{
	struct saved_worker head = {
		.seed = w->seed,
		.quic_serial = w->quic_serial,
		.again_given = http_again_given(w->again),
		.quic_next = w->quic_next,
	};
	struct saved_hello *hello;
	uint64_t n = 0;

	image_put(to, of, &saved_worker, &head, 1);
	for (uint32_t i = 0; i < QUIC_HELLOS; i++)
		n += w->quic[i].serial != 0;
	hello = image_room(to, of, &saved_hellos, n);
	for (uint32_t i = 0; hello && i < QUIC_HELLOS; i++) {
		if (w->quic[i].serial == 0)
			continue;
		hello->place = i;
		hello++->hello = w->quic[i];
	}
	hpack_pool_save(w->hpack, of, to);
	unpack_pool_save(w->unpack, of, to);
}

static bool load_hellos(struct proto_worker *w, const struct saved_hello *from,
			uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t place = from[i].place;

		if (place >= QUIC_HELLOS || w->quic[place].serial != 0)
			return false;
		w->quic[place] = from[i].hello;
		if (w->quic[place].serial == 0 ||
		    w->quic[place].whole > QUIC_HELLO_MAX)
			return false;
	}
	return true;
}

bool proto_worker_load(struct proto_worker *w, const char *of,
		       const struct image_reader *r, uint64_t *ret_cut)
{
	struct saved_worker head;
	uint64_t n;
	const struct saved_hello *hellos = image_get(r, of, &saved_hellos, &n);

	if (!image_take(r, of, &saved_worker, &head, 1) || !hellos ||
	    head.quic_next >= QUIC_HELLOS || !load_hellos(w, hellos, n) ||
	    !hpack_pool_load(w->hpack, of, r) ||
	    !unpack_pool_load(w->unpack, of, r, ret_cut))
		return false;
	w->seed = head.seed;
	w->quic_serial = head.quic_serial;
	w->quic_next = head.quic_next;
	http_again_go_on(w->again, head.again_given);
	return true;
}

void proto_worker_settle(struct proto_worker *w)
{
	hpack_pool_settle(w->hpack);
	unpack_pool_settle(w->unpack);
}

void proto_worker_reset(struct proto_worker *w)
{
	memset(w->quic, 0, sizeof w->quic);
	w->quic_serial = w->quic_next = 0;
	hpack_pool_reset(w->hpack);
	unpack_pool_reset(w->unpack);
}

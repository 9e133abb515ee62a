#include "proto/worker.h"

#include <stdlib.h>

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

void proto_worker_free(struct proto_worker *w)
{
	if (!w)
		return;
	http_again_free(w->again);
	hpack_pool_free(w->hpack);
	unpack_pool_free(w->unpack);
	free(w);
}

/*
 * What the pipeline does with the verdict cache; only for files of this folder.
 */
#pragma once

#include "inspect/cache.h"
#include "inspect/passage.h"

/* A frame of f was judged; is f to be in the cache, or no longer? */
void cache_flow(struct passage *w, struct flow *f);
/* What would be flow k was denied silently, and there is none. */
void cache_denied(struct passage *w, const struct flow_key *k,
		  bool client_is_own, const struct flow_verdict *v);
/* f is as it is by what the kernel has seen; to be called before it is used. */
void cache_catch_up(struct inspect *in, struct flow *f);
/* Likewise all, flows and denied tuples. */
void cache_catch_up_all(struct inspect *in);
/* f must come up again. */
void cache_release(struct inspect *in, struct flow *f);
/* The same, at once: nothing of it passes by any more, and f is as it has left it. */
void cache_take_back(struct inspect *in, struct flow *f);
/* f is about to end: last figures, and out. */
void cache_end(struct inspect *in, struct flow *f);
/* Catches up with a number of flows; true: at once again. */
bool cache_age(struct inspect *in, usec_t now);
void cache_forget_endpoint(struct inspect *in, uint16_t endpoint);
struct cache_stats cache_stats(const struct verdict_cache *c);

/*
 * What speaks on workloads' listening ports, for who keeps their maps: told when
 * it is new. The same port is told again only with something else.
 *
 * One worker's thread; nothing is allocated after port_news_new().
 */
#pragma once

#include "inspect/passage.h"

struct port_news;

/* NULL: out of memory. */
struct port_news *port_news_new(uint64_t seed);
void port_news_free(struct port_news *p);

/*
 * The server of f is found to be app: a base protocol, a product, or the
 * software that serves. Nothing, if its server is no workload of ours.
 */
void ports_learn(struct inspect *in, const struct flow *f, uint32_t app);
/* Takes up to max, oldest first; fewer than max: that was all. */
size_t ports_drain(struct port_news *p, struct port_record *ret, size_t max);
void ports_forget(struct port_news *p, uint16_t endpoint);
struct port_stats ports_stats(const struct port_news *p);

/* What is known, and what waits to be taken. */
void ports_save(const struct port_news *p, struct image_writer *w);
/* false: it is not there, or cannot be this; *p knows nothing then. */
bool ports_load(struct port_news *p, const struct image_reader *r);

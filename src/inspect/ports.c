/*
 * Theory. A table of ports by hash, PORT_WAYS places each; what is in it was
 * told, or waits in the ring. A port that finds no place takes that of the one
 * that was met least recently, which will be told again: no harm, the maps know.
 * What finds no room in the ring is not taken down, so the next connection tells.
 */
#include "inspect/ports.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/image.h"
#include "base/limits.h"
#include "wire/app.h"
#include "wire/words.h"

#define PORT_WAYS 4

/* No padding: hashed. */
struct port_key {
	uint16_t endpoint, port;
	uint32_t proto; /* 0: the place is free */
};
_Static_assert(sizeof(struct port_key) == 8, "no padding");

struct known_port {
	struct port_key key;
	uint16_t proto, server, application; /* as struct app_record */
	usec_t met;
};

struct port_news {
	uint64_t seed;
	struct port_stats stats;
	struct known_port known[PORTS_KNOWN_MAX];
	struct port_record ring[PORT_NEWS_MAX];
	uint32_t first;
};
IMAGE_PART(saved_ports, "all", struct port_news, 1);

static void begin(struct port_news *p, uint64_t seed)
{
	p->seed = seed;
	p->stats.limit = PORTS_KNOWN_MAX;
	p->stats.news_limit = PORT_NEWS_MAX;
}

struct port_news *port_news_new(uint64_t seed)
{
	struct port_news *p = calloc(1, sizeof *p);

	if (p)
		begin(p, seed);
	return p;
}

void port_news_free(struct port_news *p)
{
	free(p);
}

static struct known_port *find_or_oldest(struct port_news *p,
					 const struct port_key *key)
{
	uint64_t hash = XXH3_64bits_withSeed(key, sizeof *key, p->seed);
	struct known_port *set =
		&p->known[hash % (PORTS_KNOWN_MAX / PORT_WAYS) * PORT_WAYS];
	struct known_port *oldest = set;

	for (int i = 0; i < PORT_WAYS; i++) {
		if (memcmp(&set[i].key, key, sizeof *key) == 0)
			return &set[i];
		if (usec_before(set[i].met, oldest->met))
			oldest = &set[i];
	}
	return oldest;
}

/* Which of the three ids of a port it is. */
static uint16_t *place_of(struct known_port *k, uint32_t app)
{
	switch (app) {
	case APP_APACHE:
	case APP_NGINX:
	case APP_JETTY:
	case APP_NODEJS: return &k->server;
	default: return app < APP_ID_PRODUCTS ? &k->proto : &k->application;
	}
}

static bool tell(struct port_news *p, const struct known_port *k,
		 struct mac mac)
{
	if (p->stats.news == PORT_NEWS_MAX) {
		p->stats.not_told++;
		return false;
	}
	p->ring[(p->first + p->stats.news++) % PORT_NEWS_MAX] =
		(struct port_record){ .endpoint = k->key.endpoint,
				      .ep_mac = mac,
				      .app = {
					      .port = k->key.port,
					      .ip_proto = (uint8_t)k->key.proto,
					      .proto = k->proto,
					      .server = k->server,
					      .application = k->application } };
	return true;
}

void ports_learn(struct inspect *in, const struct flow *f, uint32_t app)
{
	struct port_news *p = in->port_news;
	const struct flow_key *key = &f->key;
	struct port_key k = { key->endpoint, key->own_port, key->proto };
	struct known_port *known, now = { .key = k };
	uint16_t *place;

	if (f->client_is_own || key->endpoint == ENDPOINT_NONE)
		return;
	known = find_or_oldest(p, &k);
	if (memcmp(&known->key, &k, sizeof k) == 0)
		now = *known;
	now.met = in->now;
	place = place_of(&now, app);
	if (*place != app) {
		*place = (uint16_t)app;
		if (!tell(p, &now, passage_mac_of(in, key->endpoint)))
			return;
	}
	if (!known->key.proto)
		p->stats.in_use++;
	*known = now;
}

size_t ports_drain(struct port_news *p, struct port_record *ret, size_t max)
{
	size_t n = 0;

	while (n < max && p->stats.news) {
		ret[n++] = p->ring[p->first];
		p->first = (p->first + 1) % PORT_NEWS_MAX;
		p->stats.news--;
	}
	return n;
}

void ports_forget(struct port_news *p, uint16_t endpoint)
{
	for (size_t i = 0; i < PORTS_KNOWN_MAX; i++) {
		struct known_port *k = &p->known[i];

		if (!k->key.proto || k->key.endpoint != endpoint)
			continue;
		*k = (struct known_port){ { 0 }, 0, 0, 0, { 0 } };
		p->stats.in_use--;
	}
}

struct port_stats ports_stats(const struct port_news *p)
{
	return p->stats;
}

void ports_save(const struct port_news *p, struct image_writer *w)
{
	image_put(w, "ports", &saved_ports, p, 1);
}

bool ports_load(struct port_news *p, const struct image_reader *r)
{
	uint64_t seed = p->seed;

	if (!image_take(r, "ports", &saved_ports, p, 1) ||
	    p->first >= PORT_NEWS_MAX || p->stats.news > PORT_NEWS_MAX) {
		memset(p, 0, sizeof *p);
		begin(p, seed);
		return false;
	}
	begin(p, p->seed);
	p->stats.in_use = 0;
	for (size_t i = 0; i < PORTS_KNOWN_MAX; i++)
		p->stats.in_use += p->known[i].key.proto != 0;
	return true;
}

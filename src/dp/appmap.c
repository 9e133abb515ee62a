#include "dp/appmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "wire/words.h"

struct app_map {
	bool changed;
	size_t n;
	struct app_record apps[ENDPOINT_APPS_MAX];
	bool told[ENDPOINT_APPS_MAX]; /* by the agent */
};

struct saved_app {
	struct app_record app;
	uint16_t endpoint;
	uint8_t changed; /* the map is */
};
IMAGE_PART(saved_apps, "apps", struct saved_app, 1);

struct app_maps {
	struct app_map *of[ENDPOINTS_MAX]; /* made when first needed */
};

struct app_maps *app_maps_new(void)
{
	return calloc(1, sizeof(struct app_maps));
}

void app_maps_free(struct app_maps *m)
{
	for (size_t i = 0; m && i < ENDPOINTS_MAX; i++)
		free(m->of[i]);
	free(m);
}

int app_maps_reserve(struct app_maps *m, uint16_t endpoint)
{
	if (!m->of[endpoint])
		m->of[endpoint] = calloc(1, sizeof(struct app_map));
	return m->of[endpoint] ? 0 : -ENOMEM;
}

static struct app_record *find(struct app_map *map, uint8_t ip_proto,
			       uint16_t port)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->apps[i].port == port &&
		    map->apps[i].ip_proto == ip_proto)
			return &map->apps[i];
	return NULL;
}

/* A new entry; NULL: full. */
static struct app_record *append(struct app_map *map, bool told,
				 const struct app_record *a)
{
	if (map->n == ENDPOINT_APPS_MAX)
		return NULL;
	map->told[map->n] = told;
	map->apps[map->n] = *a;
	map->changed = true;
	return &map->apps[map->n++];
}

static void remove_at(struct app_map *map, size_t i)
{
	size_t behind = map->n - i - 1;

	memmove(&map->apps[i], &map->apps[i + 1], behind * sizeof *map->apps);
	memmove(&map->told[i], &map->told[i + 1], behind * sizeof *map->told);
	map->n--;
	map->changed = true;
}

/* Ids do not pass 16 bits in kind 1; the agent's "unknown" is told as 0. */
static uint16_t app_id(uint32_t id)
{
	return id > UINT16_MAX ? 0 : (uint16_t)id;
}

static struct app_record record_of(const struct app_port *p)
{
	uint16_t id = app_id(p->app);

	return (struct app_record){
		.port = p->port,
		.ip_proto = p->proto,
		.proto = id < APP_ID_PRODUCTS ? id : 0,
		.server = app_id(p->server),
		.application = id < APP_ID_PRODUCTS ? 0 : id,
	};
}

/* The agent's own come first when there is no room for all. */
static void add_told(struct app_map *map, const struct app_port *p)
{
	struct app_record a = record_of(p), *old;
	size_t i;

	old = find(map, p->proto, p->port);
	if (old) {
		map->told[old - map->apps] = true;
		return;
	}
	for (i = map->n; map->n == ENDPOINT_APPS_MAX && i > 0; i--)
		if (!map->told[i - 1])
			remove_at(map, i - 1);
	BUG_ON(!append(map, true, &a));
}

static bool is_in(const struct app_record *a, const struct app_port *apps,
		  size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (apps[i].port == a->port && apps[i].proto == a->ip_proto)
			return true;
	return false;
}

void app_maps_configure(struct app_maps *m, uint16_t endpoint,
			const struct app_port *apps, size_t n)
{
	struct app_map *map = m->of[endpoint];

	BUG_ON(!map || n > ENDPOINT_APPS_MAX);
	for (size_t i = map->n; i > 0; i--)
		if (map->told[i - 1] && !is_in(&map->apps[i - 1], apps, n))
			remove_at(map, i - 1);
	for (size_t i = 0; i < n; i++)
		add_told(map, &apps[i]);
}

static void learn_id(struct app_map *map, uint16_t *known, uint16_t seen)
{
	if (seen == 0 || *known == seen)
		return;
	*known = seen;
	map->changed = true;
}

bool app_maps_learn(struct app_maps *m, uint16_t endpoint,
		    const struct app_record *seen)
{
	struct app_record *known;
	struct app_map *map;

	if (app_maps_reserve(m, endpoint) < 0)
		return false;
	map = m->of[endpoint];
	known = find(map, seen->ip_proto, seen->port);
	if (!known)
		return append(map, false, seen) != NULL;
	learn_id(map, &known->proto, seen->proto);
	learn_id(map, &known->server, seen->server);
	learn_id(map, &known->application, seen->application);
	return true;
}

void app_maps_forget(struct app_maps *m, uint16_t endpoint)
{
	free(m->of[endpoint]);
	m->of[endpoint] = NULL;
}

const struct app_record *app_maps_get(const struct app_maps *m,
				      uint16_t endpoint, size_t *ret_n)
{
	const struct app_map *map = m->of[endpoint];

	*ret_n = map ? map->n : 0;
	return map ? map->apps : NULL;
}

bool app_maps_is_configured(const struct app_maps *m, uint16_t endpoint,
			    size_t i)
{
	const struct app_map *map = m->of[endpoint];

	return map && i < map->n && map->told[i];
}

bool app_maps_is_changed(const struct app_maps *m, uint16_t endpoint)
{
	return m->of[endpoint] && m->of[endpoint]->changed;
}

void app_maps_told(struct app_maps *m, uint16_t endpoint)
{
	if (m->of[endpoint])
		m->of[endpoint]->changed = false;
}

void app_maps_save(const struct app_maps *m, struct image_writer *w)
{
	struct saved_app *to;
	uint64_t n = 0;

	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		n += m->of[i] ? m->of[i]->n : 0;
	to = image_room(w, "apps", &saved_apps, n);
	for (uint16_t i = 0; to && i < ENDPOINTS_MAX; i++)
		for (size_t k = 0; m->of[i] && k < m->of[i]->n; k++)
			*to++ = (struct saved_app){ m->of[i]->apps[k], i,
						    m->of[i]->changed };
}

void app_maps_load(struct app_maps *m, const struct image_reader *r,
		   bool (*is)(void *arg, uint16_t endpoint), void *arg)
{
	uint64_t n;
	const struct saved_app *from = image_get(r, "apps", &saved_apps, &n);

	for (uint64_t i = 0; from && i < n; i++) {
		struct saved_app one;

		memcpy(&one, &from[i], sizeof one);
		if (one.endpoint >= ENDPOINTS_MAX || !is(arg, one.endpoint) ||
		    !app_maps_learn(m, one.endpoint, &one.app))
			continue;
		if (m->of[one.endpoint]->n > 0)
			m->of[one.endpoint]->changed = one.changed != 0;
	}
}

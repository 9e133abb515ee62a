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
};

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

static bool is_known(const struct app_map *map, uint8_t ip_proto, uint16_t port)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->apps[i].port == port &&
		    map->apps[i].ip_proto == ip_proto)
			return true;
	return false;
}

static void remove_at(struct app_map *map, size_t i)
{
	size_t behind = map->n - i - 1;

	memmove(&map->apps[i], &map->apps[i + 1], behind * sizeof *map->apps);
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

static void add(struct app_map *map, const struct app_port *p)
{
	if (is_known(map, p->proto, p->port))
		return;
	BUG_ON(map->n == ENDPOINT_APPS_MAX);
	map->apps[map->n++] = record_of(p);
	map->changed = true;
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
		if (!is_in(&map->apps[i - 1], apps, n))
			remove_at(map, i - 1);
	for (size_t i = 0; i < n; i++)
		add(map, &apps[i]);
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

bool app_maps_is_changed(const struct app_maps *m, uint16_t endpoint)
{
	return m->of[endpoint] && m->of[endpoint]->changed;
}

void app_maps_told(struct app_maps *m, uint16_t endpoint)
{
	if (m->of[endpoint])
		m->of[endpoint]->changed = false;
}

#include "policy/port_set.h"

#include <stdlib.h>

#include "base/bug.h"
#include "base/limits.h"

struct port_set {
	unsigned refs;
	size_t n;
	uint32_t keys[]; /* proto << 16 | port, ascending */
};

static uint32_t key_of(uint8_t proto, uint16_t port)
{
	return (uint32_t)proto << 16 | port;
}

static int key_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

struct port_set *port_set_new(const struct app_port *ports, size_t n)
{
	struct port_set *s = malloc(sizeof *s + n * sizeof s->keys[0]);

	BUG_ON(n > ENDPOINT_APPS_MAX);
	if (!s)
		return NULL;
	s->refs = 1;
	s->n = n;
	for (size_t i = 0; i < n; i++)
		s->keys[i] = key_of(ports[i].proto, ports[i].port);
	qsort(s->keys, n, sizeof s->keys[0], key_order);
	return s;
}

struct port_set *port_set_get(struct port_set *s)
{
	if (s)
		s->refs++;
	return s;
}

void port_set_put(struct port_set *s)
{
	if (!s)
		return;
	BUG_ON(s->refs == 0);
	if (--s->refs == 0)
		free(s);
}

bool port_set_has(const struct port_set *s, uint8_t proto, uint16_t port)
{
	uint32_t key = key_of(proto, port);

	return s && s->n > 0 &&
	       bsearch(&key, s->keys, s->n, sizeof key, key_order) != NULL;
}

#include "intent/ends.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const void *arg, uint32_t n)
{
	const struct ends *e = arg;

	return hash_of_bytes(e->words[n], strlen(e->words[n]));
}

const char *ends_intern(struct ends *e, const char *text)
{
	uint64_t hash = hash_of_bytes(text, strlen(text)), slot = hash;
	uint32_t n;
	char **grown, *copy;

	while (hash_table_next(&e->table, &slot, &n))
		if (strcmp(e->words[n], text) == 0)
			return e->words[n];
	copy = arena_text(&e->arena, text, strlen(text));
	grown = intent_grow(e->words, e->n_words, &e->room, sizeof *e->words);
	if (grown)
		e->words = grown;
	if (!grown || !copy) {
		e->failed = true;
		return NULL;
	}
	e->words[e->n_words++] = copy;
	if (!hash_table_put(&e->table, hash, hash_of, e)) {
		e->n_words--;
		e->failed = true;
		return NULL;
	}
	return copy;
}

bool ends_init(struct ends *e, const struct intent *i,
	       const struct intent_world *world)
{
	*e = (struct ends){ .world = world };
	e->services = calloc(world->n + 1, sizeof *e->services);
	e->failed = !e->services;
	for (size_t n = 0; n < world->n && !e->failed; n++) {
		char *name = intent_service_of(world->workloads[n].about);
		int64_t g = name ? intent_find_group(i, name) : -1;

		if (!name)
			e->failed = true;
		else if (g < 0 || i->groups[g].n_terms == 0)
			e->services[n] = ends_intern(e, name);
		free(name);
	}
	return !e->failed;
}

void ends_done(struct ends *e)
{
	hash_table_done(&e->table);
	free(e->words);
	free(e->services);
	arena_done(&e->arena);
}

static bool is_node(const struct ends *e, struct ip_addr a)
{
	for (size_t n = 0; n < e->world->n_node; n++)
		if (ip_equal(e->world->node[n], a))
			return true;
	return false;
}

const char *ends_word(struct ends *e, const struct intent_connection *c,
		      bool client_side, bool *ret_outside)
{
	size_t who = client_side ? c->client : c->server;
	struct ip_addr a = client_side ? c->client_addr : c->server_addr;
	char text[FQDN_TEXT_MAX + 8];

	*ret_outside = false;
	if (who < e->world->n)
		return e->services[who];
	if (is_node(e, a))
		return ends_intern(e, "node");
	*ret_outside = true;
	if (!client_side && c->name && intent_host_is_valid(c->name))
		(void)snprintf(text, sizeof text, "fqdn:%s", c->name);
	else
		(void)ip_format(a, text);
	return ends_intern(e, text);
}

bool ends_note_workload(const struct ends *e, size_t workload, json_t *ids,
			size_t *more)
{
	const char *id;

	if (workload >= e->world->n)
		return true;
	id = e->world->workloads[workload].id;
	for (size_t n = 0; n < json_array_size(ids); n++)
		if (strcmp(json_string_value(json_array_get(ids, n)), id) == 0)
			return true;
	if (json_array_size(ids) < PROPOSE_WORKLOADS_MAX)
		return json_array_append_new(ids, json_string(id)) == 0;
	++*more;
	return true;
}

/*
 * Who this node is to its servers: where they are, and the certificates by which they
 * know each other. The library reads files once, when a connection is described to it;
 * so other ones are another description and a new connection, which loses nothing: what
 * was not heard meanwhile is asked for, as after a server went.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "agent/member_own.h"
#include "agent/record.h"
#include "base/file.h"
#include "base/limits_fleet.h"
#include "base/log.h"
#include "fleet/cert.h"

void member_spec(const struct agent *a, struct fleet_spec *ret)
{
	const struct config_cluster *k = &a->config.cluster;

	*ret = (struct fleet_spec){
		.name = k->name,
		.node = a->config.node,
		.n_servers = k->n_servers,
		.ca = k->ca,
		.cert = k->cert,
		.key = k->key,
		.replicas = k->replicas,
		.events_days = k->events_days,
		.flows_days = k->flows_days,
		.events_bytes = (uint64_t)k->events_mb << 20,
		.flows_bytes = (uint64_t)k->flows_mb << 20,
	};
	for (size_t i = 0; i < k->n_servers; i++)
		ret->servers[i] = k->servers[i];
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return XXH3_64bits_withSeed(text, strlen(text) + 1, hash);
}

/* One that cannot be read is as if it were empty: what is told of it says more. */
static uint64_t add_file(uint64_t hash, const char *path)
{
	size_t len = 0;
	char *bytes = path ? file_load(path, FLEET_CERT_MAX, &len, NULL) : NULL;

	hash = XXH3_64bits_withSeed(bytes ? bytes : "", len, hash);
	if (bytes)
		explicit_bzero(bytes, len); /* it may be the key */
	free(bytes);
	return hash;
}

static uint64_t hash_of(const struct config_cluster *k)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < k->n_servers; i++)
		hash = add_text(hash, k->servers[i]);
	hash = add_file(hash, k->ca);
	hash = add_file(hash, k->cert);
	return add_file(hash, k->key);
}

static void note(struct agent *a, uint64_t keys)
{
	const struct config_cluster *k = &a->config.cluster;
	char words[FLEET_CERT_WORDS_MAX];
	struct member *m = a->member;
	struct err err;

	m->keys = keys;
	m->cert_end_s = 0;
	/* what is wrong with it is told by who uses it */
	if (!k->cert || fleet_cert_end(k->cert, &m->cert_end_s, &err) < 0)
		return;
	if (fleet_cert_words(m->cert_end_s, (int64_t)time(NULL), words) !=
	    FLEET_CERT_HOLDS)
		log_warn("fleet: this node's certificate %s: weir fleet init "
			 "--renew makes another one",
			 words);
}

void member_keys_look(struct agent *a)
{
	note(a, hash_of(&a->config.cluster));
}

void member_reload(struct agent *a)
{
	/* from before they are used: what comes later is seen the next time */
	uint64_t keys = a->member ? hash_of(&a->config.cluster) : 0;
	struct fleet_spec spec;
	struct err err;

	if (!a->member || keys == a->member->keys)
		return;
	member_spec(a, &spec);
	if (fleet_connect_anew(a->member->fleet, &spec, &err) < 0) {
		log_warn("fleet: %s%s%s, going on with the servers and "
			 "certificates there were",
			 err.at, err.at[0] ? ": " : "", err.text);
		record_state(a, "fleet", "medium", err.text);
		return;
	}
	note(a, keys);
	log_info("fleet: other servers or certificates, connecting anew");
}

/*
 * What another node may send: a version of the policy, to who has one and to who has
 * none; a packed text; an inventory; what it learned, and what it turned down. What is
 * refused changes nothing; what is taken is as it says.
 *
 *   byte 0: what the rest is; byte 1, of a version: its revision
 *
 * A version's body and an inventory need not be packed, for no mutation of what is
 * packed comes to anything: bit 7 of byte 0 has them packed here. What was learned and
 * turned down (bit 6) is looked at unpacked.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/peers.h"
#include "agent/policy.h"
#include "agent/rejected.h"
#include "base/bug.h"
#include "base/text.h"
#include "fleet/pack.h"
#include "fleet/version.h"
#include "intent/gather.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TEXT "{\"rules\":[1,2,3]}"

/* With what is behind the head packed; the caller's. */
static char *with_packed(const char *bytes, size_t len, size_t *ret_len)
{
	const char *end = len ? memchr(bytes, '\n', len) : NULL;
	size_t head = end ? (size_t)(end + 1 - bytes) : 0, n;
	struct text t = { 0 };
	struct err err;
	char *packed = pack_text(bytes + head, len - head, &n, &err);

	BUG_ON(!packed);
	text_add(&t, bytes, head);
	text_add(&t, packed, n);
	free(packed);
	*ret_len = t.len;
	packed = text_take(&t);
	BUG_ON(!packed);
	return packed;
}

static void read_version(const char *bytes, size_t len, uint64_t revision,
			 bool has_version)
{
	struct version v = { 0 };
	struct version_start start = { 0 };
	struct err err = { 0 };
	json_t *about = NULL;
	char *id = NULL;
	int rc;

	if (has_version)
		v = (struct version){ .revision = 5,
				      .whole = 3,
				      .text = strdup(TEXT),
				      .len = strlen(TEXT) };
	rc = version_read(&v, &start, revision, bytes, len, &id, &about, &err);
	BUG_ON(rc < 0 && (rc != -err.code || id || about));
	BUG_ON(rc >= 0 && (!id || !json_is_object(about)));
	if (rc == 0) {
		BUG_ON(v.revision != revision || v.whole > revision);
		BUG_ON(strlen(v.text) > v.len || v.text[v.len] != '\0');
	} else if (has_version) {
		BUG_ON(v.revision != 5 || strcmp(v.text, TEXT) != 0);
	} else {
		BUG_ON(v.revision != 0 || v.text);
	}
	free(id);
	json_decref(about);
	version_done(&v);
}

static void unpack(const char *bytes, size_t len)
{
	struct err err = { 0 };
	size_t n = 0;
	char *text = unpack_text(bytes, len, &n, &err);

	BUG_ON(!text && err.code != EPROTO && err.code != E2BIG);
	BUG_ON(text && text[n] != '\0');
	free(text);
}

static unsigned check_list(const struct agent *a)
{
	unsigned n = 0;

	for (const struct workload *w = a->registry.remote; w; w = w->next) {
		BUG_ON(!w->remote || strncmp(w->id, "there/", 6) != 0);
		BUG_ON(strcmp(workload_text(w, "node"), "there") != 0);
		n++;
	}
	BUG_ON(n != a->registry.n_remote);
	return n;
}

static void read_inventory(const char *bytes, size_t len)
{
	static const char known[] =
		"{\"form\":1,\"workloads\":[{\"about\":{},\"at\":[[\"1\","
		"\"10.0.0.2\"]]}]}";
	static struct agent a; /* it is large */
	struct err err = { 0 };
	int rc;

	a.config.node = (char *)(uintptr_t) "here";
	a.loop = loop_new(&err);
	a.peers = peers_new();
	a.intent = intent_new();
	BUG_ON(!a.loop || !a.peers || !a.intent);
	BUG_ON(peers_inventory(&a, "there", known, strlen(known), &err) < 0);
	BUG_ON(check_list(&a) != 1);
	rc = peers_inventory(&a, "there", bytes, len, &err);
	BUG_ON(rc < 0 && rc != -err.code);
	BUG_ON(check_list(&a) != 1 && rc < 0);
	(void)registry_by_addr(&a.registry, ip_from_v4(0x0a000002));
	peers_free(&a);
	registry_done(&a.registry);
	loop_timer_off(a.loop, &a.compile);
	loop_free(a.loop);
	intent_put(a.intent);
	a = (struct agent){ .loop = NULL };
}

/* Whatever it says: all that is shown are rules that allow, and as they were learned. */
static void check_proposals(const json_t *list)
{
	struct intent *none = intent_new(), *with = NULL;
	json_t *rules = json_array(), *one;
	struct err err;
	size_t i;

	json_array_foreach (list, i, one) {
		const json_t *rule = json_object_get(one, "rule");
		const json_t *seen = json_object_get(one, "provenance");

		BUG_ON(strcmp(json_string_value(
				      json_object_get(rule, "action")),
			      "allow") != 0);
		BUG_ON(strcmp(json_string_value(
				      json_object_get(rule, "origin")),
			      "learned") != 0);
		BUG_ON(json_array_size(json_object_get(seen, "nodes")) != 1);
		BUG_ON(json_integer_value(json_object_get(seen, "sessions")) <
		       0);
		(void)json_array_append(rules, (json_t *)(uintptr_t)rule);
	}
	BUG_ON(intent_with_rules(none, rules, INTENT_LAST, &with, NULL, &err) <
	       0);
	json_decref(rules);
	intent_put(with);
	intent_put(none);
}

static void read_learned(const char *bytes, size_t len)
{
	json_t *told = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	struct intent_gather *g = intent_gather_new();
	struct intent *i = intent_new();
	json_t *none = json_array(), *list;
	struct err err;
	size_t left;

	BUG_ON(!g || !i);
	BUG_ON(intent_gather_take(g, "b", told, 0, &err) < 0);
	list = intent_gather_list(g, "a", none, i, 1, 0, &left);
	BUG_ON(!list || left != 0);
	check_proposals(list);
	json_decref(list);
	json_decref(none);
	json_decref(told);
	intent_put(i);
	intent_gather_free(g);
}

/* Two who know other things, and hear the same in another order. */
static void read_rejected(const char *bytes, size_t len)
{
	json_t *told = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *a = json_pack("{s:i, s:i}", "k", 5, "l", -6);
	json_t *b = json_object(), *known = json_copy(a);

	(void)rejected_merge(a, told);
	BUG_ON(rejected_merge(a, told));
	(void)rejected_merge(b, told);
	(void)rejected_merge(b, known);
	BUG_ON(!json_equal(a, b));
	json_decref(told);
	json_decref(known);
	json_decref(a);
	json_decref(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *bytes = (const char *)data;
	char *packed = NULL;

	if (len < 2)
		return 0;
	bytes += 2;
	len -= 2;
	if (data[0] & 0x40) {
		(data[0] & 1 ? read_rejected : read_learned)(bytes, len);
		return 0;
	}
	if (data[0] & 0x80 && data[0] % 4 < 2)
		bytes = packed = with_packed(bytes, len, &len);
	switch (data[0] % 4) {
	case 0: read_version(bytes, len, data[1], false); break;
	case 1: read_version(bytes, len, data[1], true); break;
	case 2: unpack(bytes, len); break;
	default: read_inventory(bytes, len);
	}
	free(packed);
	return 0;
}

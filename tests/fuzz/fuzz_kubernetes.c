/*
 * Any bytes as a page of a list, and as lines of a watch, of each kind; what is read
 * must hold what the header promises, and policies are put into an intent whatever
 * they say.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "intent/intent.h"
#include "runtime/about.h"
#include "runtime/kubernetes_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(enum kube_kind kind, const struct kube_object *o)
{
	const json_t *labels = json_object_get(o->about, "labels");

	BUG_ON(!about_id_ok(o->uid));
	BUG_ON(!json_string_value(json_object_get(o->about, "name")));
	BUG_ON(json_object_size(labels) > RUNTIME_LABELS_MAX);
	BUG_ON(kind == KUBE_NAMESPACES &&
	       !json_object_get(labels, "kubernetes.io/metadata.name"));
	BUG_ON(json_object_size(json_object_get(o->about, "named_ports")) >
	       KUBE_PORTS_MAX);
	BUG_ON(json_array_size(json_object_get(o->about, "addrs")) >
	       KUBE_ADDRS_MAX);
}

/* A policy isolates, or is a limit; it is never refused for what it says. */
static void as_policy(json_t *about)
{
	json_t *list = json_pack("[O]", about), *notes = json_array();
	json_t *part = NULL;
	struct intent *first = intent_new(), *next = NULL;
	struct err err = { 0 };
	int rc = intent_cluster_read(list, notes, &part, &err);

	BUG_ON(rc != 0 && rc != -E2BIG);
	if (rc == 0) {
		BUG_ON(json_array_size(json_object_get(part, "rules")) < 2);
		BUG_ON(intent_with_cluster(first, part, first, &next, &err) !=
		       0);
	}
	intent_put(first);
	intent_put(next);
	json_decref(part);
	json_decref(notes);
	json_decref(list);
}

static void done(enum kube_kind kind, struct kube_object *o)
{
	if (o->about)
		check(kind, o);
	if (o->about && kind == KUBE_POLICIES)
		as_policy(o->about);
	kube_object_done(o);
}

static void as_page(enum kube_kind kind, const char *text, size_t len)
{
	struct kube_page p;
	struct kube_object o;
	struct err err = { 0 };
	json_t *v;
	size_t n;

	if (kube_read_page(text, len, &p, &err) != 0) {
		BUG_ON(err.code == 0);
		return;
	}
	BUG_ON(!p.version[0]);
	json_array_foreach (p.items, n, v)
		if (kube_read_object(kind, v, &o, &err) == 0)
			done(kind, &o);
		else
			kube_object_done(&o);
	kube_page_done(&p);
}

static void as_watch(enum kube_kind kind, const char *text, size_t len)
{
	struct kube_object o;
	struct err err = { 0 };

	while (len > 0) {
		long n = kube_split(text, len);

		BUG_ON(n > (long)len);
		if (n <= 0)
			break;
		if (kube_read_event(kind, text, (size_t)n, &o, &err) ==
		    KUBE_EVENT_SET)
			done(kind, &o);
		else
			kube_object_done(&o);
		text += n;
		len -= (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;

	for (int kind = 0; kind < KUBE_KIND__MAX; kind++) {
		as_page((enum kube_kind)kind, text, len);
		as_watch((enum kube_kind)kind, text, len);
	}
	return 0;
}

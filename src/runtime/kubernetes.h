/*
 * A Kubernetes API server: the pods, namespaces and NetworkPolicies that it has, as
 * they are and as they change. One thread a kind, each of which lists, watches on
 * from there, and begins anew when the server is away or says that it has forgotten
 * since when; none of that reaches the caller but as news, in runtime.h's words: a
 * list between NEWS_LIST_BEGIN and NEWS_LIST_END, after which what was not in it is
 * gone; else NEWS_FOUND and NEWS_GONE. NEWS_DOWN says of nothing that it is gone,
 * and when the server is back the watch goes on where it was.
 *
 * In the news, `source` is the kind and `id` the object's uid. `about`:
 *
 *   pod        {name, namespace, uid, node?, labels?, owner?, addrs?: [texts],
 *              named_ports?: {"tcp/http": 8080}, host_network?: true}
 *   namespace  {name, labels}; kubernetes.io/metadata.name is always in them
 *   policy     {name, namespace, spec}, spec as it stands
 *
 * A pod that has ended is gone. Names are such as Kubernetes allows.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "runtime/runtime.h"

enum kube_kind { KUBE_NAMESPACES, KUBE_PODS, KUBE_POLICIES, KUBE_KIND__MAX };

/* "namespaces", "pods", "networkpolicies": as in a path, and in RBAC. */
const char *kube_kind_name(enum kube_kind k);

/* Texts; borrowed for the call. */
struct kube_spec {
	const char *server;	/* "https://HOST:PORT" */
	const char *token_file; /* read for each request: it changes */
	const char *ca_file;	/* NULL: the system's */
	const char *node;	/* its pods only; NULL: all */
};

struct kube;

/* NULL and *reterr: out of memory, threads or descriptors. */
struct kube *kube_new(const struct kube_spec *spec, struct err *reterr);
/* Ends within a second, whatever the server does. NULL is accepted. */
void kube_free(struct kube *k);
/* As runtimes_fd() and runtimes_next(). */
int kube_fd(const struct kube *k);
bool kube_next(struct kube *k, struct runtime_news *ret);
